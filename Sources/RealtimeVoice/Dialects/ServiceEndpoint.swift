/// Where a service is, and what the request that opens a connection says.
///
/// Base URL, path, query, headers, model and dialect are settings of their own, so that compatible services fit. OpenAI
/// itself, a proxy, and Azure in both of its forms:
///
/// ```swift
/// try ServiceEndpoint(.openAI, model: "gpt-realtime-2.1")
/// try ServiceEndpoint(.openAIBeta, baseURL: "http://localhost:4000/v1", model: "local")
/// try ServiceEndpoint(.openAI, baseURL: "https://NAME.openai.azure.com/openai/v1", model: "DEPLOYMENT")
/// try ServiceEndpoint(
///   .openAIBeta, baseURL: "https://NAME.openai.azure.com/openai",
///   query: [("api-version", "2025-04-01-preview"), ("deployment", "DEPLOYMENT")])
/// ```
///
/// Its description has no headers' values, nor those parts of a query that look like secrets.
public struct ServiceEndpoint: Hashable, Sendable {
  public let dialect: Dialect
  /// Whether the connection is encrypted (TLS).
  public let isSecure: Bool
  /// In lower case; of an IPv6 address without its brackets.
  public let host: String
  public let port: Int
  /// Path and query as the request's line has them, percent-encoded. It may hold secrets.
  public let target: String
  private let givenHeaders: [ServiceHeader]
  private var credential: Credential?

  /// The place that these settings name; what is `nil` is the dialect's own.
  ///
  /// - Parameters:
  ///   - dialect: What is spoken there; not ``Dialect/pcm``.
  ///   - baseURL: Scheme and host, with a path and query if the service stands behind them. `http` stands for `ws`, and
  ///     `https` for `wss`.
  ///   - path: The path behind that of the base URL. Its default is the dialect's, such as `/v1/realtime`, or
  ///     `/realtime` where OpenAI's base URL has a path, as its own clients have it.
  ///   - query: What to ask for besides the model, behind the base URL's own query.
  ///   - headers: What else the request says. One of those that carry keys here is not replaced by a credential.
  ///   - model: The model, or ElevenLabs' agent. Gemini's is said in its first event, and not here. With OpenAI it is
  ///     ``Dialect/defaultModel`` unless the query says what is wanted in another way.
  /// - Throws: ``ServiceEndpointError``
  public init(
    _ dialect: Dialect, baseURL: String? = nil, path: String? = nil, query: [(name: String, value: String)] = [],
    headers: [ServiceHeader] = [], model: String? = nil
  ) throws(ServiceEndpointError) {
    let base = try ServiceURL(baseURL ?? dialect.baseURL)
    var target = base.path
    while target.last == "/" { target.removeLast() }
    let ownPath = target.isEmpty ? dialect.path : dialect.pathBehindBase
    let path = path ?? ownPath
    guard !path.utf8.contains(UInt8(ascii: "?")) else { throw .queryInPath }
    guard !path.utf8.contains(UInt8(ascii: "#")) else { throw .fragment }
    try ServiceURL.checkCharacters(path)
    if !path.isEmpty, path.first != "/" { target += "/" }
    target += ServiceURL.encoded(path)
    if target.isEmpty { target = "/" }

    var parts = base.query.map { [$0] } ?? []
    for (name, value) in query {
      try ServiceURL.checkCharacters(name + value)
      parts.append("\(ServiceURL.encodedItem(name))=\(ServiceURL.encodedItem(value))")
    }
    let names = Set(parts.flatMap { $0.split(separator: "&") }.map { String($0.prefix { $0 != "=" }) })
    if let name = dialect.modelParameter, names.isDisjoint(with: dialect.parametersInsteadOfModel) {
      if let model = model ?? dialect.defaultModel {
        try ServiceURL.checkCharacters(model)
        parts.insert("\(name)=\(ServiceURL.encodedItem(model))", at: base.query == nil ? 0 : 1)
      } else if dialect == .elevenLabs {
        throw .noAgent
      }
    }
    if !parts.isEmpty { target += "?" + parts.joined(separator: "&") }
    self.init(dialect, base, target: target, headers: headers)
  }

  /// The place that a full URL names: nothing is put to its path and query. This is for signed URLs, too.
  ///
  /// - Throws: ``ServiceEndpointError``
  public init(
    _ dialect: Dialect, url: String, headers: [ServiceHeader] = []
  ) throws(ServiceEndpointError) {
    let url = try ServiceURL(url)
    let path = url.path.isEmpty ? "/" : url.path
    self.init(dialect, url, target: path + (url.query.map { "?" + $0 } ?? ""), headers: headers)
  }

  private init(_ dialect: Dialect, _ url: ServiceURL, target: String, headers: [ServiceHeader]) {
    precondition(dialect != .pcm, "no service speaks pcm")
    self.dialect = dialect
    isSecure = url.isSecure
    host = url.host
    port = url.port
    self.target = target
    givenHeaders = headers
  }

  /// The same place with a key, in the header in which the service takes it.
  ///
  /// That is `Authorization: Bearer` with OpenAI, `api-key` on hosts of Azure, `x-goog-api-key` with Gemini (for its
  /// short-lived tokens, `Authorization: Token`, which also want the path of `…BidiGenerateContentConstrained`), and
  /// `xi-api-key` with ElevenLabs. A header of these that was given stays, and then the key is not used.
  ///
  /// - Throws: ``ServiceEndpointError`` for a key that is empty, or that no header can carry.
  public func authorized(with credential: Credential) throws(ServiceEndpointError) -> ServiceEndpoint {
    guard !credential.isEmpty else { throw .emptyCredential }
    _ = try header(of: credential)
    var authorized = self
    authorized.credential = credential
    return authorized
  }

  /// What the request says besides what opens a WebSocket, secrets included.
  public var headers: [ServiceHeader] {
    var headers = givenHeaders
    // The names and values are constants that are valid, and the credential was checked.
    if dialect == .openAIBeta, !headers.contains(where: { $0.has(name: "OpenAI-Beta") }),
      let header = try? ServiceHeader("OpenAI-Beta", "realtime=v1")
    {
      headers.append(header)
    }
    let isAuthorized = headers.contains { header in Self.keyHeaders.contains { header.has(name: $0) } }
    if let credential, !isAuthorized, let header = try? header(of: credential) { headers.append(header) }
    return headers
  }

  /// The host, with the port where it is not the scheme's: the request's `Host`.
  public var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }

  /// The variables of the environment in which this service's key is looked for, the first that is set.
  public var keyVariables: [String] { isAzure ? ["AZURE_OPENAI_API_KEY"] : dialect.keyVariables }

  private static let keyHeaders = ["Authorization", "api-key", "x-goog-api-key", "xi-api-key"]

  private func header(of credential: Credential) throws(ServiceEndpointError) -> ServiceHeader {
    let secret = credential.secret
    switch dialect {
    case .openAI, .openAIBeta:
      return isAzure
        ? try ServiceHeader("api-key", secret) : try ServiceHeader("Authorization", "Bearer " + secret)
    case .gemini:
      return secret.hasPrefix("auth_tokens/")
        ? try ServiceHeader("Authorization", "Token " + secret) : try ServiceHeader("x-goog-api-key", secret)
    case .elevenLabs: return try ServiceHeader("xi-api-key", secret)
    case .pcm: preconditionFailure("no service speaks pcm")
    }
  }

  private var isAzure: Bool {
    [".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"].contains { host.hasSuffix($0) }
  }
}

extension ServiceEndpoint: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let query = parts.dropFirst().first?.split(separator: "&", omittingEmptySubsequences: false).map { item in
      let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, Self.isSecret(name: pair[0], value: pair[1]) else { return String(item) }
      return "\(pair[0])=…"
    }
    return "\(isSecure ? "wss" : "ws")://\(authority)\(parts[0])"
      + (query.map { "?" + $0.joined(separator: "&") } ?? "")
  }

  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["place": description]) }

  /// Whether an item of a query looks like a secret: by its name, by how keys begin, or by a length that names do not
  /// have.
  private static func isSecret(name: Substring, value: Substring) -> Bool {
    let name = name.lowercased()
    let words = ["key", "token", "sig", "secret", "pass", "auth", "credential", "pwd"]
    return words.contains { name.contains($0) } || value.utf8.count > 64
      || ["sk-", "sk_", "ek_", "AIza", "eyJ", "auth_tokens"].contains { value.hasPrefix($0) }
  }
}

extension Dialect {
  /// The model where none is said: the current one of November 2026, or `nil` where there is none of all clients'.
  public var defaultModel: String? {
    switch self {
    case .openAI: "gpt-realtime-2.1"
    case .gemini: "gemini-3.8-live"
    case .openAIBeta, .elevenLabs, .pcm: nil
    }
  }

  /// The variables of the environment in which the service's own clients look for its key, the first that is set.
  public var keyVariables: [String] {
    switch self {
    case .openAI, .openAIBeta: ["OPENAI_API_KEY"]
    case .gemini: ["GEMINI_API_KEY", "GOOGLE_API_KEY"]
    case .elevenLabs: ["ELEVENLABS_API_KEY"]
    case .pcm: []
    }
  }

  fileprivate var baseURL: String {
    switch self {
    case .openAI, .openAIBeta: "wss://api.openai.com"
    case .gemini: "wss://generativelanguage.googleapis.com"
    case .elevenLabs: "wss://api.elevenlabs.io"
    case .pcm: preconditionFailure("no service speaks pcm")
    }
  }

  fileprivate var path: String {
    switch self {
    case .openAI, .openAIBeta: "/v1/realtime"
    case .gemini: "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    case .elevenLabs: "/v1/convai/conversation"
    case .pcm: ""
    }
  }

  /// The path behind that of a base URL, which with OpenAI's clients holds the version.
  fileprivate var pathBehindBase: String {
    self == .openAI || self == .openAIBeta ? "/realtime" : path
  }

  /// The item of the query that says the model.
  fileprivate var modelParameter: String? {
    switch self {
    case .openAI, .openAIBeta: "model"
    case .elevenLabs: "agent_id"
    case .gemini, .pcm: nil
    }
  }

  /// What says in a query which model it is, or that there is none: Azure's deployment, a call to join, a
  /// transcription.
  fileprivate var parametersInsteadOfModel: Set<String> {
    self == .elevenLabs
      ? ["agent_id", "conversation_signature", "token"] : ["model", "deployment", "call_id", "intent"]
  }
}
