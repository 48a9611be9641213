import ArgumentParser
import AudioDSP
import AudioFiles
import Foundation
import RealtimeVoice

/// Which service a session is with: shared by the commands that hold one.
struct ServiceChoice: ParsableArguments {
  @Option(help: "What the service speaks.")
  var dialect = StreamDialect.openAI

  @Option(help: "The service's whole URL, which is used as it is.")
  var url: String?

  @Option(help: "Scheme and host, with a path if the service stands behind one; the dialect's own otherwise.")
  var baseURL: String?

  @Option(help: "The path behind the base URL, in place of the dialect's.")
  var path: String?

  @Option(help: ArgumentHelp("What else to ask for in the URL, any number of times.", valueName: "name=value"))
  var query: [String] = []

  @Option(
    help: ArgumentHelp(
      "What else to say in the request, any number of times. Not for keys: others see arguments.",
      valueName: "name: value"))
  var header: [String] = []

  @Option(help: "The model, Azure's deployment, or ElevenLabs' agent.")
  var model: String?

  @Option(help: "The environment variable that holds the key, in place of the dialect's own.")
  var keyEnv: String?

  @Option(help: "The file that holds the key.")
  var keyFile: String?

  static let keyVariablesText = StreamDialect.allCases.flatMap(\.keyVariables).reduce(into: [String]()) {
    if !$0.contains($1) { $0.append($1) }
  }.joined(separator: ", ")

  func validate() throws {
    if url != nil, baseURL != nil || path != nil || !query.isEmpty {
      throw Misuse("--url is the whole URL: --base-url, --path and --query have no place in it")
    }
    if keyEnv != nil, keyFile != nil { throw Misuse("--key-env and --key-file exclude each other") }
    for text in query where !text.contains("=") { throw Misuse("--query '\(text.onOneLine)' is not name=value") }
    for text in header where !text.contains(":") { throw Misuse("--header has no colon between name and value") }
  }

  /// In bytes; keys have some hundreds at the most.
  private static let longestKeyFile = 65_536

  /// The key, if there is one.
  ///
  /// - Throws: Where a file or a variable was named and holds none. What it holds is never shown.
  func key(_ variables: [String]) throws -> Credential? {
    let environment = ProcessInfo.processInfo.environment
    if let keyFile {
      // Not named: a key that was given in its place must not be shown.
      guard FileManager.default.fileExists(atPath: keyFile) else { throw Failure("--key-file: there is no such file") }
      guard !isFolder(keyFile), let text = try? String(contentsOfFile: keyFile, encoding: .utf8) else {
        throw Failure("\(keyFile): cannot be read as a key")
      }
      let key = text.trimmingCharacters(in: .whitespacesAndNewlines)
      guard !key.isEmpty else { throw Failure("\(keyFile): holds no key") }
      guard !key.contains(where: \.isWhitespace) else { throw Failure("\(keyFile): holds more than a key") }
      return Credential(key)
    }
    if let keyEnv {
      guard
        keyEnv.utf8.allSatisfy({
          $0 == UInt8(ascii: "_") || Character(UnicodeScalar($0)).isLetter || Character(UnicodeScalar($0)).isNumber
        })
      else {
        throw Misuse("--key-env takes a variable's name, not a key")
      }
      guard let key = environment[keyEnv], !key.isEmpty else {
        throw Failure("the environment variable of --key-env holds no key")
      }
      return Credential(key)
    }
    for name in variables {
      if let key = environment[name], !key.isEmpty { return Credential(key) }
    }
    return nil
  }

  var namesPlace: Bool { url != nil || baseURL != nil }

  /// Where the service is; nil where nothing is said of it and there is no key: a simulator stands in.
  func endpoint(_ dialect: Dialect) throws -> ServiceEndpoint? {
    do {
      let headers = try self.headers
      let key: Credential?
      let endpoint: ServiceEndpoint
      if let url {
        endpoint = try ServiceEndpoint(dialect, url: url, headers: headers)
        key = try self.key(endpoint.keyVariables)
      } else {
        // A dialect's own variables first: without a key there may be no agent's name either.
        if !namesPlace, try self.key(dialect.keyVariables) == nil { return nil }
        endpoint = try ServiceEndpoint(
          dialect, baseURL: baseURL, path: path, query: try queryItems, headers: headers, model: model)
        key = try self.key(endpoint.keyVariables)
      }
      return try Self.authorize(endpoint, with: key)
    } catch let error as ServiceEndpointError {
      throw Misuse("\(error)")
    }
  }

  /// Adds the key, if there is one, and tells where others on the way can read it.
  static func authorize(_ endpoint: ServiceEndpoint, with key: Credential?) throws -> ServiceEndpoint {
    guard let key else { return endpoint }
    if !endpoint.isSecure, !endpoint.isLocal {
      Diagnostics.warn("\(endpoint): the key goes over a connection that is not encrypted")
    }
    return try endpoint.authorized(with: key)
  }

  var headers: [ServiceHeader] {
    get throws {
      try header.map { text in
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return try ServiceHeader(
          String(halves[0]), halves[1].trimmingCharacters(in: .whitespaces))
      }
    }
  }

  private var queryItems: [(name: String, value: String)] {
    get throws {
      query.map { text in
        let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return (halves[0], halves[1])
      }
    }
  }
}

extension ServiceEndpoint {
  /// Whether nobody else is on the way.
  var isLocal: Bool {
    host == "localhost" || host == "::1" || host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." }
  }
}

/// What can be streamed to: the dialects of sessions, and chat completions.
enum StreamDialect: String, CaseIterable, ExpressibleByArgument {
  case openAI = "openai"
  case openAIBeta = "openai-beta"
  case gemini
  case elevenLabs = "elevenlabs"
  case chat = "openai-chat"

  /// Nil for chat completions, which have no session.
  var dialect: Dialect? { Dialect(rawValue: rawValue) }

  var keyVariables: [String] { (dialect ?? .openAI).keyVariables }
}
