import NIOCore
import Testing

@testable import RealtimeVoiceNIO

extension TransportTests {
  @Suite struct ExchangeTests {
    private static func post(
      _ server: ScriptedServer, isSecure: Bool = false, target: String = "/v1/realtime/client_secrets",
      headers: [(name: String, value: String)] = [], configuration: TransportConfiguration = .patient
    ) async throws(TransportError) -> HTTPResponse {
      let request = HTTPPostRequest(
        isSecure: isSecure, host: "127.0.0.1", port: server.port, target: target, headers: headers,
        body: Array("{\"a\":\"é\"}".utf8))
      return try await HTTPExchange.post(request, configuration: configuration, on: ScriptedServer.loop).get()
    }

    private static func failure(
      answer: ScriptedServer.Answer, _ change: (inout TransportConfiguration) -> Void = { _ in }
    ) async throws -> TransportError.Code? {
      let server = try await ScriptedServer.start(request: { _ in answer })
      var configuration = TransportConfiguration.patient
      change(&configuration)
      do {
        _ = try await post(server, configuration: configuration)
        return nil
      } catch {
        _ = await server.hasClosed()
        return error.code
      }
    }

    @Test(arguments: [nil, "localhost"])
    func requestAndAnswerAreWhole(certificate: String?) async throws {
      let server = try await ScriptedServer.start(
        certificate: certificate,
        request: { _ in .bytes(Array("HTTP/1.1 201 Made\r\nX-A: b\r\nContent-Length: 4\r\n\r\nb\né".utf8)) })
      var configuration = TransportConfiguration.patient
      configuration.tls.trustRoots = .pemFile(Fixtures.path("authority.pem"))
      let response = try await Self.post(
        server, isSecure: certificate != nil, headers: [("Authorization", "Bearer key-123456")],
        configuration: configuration)
      #expect(response.status == 201 && response.body == Array("b\né".utf8) && response.excerpt == "b é")
      #expect(response.headers.contains { $0 == ("X-A", "b") })
      let text = try #require(await server.first { if case .request(let text) = $0 { text } else { nil } })
      #expect(text.hasPrefix("POST /v1/realtime/client_secrets HTTP/1.1\r\n"))
      #expect(text.hasSuffix("\r\n\r\n{\"a\":\"é\"}"))
      for (name, value) in [
        ("content-type", "application/json"), ("content-length", "10"), ("connection", "close"),
        ("authorization", "Bearer key-123456"), ("host", "127.0.0.1:\(server.port)"),
      ] { #expect(Peer.header(name, in: text) == value) }
      #expect(await server.hasClosed())
      try await server.stop()
    }

    @Test func everyStatusIsAnAnswerAndNoneIsFollowed() async throws {
      let server = try await ScriptedServer.start(request: { text in
        let status = text.contains("moved") ? "307 Moved\r\nLocation: /other" : "429 Slow\r\nRetry-After: 3"
        return .bytes(Array("HTTP/1.1 \(status)\r\n\r\nwhy".utf8), thenClose: true)
      })
      let moved = try await Self.post(server, target: "/moved")
      #expect(moved.status == 307 && moved.body == Array("why".utf8))
      let slow = try await Self.post(server, target: "/slow")
      #expect(slow.status == 429 && slow.retryAfter == .seconds(3))
      try await server.stop()
    }

    @Test func failuresAreNamed() async throws {
      let long = String(repeating: "x", count: 3000)
      #expect(
        try await Self.failure(answer: .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n\(long)".utf8))) {
          $0.maximumResponseSize = 2999
        } == .responseTooLarge(limit: 2999))
      #expect(
        try await Self.failure(answer: .silence) { $0.requestTimeout = .milliseconds(100) } == .timedOut(.response))
      #expect(
        try await Self.failure(answer: .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx".utf8))) {
          $0.requestTimeout = .milliseconds(100)
        } == .timedOut(.response))
      let cut = try await Self.failure(
        answer: .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx".utf8), thenClose: true))
      #expect(cut == .connectionLost("ended within the answer"))
      let garbage = try await Self.failure(answer: .bytes(Array("nothing\r\n\r\n".utf8)))
      #expect(garbage == .protocolViolation("the answer is not HTTP"))
      #expect(
        try await Self.failure(answer: .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 2999\r\n\r\n\(long)".utf8))) {
          $0.maximumResponseSize = 2999
        } == nil)
    }
  }
}
