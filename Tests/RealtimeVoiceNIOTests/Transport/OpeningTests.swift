import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import RealtimeVoiceNIO

extension TransportTests {
  @Suite struct OpeningTests {
    private static func configuration(connect: Duration = .seconds(60)) -> TransportConfiguration {
      var configuration = TransportConfiguration.patient
      configuration.connectTimeout = connect
      configuration.closeTimeout = .milliseconds(100)
      configuration.tls.trustRoots = .pem(try! Fixtures.bytes("authority.pem"))
      return configuration
    }

    // MARK: The request

    @Test func theRequestSaysWhatItShould() async throws {
      let server = try await ScriptedServer.start(request: { _ in
        .upgrade(headers: ["Sec-WebSocket-Protocol: realtime"])
      })
      let request = server.request(
        headers: [("Authorization", "Bearer key-1234567890"), ("X-Two", "")], subprotocols: ["realtime", "other"])
      let connection = try await WebSocketConnection.connect(
        request, on: ScriptedServer.loop, delegate: Recorder()
      ).get()
      #expect(connection.subprotocol == "realtime")
      let text = try #require(await server.first { if case .request(let text) = $0 { text } else { nil } })
      #expect(text.hasPrefix("GET /v1/realtime?model=m HTTP/1.1\r\n"))
      let expected = [
        ("host", "127.0.0.1:\(server.port)"), ("authorization", "Bearer key-1234567890"), ("upgrade", "websocket"),
        ("connection", "upgrade"), ("sec-websocket-version", "13"), ("sec-websocket-protocol", "realtime, other"),
      ]
      for (name, value) in expected { #expect(Peer.header(name, in: text) == value) }
      #expect(Peer.header("sec-websocket-key", in: text)?.count == 24)
      #expect(Peer.header("sec-websocket-extensions", in: text) == nil)
      try await connection.run { $0.close() }
      try await server.stop()
    }

    @Test func hostHeadersNameTheSchemesOwnPortOnlyWhereItIsAnother() {
      #expect(Endpoint(isSecure: true, host: "a.b", port: nil, target: "/").hostHeader == "a.b")
      #expect(Endpoint(isSecure: false, host: "a.b", port: 443, target: "/").hostHeader == "a.b:443")
      #expect(Endpoint(isSecure: false, host: "[::1]", port: nil, target: "/").hostHeader == "[::1]")
      #expect(Endpoint(isSecure: true, host: "::1", port: 80, target: "/").hostHeader == "[::1]:80")
      #expect(Endpoint(isSecure: true, host: "[::1]", port: 80, target: "/").host == "::1")
    }

    static let badRequests: [(WebSocketRequest, String)] = [
      (.init(host: ""), "host"), (.init(host: "a b"), "host"), (.init(host: "user@a"), "host"),
      (.init(host: "a", port: 0), "port"), (.init(host: "a", port: 65_536), "port"),
      (.init(host: "a", target: ""), "path"), (.init(host: "a", target: "x"), "path"),
      (.init(host: "a", target: "/x y"), "path"), (.init(host: "a", target: "/x\r\nA: b"), "path"),
      (.init(host: "a", target: "/x#y"), "path"),
      (.init(host: "a", headers: [("Authorization", "Bearer secret\n")]), "Authorization"),
      (.init(host: "a", headers: [("a b", "c")]), "name"), (.init(host: "a", headers: [("Upgrade", "h2c")]), "Upgrade"),
      (.init(host: "a", subprotocols: ["a, b"]), "subprotocol"),
    ]

    @Test(arguments: badRequests.indices)
    func badRequestsAreRefusedInWords(index: Int) async throws {
      let (request, word) = Self.badRequests[index]
      do {
        _ = try await WebSocketConnection.connect(request, on: ScriptedServer.loop, delegate: Recorder()).get()
        Issue.record("not refused")
      } catch {
        guard case .invalidRequest(let words) = error.code else { throw error }
        #expect(words.contains(word))
        #expect(!"\(error)".contains("secret") && !error.isTransient)
      }
    }

    @Test func badConfigurationsAreRefusedInWords() async throws {
      var configuration = TransportConfiguration.patient
      configuration.pingInterval = .zero
      let request = WebSocketRequest(host: "a")
      await #expect(throws: TransportError.self) {
        try await WebSocketConnection.connect(
          request, configuration: configuration, on: ScriptedServer.loop, delegate: Recorder()
        ).get()
      }
    }

    // MARK: Refusals

    private static func response(_ status: String, _ headers: [String] = [], _ body: String = "") -> [UInt8] {
      Array(
        (["HTTP/1.1 \(status)"] + headers + ["Content-Length: \(body.utf8.count)", "", body]).joined(separator: "\r\n")
          .utf8)
    }

    private func refusal(_ bytes: [UInt8], thenClose: Bool = false) async throws -> TransportError? {
      let server = try await ScriptedServer.start(request: { _ in .bytes(bytes, thenClose: thenClose) })
      let failure = await server.failure(configuration: Self.configuration())
      #expect(await server.hasClosed())
      try await server.stop()
      return failure
    }

    @Test func statusesBodiesAndWaitsComeOut() async throws {
      let unauthorized = try await refusal(
        Self.response("401 Unauthorized", [], "{\n  \"error\": {\"message\": \"Wrong key\u{1B}[31m\"}\n}"))
      #expect(
        unauthorized?.code
          == .upgradeRefused(status: 401, body: "{ \"error\": {\"message\": \"Wrong key [31m\"} }", retryAfter: nil))
      #expect(unauthorized?.isTransient == false)
      let limited = try await refusal(Self.response("429 Too Many Requests", ["Retry-After: 7"], "slow"))
      #expect(limited?.code == .upgradeRefused(status: 429, body: "slow", retryAfter: .seconds(7)))
      #expect(limited?.isTransient == true)
      let failed = try await refusal(Self.response("500 Internal Server Error"))
      #expect(failed?.code == .upgradeRefused(status: 500, body: "", retryAfter: nil))
      #expect(failed?.isTransient == true)
      let plain = try await refusal(Self.response("200 OK", [], "<html>"))
      #expect(plain?.code == .upgradeRefused(status: 200, body: "<html>", retryAfter: nil))
      let moved = try await refusal(Self.response("301 Moved", ["Location: https://other.invalid/"]))
      #expect(moved?.code == .upgradeRefused(status: 301, body: "", retryAfter: nil))
      #expect(moved?.isTransient == false)
      let chunked = try await refusal(
        Array("HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n".utf8))
      #expect(chunked?.code == .upgradeRefused(status: 503, body: "abcde", retryAfter: nil))
    }

    @Test func bodiesWithoutEndAreCutAndKept() async throws {
      let toTheEnd = try await refusal(Array("HTTP/1.1 403 No\r\n\r\nuntil the end".utf8), thenClose: true)
      #expect(toTheEnd?.code == .upgradeRefused(status: 403, body: "until the end", retryAfter: nil))
      let brokenOff = try await refusal(
        Array("HTTP/1.1 403 No\r\nContent-Length: 99\r\n\r\npart".utf8), thenClose: true)
      #expect(brokenOff?.code == .upgradeRefused(status: 403, body: "part", retryAfter: nil))
      let endless = try await refusal(Array("HTTP/1.1 403 No\r\nContent-Length: 99\r\n\r\npart".utf8))
      #expect(endless?.code == .upgradeRefused(status: 403, body: "part", retryAfter: nil))
      let long = try await refusal(Self.response("400 Bad", [], String(repeating: "x", count: 200_000)))
      #expect(
        long?.code == .upgradeRefused(status: 400, body: String(repeating: "x", count: 1024) + "…", retryAfter: nil))
    }

    @Test(arguments: [
      "\u{15}\u{3}\u{1}nothing of HTTP\r\n\r\n", "SSH-2.0-x\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: \(String(repeating: "x", count: 300_000))",
    ])
    func whatIsNoUpgradeIsAViolation(text: String) async throws {
      let failure = try await refusal(Array(text.utf8))
      guard case .protocolViolation = failure?.code else {
        Issue.record("\(failure as Any)")
        return
      }
      #expect(failure?.isTransient == false)
    }

    @Test(arguments: ["Sec-WebSocket-Protocol: other", "Sec-WebSocket-Extensions: permessage-deflate"])
    func whatWasNotOfferedIsAViolation(header: String) async throws {
      let server = try await ScriptedServer.start(request: { _ in .upgrade(headers: [header]) })
      guard case .protocolViolation = await server.failure(server.request(subprotocols: ["realtime"]))?.code else {
        Issue.record("taken")
        return
      }
      #expect(await server.hasClosed())
      try await server.stop()
    }

    @Test func anEndInPlaceOfAnAnswerIsALoss() async throws {
      let failure = try await refusal([], thenClose: true)
      guard case .connectionLost = failure?.code else {
        Issue.record("\(failure as Any)")
        return
      }
      #expect(failure?.isTransient == true)
    }

    @Test func waitsAreReadFromSecondsMillisecondsAndDates() {
      let date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
      let cases: [([(String, String)], Duration?)] = [
        ([("Retry-After", "120")], .seconds(120)),
        ([("retry-after-ms", "1500"), ("Retry-After", "9")], .milliseconds(1500)),
        ([("Retry-After", "-3")], .zero), ([("Retry-After", "1e99")], .seconds(86_400)),
        ([("Retry-After", "nan")], nil),
        ([("Retry-After", "soon")], nil), ([], nil), ([("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT")], nil),
        ([("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"), date], .seconds(30)),
        ([("Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT"), date], .zero),
      ]
      for (headers, wait) in cases { #expect(RetryAfter.wait(in: HTTPHeaders(headers)) == wait) }
      // Known from elsewhere: `date -u -d @…`.
      for (text, seconds) in [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600), ("Wed, 31 Dec 2036 23:59:59 GMT", 2_114_380_799),
      ] { #expect(RetryAfter.secondsSinceEpoch(text) == seconds) }
    }

    // MARK: Times and cancelling

    @Test func silenceTimesOut() async throws {
      let server = try await ScriptedServer.start(request: { _ in .silence })
      let failure = await server.failure(configuration: Self.configuration(connect: .milliseconds(200)))
      #expect(failure?.code == .timedOut(.upgrade))
      #expect(failure?.isTransient == true)
      #expect(await server.hasClosed())
      // So that the certificates are at hand.
      _ = await server.failure(
        server.request(isSecure: true), configuration: Self.configuration(connect: .milliseconds(200)))
      // The server never gets a whole request of TLS, and says nothing.
      let secure = await server.failure(
        server.request(isSecure: true), configuration: Self.configuration(connect: .milliseconds(200)))
      #expect(secure?.code == .timedOut(.tlsHandshake))
      try await server.stop()
    }

    @Test func aPortWithoutAServerRefuses() async throws {
      let server = try await ScriptedServer.start()
      try await server.stop()
      let failure = await server.failure()
      #expect(failure?.code == .refused)
      #expect(failure?.endpoint == "127.0.0.1:\(server.port)/v1/realtime")
      #expect("\(failure!)" == "127.0.0.1:\(server.port)/v1/realtime: the connection was refused")
    }

    @Test func cancellingClosesTheSocket() async throws {
      let server = try await ScriptedServer.start(request: { _ in .silence })
      let attempt = WebSocketConnection.connect(server.request(), on: ScriptedServer.loop, delegate: Recorder())
      #expect(await server.first { if case .request = $0 { true } else { nil } } == true)
      attempt.cancel()
      attempt.cancel()
      await #expect(throws: TransportError.self) { try await attempt.get() }
      #expect(await server.hasClosed())

      let task = Task {
        try await WebSocketConnection.connect(server.request(), on: ScriptedServer.loop, delegate: Recorder()).get()
      }
      #expect(await server.first { if case .request = $0 { true } else { nil } } == true)
      task.cancel()
      let result = await task.result
      do {
        _ = try result.get()
        Issue.record("opened")
      } catch {
        #expect((error as? TransportError)?.code == .cancelled)
      }
      #expect(await server.hasClosed())
      try await server.stop()
    }

    @Test func cancellingAtOnceOpensNothing() async throws {
      let server = try await ScriptedServer.start()
      let attempt = WebSocketConnection.connect(server.request(), on: ScriptedServer.loop, delegate: Recorder())
      attempt.cancel()
      do {
        _ = try await attempt.get()
        Issue.record("opened")
      } catch {
        #expect(error.code == .cancelled)
      }
      try await server.stop()
    }
  }
}
