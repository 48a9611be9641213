import RealtimeVoice
import Testing

@Suite struct ServiceEndpointTests {
  static let secret = "sk-proj-0123456789"

  static func url(_ endpoint: ServiceEndpoint) -> String {
    "\(endpoint.isSecure ? "wss" : "ws")://\(endpoint.authority)\(endpoint.target)"
  }

  static func headers(_ endpoint: ServiceEndpoint) -> [String] { endpoint.headers.map { "\($0.name): \($0.value)" } }

  @Test("Each dialect's own place")
  func defaults() throws {
    #expect(
      Self.url(try ServiceEndpoint(.openAI)) == "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1")
    #expect(
      Self.url(try ServiceEndpoint(.openAI, model: "my model/ü"))
        == "wss://api.openai.com/v1/realtime?model=my%20model%2F%C3%BC"
    )
    #expect(Self.url(try ServiceEndpoint(.openAIBeta, model: "m")) == "wss://api.openai.com/v1/realtime?model=m")
    #expect(
      Self.url(try ServiceEndpoint(.gemini, model: "m"))
        == "wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    )
    #expect(
      Self.url(try ServiceEndpoint(.elevenLabs, model: "agent_1"))
        == "wss://api.elevenlabs.io/v1/convai/conversation?agent_id=agent_1")
    #expect(throws: ServiceEndpointError.noAgent) { try ServiceEndpoint(.elevenLabs) }
  }

  @Test("Proxies, and Azure in both of its forms")
  func bases() throws {
    #expect(
      Self.url(try ServiceEndpoint(.openAIBeta, baseURL: "http://LocalHost:4000/v1/", model: "m"))
        == "ws://localhost:4000/v1/realtime?model=m")
    #expect(
      Self.url(try ServiceEndpoint(.openAI, baseURL: "https://NAME.openai.azure.com/openai/v1", model: "d"))
        == "wss://name.openai.azure.com/openai/v1/realtime?model=d")
    #expect(
      Self.url(
        try ServiceEndpoint(
          .openAIBeta, baseURL: "https://name.openai.azure.com/openai",
          query: [("api-version", "2025-04-01-preview"), ("deployment", "d")], model: "not used"))
        == "wss://name.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=d")
    #expect(
      Self.url(try ServiceEndpoint(.openAI, baseURL: "ws://[::1]:8080?a=b", path: "x", query: [("c d", "&=")]))
        == "ws://[::1]:8080/x?a=b&model=gpt-realtime-2.1&c%20d=%26%3D")
    #expect(
      Self.url(try ServiceEndpoint(.openAI, query: [("call_id", "c")])) == "wss://api.openai.com/v1/realtime?call_id=c")
    #expect(
      Self.url(try ServiceEndpoint(.elevenLabs, baseURL: "wss://api.eu.residency.elevenlabs.io:443", model: "a"))
        == "wss://api.eu.residency.elevenlabs.io/v1/convai/conversation?agent_id=a")
    #expect(Self.url(try ServiceEndpoint(.gemini, path: "")) == "wss://generativelanguage.googleapis.com/")
  }

  @Test("A full URL wins, and keeps its own query")
  func fullURL() throws {
    for (given, expected) in [
      ("wss://a.b/c/d?x=1&y", "wss://a.b/c/d?x=1&y"), ("HTTPS://A.b:443", "wss://a.b/"), ("http://a:80/", "ws://a/"),
      ("ws://a:8080?", "ws://a:8080/?"), ("ws://a/ü b%20%zz?q=\"ä\"", "ws://a/%C3%BC%20b%20%25zz?q=%22%C3%A4%22"),
      ("ws://a/?u=http://b", "ws://a/?u=http://b"), ("ws://a:/b", "ws://a/b"), ("ws://[FE80::1]/", "ws://[fe80::1]/"),
    ] {
      #expect(Self.url(try ServiceEndpoint(.openAI, url: given)) == expected)
    }
    let endpoint = try ServiceEndpoint(.openAI, url: "ws://[::1]:99/")
    #expect(endpoint.host == "::1" && endpoint.port == 99 && !endpoint.isSecure)
  }

  static let wrong: [(String, ServiceEndpointError)] = [
    ("", .badScheme(nil)), ("api.openai.com/v1", .badScheme(nil)), ("ftp://a", .badScheme("ftp")),
    ("user:key=x://a", .badScheme(nil)), ("ws://", .noHost), ("ws:///a", .noHost), ("ws://:80", .noHost),
    ("ws://a b", .badHost), ("ws://münchen.de", .badHost), ("ws://[::1", .badHost), ("ws://[]", .badHost),
    ("ws://[::1]x", .badHost), ("ws://a:0", .badPort), ("ws://a:65536", .badPort), ("ws://a:x", .badPort),
    ("ws://a:8\u{660}", .badPort), ("ws://u:p@a", .userInfo), ("ws://key@a/b", .userInfo), ("ws://a/#b", .fragment),
    ("ws://a/#\u{301}b", .fragment), ("ws://a/\r\nX: y", .controlCharacter), ("ws://a/\u{7F}", .controlCharacter),
    ("ws://a@\u{301}b", .userInfo),
  ]

  @Test("What is no place is refused", arguments: wrong)
  func refused(url: String, expected: ServiceEndpointError) {
    #expect(throws: expected) { try ServiceEndpoint(.openAI, url: url) }
    #expect(throws: expected) { try ServiceEndpoint(.openAI, baseURL: url) }
  }

  @Test("Parts that would break the request are refused")
  func refusedParts() {
    #expect(throws: ServiceEndpointError.queryInPath) { try ServiceEndpoint(.openAI, path: "/a?b=c") }
    #expect(throws: ServiceEndpointError.fragment) { try ServiceEndpoint(.openAI, path: "/a#b") }
    #expect(throws: ServiceEndpointError.controlCharacter) { try ServiceEndpoint(.openAI, path: "/a\nb") }
    #expect(throws: ServiceEndpointError.controlCharacter) { try ServiceEndpoint(.openAI, query: [("a", "\r\n")]) }
    #expect(throws: ServiceEndpointError.controlCharacter) { try ServiceEndpoint(.openAI, model: "m\0") }
    #expect(throws: ServiceEndpointError.badHeaderValue(name: "a")) { try ServiceHeader("a", "b\r\nc: d") }
    #expect(throws: ServiceEndpointError.badHeaderValue(name: "a")) { try ServiceHeader("a", "ü") }
    #expect(throws: ServiceEndpointError.badHeaderName) { try ServiceHeader("a:", "b") }
    #expect(throws: ServiceEndpointError.badHeaderName) { try ServiceHeader("", "b") }
    #expect(throws: ServiceEndpointError.reservedHeader(name: "Upgrade")) { try ServiceHeader("Upgrade", "b") }
  }

  @Test("A key stands in the header in which the service takes it")
  func keys() throws {
    let key = Credential(" \(Self.secret)\r\n")
    func headers(_ endpoint: ServiceEndpoint, _ key: Credential) throws -> [String] {
      Self.headers(try endpoint.authorized(with: key))
    }
    #expect(try headers(try ServiceEndpoint(.openAI), key) == ["Authorization: Bearer \(Self.secret)"])
    #expect(
      try headers(try ServiceEndpoint(.openAIBeta, model: "m"), key)
        == ["OpenAI-Beta: realtime=v1", "Authorization: Bearer \(Self.secret)"])
    #expect(
      try headers(try ServiceEndpoint(.openAI, baseURL: "https://N.openai.azure.com/openai/v1"), key)
        == ["api-key: \(Self.secret)"])
    #expect(try headers(try ServiceEndpoint(.gemini), key) == ["x-goog-api-key: \(Self.secret)"])
    #expect(
      try headers(try ServiceEndpoint(.gemini), Credential("auth_tokens/x")) == ["Authorization: Token auth_tokens/x"])
    #expect(try headers(try ServiceEndpoint(.elevenLabs, model: "a"), key) == ["xi-api-key: \(Self.secret)"])
    // What was given stays.
    let own = try ServiceEndpoint(.openAI, headers: [try ServiceHeader("AUTHORIZATION", "Bearer mine")])
    #expect(try headers(own, key) == ["AUTHORIZATION: Bearer mine"])
    // A later key replaces an earlier one.
    let first = try ServiceEndpoint(.openAI).authorized(with: Credential("first"))
    #expect(try headers(first, key) == ["Authorization: Bearer \(Self.secret)"])
    #expect(throws: ServiceEndpointError.emptyCredential) {
      try ServiceEndpoint(.openAI).authorized(with: Credential(" \n"))
    }
    #expect(throws: ServiceEndpointError.badHeaderValue(name: "Authorization")) {
      try ServiceEndpoint(.openAI).authorized(with: Credential("a\nb"))
    }
  }

  @Test("Nothing that prints shows a secret")
  func silence() throws {
    let key = Credential(Self.secret)
    let endpoint = try ServiceEndpoint(
      .openAI, baseURL: "https://proxy.example/v1",
      query: [
        ("api_key", "hidden-1"), ("conversation_signature", "hidden-2"),
        ("x", "sk-hidden-3"), ("token", "hidden-4"), ("y", String(repeating: "hidden", count: 20)), ("zone", "eu"),
      ],
      headers: [try ServiceHeader("X-Secret", "hidden-5")], model: "m"
    ).authorized(with: key)
    var dumped = ""
    dump(endpoint, to: &dumped)
    dump(key, to: &dumped)
    dump(endpoint.headers, to: &dumped)
    dump([key: endpoint], to: &dumped)
    dumped += "\(endpoint) \(String(reflecting: endpoint)) \(key) \(String(reflecting: key)) \(endpoint.headers)"
    dumped += "\(String(describing: Optional(key))) \(String(reflecting: endpoint.headers)) \([endpoint])"
    func walk(_ value: Any) {
      dumped += "\(value)"
      for child in Mirror(reflecting: value).children { walk(child.value) }
    }
    walk(key)
    walk(endpoint)
    walk(endpoint.headers)
    #expect(!dumped.contains("hidden") && !dumped.contains("0123456789"))
    #expect(
      endpoint.description
        == "wss://proxy.example/v1/realtime?model=m&api_key=…&conversation_signature=…&x=…&token=…&y=…&zone=eu")
  }

  @Test("Where keys are looked for")
  func variables() throws {
    #expect(Dialect.openAI.keyVariables == ["OPENAI_API_KEY"])
    #expect(Dialect.gemini.keyVariables == ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
    #expect(Dialect.elevenLabs.keyVariables == ["ELEVENLABS_API_KEY"])
    #expect(
      try ServiceEndpoint(.openAI, baseURL: "https://n.openai.azure.com/openai/v1").keyVariables == [
        "AZURE_OPENAI_API_KEY"
      ])
    #expect(try ServiceEndpoint(.openAI).keyVariables == ["OPENAI_API_KEY"])
  }
}
