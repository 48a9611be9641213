import Logging
import NIOCore
import Synchronization
import Testing

@testable import RealtimeVoiceNIO

extension TransportTests {
  @Suite struct SecretTests {
    private static let key = "sk-test/Zx9+Q7pLmN4=="
    private static let queryKey = "query%2FKey%2B77881"
    private static let plainQueryKey = "query/Key+77881"
    private static let forbidden = [key, "Zx9+Q7", "query%2FKey", "query/Key", "77881", "sk-test", "sk-sub-4455"]

    /// Keeps what is logged, with its metadata.
    private final class Log: Sendable {
      let lines = Mutex<[String]>([])
      var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(log: self) }
        logger.logLevel = .trace
        return logger
      }
    }

    private struct Handler: LogHandler {
      let log: Log
      var metadata: Logger.Metadata = [:]
      var logLevel: Logger.Level = .trace
      subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
      }
      func log(event: LogEvent) {
        log.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
      }
    }

    private static func texts(_ value: Any) -> [String] {
      var dumped = ""
      dump(value, to: &dumped)
      return ["\(value)", String(reflecting: value), dumped]
    }

    @Test func noTextHasWhatWasSentAsASecret() async throws {
      let echo =
        "no: Bearer \(Self.key) \(Self.key.split(separator: "/").joined(separator: "\\/")) \(Self.queryKey)"
        + " \(Self.plainQueryKey) sk-sub-4455 key.sk-sub-4455 m-of-this-model"
      let body = "HTTP/1.1 401 No\r\nX-Echo: \(Self.key)\r\nContent-Length: \(echo.utf8.count)\r\n\r\n\(echo)"
      let cut = "HTTP/1.1 401 No\r\n\r\n\(String(repeating: "Bearer \(Self.key) ", count: 900))"
      let answers: [ScriptedServer.Answer] = [
        .bytes(Array(body.utf8)), .bytes(Array(cut.utf8), thenClose: true),
        .bytes(Array("\(Self.key) is no HTTP\r\n\r\n".utf8)),
        .bytes(
          Array("HTTP/1.1 101 \(Self.key)\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: \(Self.key)\r\n\r\n".utf8)),
        .bytes([], thenClose: true), .silence,
        .upgrade(bytes: ServerFrame.close(1008, "Wrong key \(Self.key)")),
        .upgrade(bytes: ServerFrame.close(1008, "Wrong key \(Self.key.prefix(12))")),
        .upgrade(bytes: ServerFrame.bytes(0x83, Array(Self.key.utf8))),
        .upgrade(bytes: ServerFrame.bytes(0x81, Array(Self.key.utf8) + [0xFF])),
      ]
      let log = Log()
      var texts: [String] = []
      for answer in answers {
        let server = try await ScriptedServer.start(
          request: { _ in answer }, frame: { peer, frame in if frame.opcode == 8 { peer.close() } })
        let request = server.request(
          target: "/v1/realtime?model=m-of-this-model&key=\(Self.queryKey)",
          headers: [("Authorization", "Bearer \(Self.key)")], subprotocols: ["realtime", "key.sk-sub-4455"])
        texts += Self.texts(request)
        var configuration = TransportConfiguration.patient
        configuration.closeTimeout = .milliseconds(50)
        if case .silence = answer { configuration.connectTimeout = .milliseconds(100) }
        let recorder = Recorder()
        do {
          let connection = try await WebSocketConnection.connect(
            request, configuration: configuration, on: ScriptedServer.loop, delegate: recorder, logger: log.logger
          ).get()
          texts += Self.texts(connection)
          let closure = await recorder.untilClosed().closure
          texts += Self.texts(try #require(closure))
        } catch {
          texts += Self.texts(error)
        }
        try await server.stop()
      }

      let server = try await ScriptedServer.start(request: { _ in .bytes(Array(body.utf8)) })
      let post = HTTPPostRequest(
        isSecure: false, host: "127.0.0.1", port: server.port, target: "/v1?key=\(Self.queryKey)",
        headers: [("Authorization", "Bearer \(Self.key)"), ("X-Other", "sk-sub-4455")], body: Array(Self.key.utf8))
      let response = try await HTTPExchange.post(post, on: ScriptedServer.loop, logger: log.logger).get()
      texts += Self.texts(post) + Self.texts(response) + [response.excerpt]
      try await server.stop()

      let lines = log.lines.withLock { $0 }
      #expect(lines.count > 2 * answers.count)
      for text in texts + lines {
        for secret in Self.forbidden { #expect(!text.contains(secret), "\(secret) in \(text)") }
        #expect(!text.contains("model="))
      }
      // What is no secret is still there.
      #expect(texts.contains { $0.contains("answered 401") && $0.contains("m-of-this-model") && $0.contains("no: ") })
      #expect(texts.contains { $0.contains("Wrong key …") })
    }

    @Test func textsAreMadePrintable() {
      #expect(TransportText.printable(" a\r\n\tb\u{0}\u{7F}\u{202E}c\u{2028} ", limit: 99) == "a b c")
      #expect(TransportText.printable("ééé", limit: 4) == "éé…")
      #expect(TransportText.printable("ééé", limit: 6) == "ééé")
      #expect(TransportText.printable("", limit: 6) == "")
    }
  }
}
