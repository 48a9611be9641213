import Foundation
import NIOHTTP1

/// What a request is for.
struct SessionRoute: Sendable {
  var dialect: SimulatedDialect
  /// With its query, less what is secret.
  var path: String
  var headerNames: [String]
  var query: [(name: String, value: String)]
  var faults: Set<SimulatedFault>
  /// What of the offered subprotocols is spoken.
  var subprotocol: String?

  enum Answer: Sendable {
    case session(SessionRoute)
    case chatCompletion
    case index
    case refusal(HTTPResponseStatus, String)
  }

  static func answer(_ head: HTTPRequestHead, for configuration: SimulatorConfiguration) -> Answer {
    let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = String(parts[0])
    let query = items(parts.count > 1 ? parts[1] : "")
    let isUpgrade = head.headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }

    if path == "/" && !isUpgrade { return .index }
    let isChat = path.hasSuffix("/chat/completions")
    let dialect = isChat ? nil : dialect(of: path, query, head.headers)
    guard isChat || dialect != nil else { return .refusal(.notFound, "nothing is at \(path)") }
    if let key = configuration.requiredKey, !keys(head.headers, query).contains(key) {
      return .refusal(.unauthorized, "Incorrect API key provided.")
    }
    guard let dialect else {
      return head.method == .POST
        ? .chatCompletion : .refusal(.methodNotAllowed, "chat completions are asked for by POST")
    }
    guard isUpgrade else { return .refusal(.upgradeRequired, "\(path) is a WebSocket") }
    var faults: Set<SimulatedFault> = []
    for (name, value) in query where name == "fault" {
      guard let fault = SimulatedFault(name: value) else {
        return .refusal(
          .badRequest, "there is no fault '\(value)'; there are \(SimulatedFault.allNames.joined(separator: ", "))")
      }
      faults.insert(fault)
    }
    if dialect == .elevenLabs, !query.contains(where: { $0.name == "agent_id" || $0.name == "conversation_signature" })
    {
      return .refusal(.badRequest, "agent_id is missing")
    }
    let protocols = head.headers[canonicalForm: "sec-websocket-protocol"]
    let spoken = dialect == .elevenLabs ? "convai" : "realtime"
    let secrets: Set<String> = ["key", "access_token", "conversation_signature"]
    let kept = query.filter { !secrets.contains($0.name) }.map { "\($0.name)=\($0.value)" }
    return .session(
      SessionRoute(
        dialect: dialect, path: ([path] + (kept.isEmpty ? [] : [kept.joined(separator: "&")])).joined(separator: "?"),
        headerNames: head.headers.map(\.name), query: query, faults: faults,
        subprotocol: protocols.contains { $0 == spoken } ? spoken : nil))
  }

  private static func dialect(
    of path: String, _ query: [(name: String, value: String)], _ headers: HTTPHeaders
  ) -> SimulatedDialect? {
    if path.hasSuffix("/realtime") {
      let isBeta =
        headers[canonicalForm: "openai-beta"].contains { $0.replacing(" ", with: "") == "realtime=v1" }
        || query.contains { $0.name == "dialect" && $0.value == SimulatedDialect.openAIBeta.rawValue }
        || headers[canonicalForm: "sec-websocket-protocol"].contains { $0.hasPrefix("openai-beta.realtime-v1") }
      return isBeta ? .openAIBeta : .openAI
    }
    if path.hasSuffix("BidiGenerateContent") || path.hasSuffix("BidiGenerateContentConstrained") { return .gemini }
    return path.hasSuffix("/convai/conversation") ? .elevenLabs : nil
  }

  private static func items(_ query: Substring) -> [(name: String, value: String)] {
    query.split(separator: "&").map { item in
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      func decoded(_ part: Substring) -> String { part.removingPercentEncoding ?? String(part) }
      return (decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : "")
    }
  }

  /// Wherever one of the services looks for a key.
  private static func keys(_ headers: HTTPHeaders, _ query: [(name: String, value: String)]) -> [String] {
    let prefix = "openai-insecure-api-key."
    var keys = ["api-key", "xi-api-key", "x-goog-api-key"].flatMap { headers[canonicalForm: $0].map(String.init) }
    for value in headers[canonicalForm: "authorization"] {
      for scheme in ["Bearer ", "Token "] where value.hasPrefix(scheme) {
        keys.append(String(value.dropFirst(scheme.count)))
      }
    }
    for name in headers[canonicalForm: "sec-websocket-protocol"] where name.hasPrefix(prefix) {
      keys.append(String(name.dropFirst(prefix.count)))
    }
    return keys + query.filter { $0.name == "key" || $0.name == "access_token" }.map(\.value)
  }
}
