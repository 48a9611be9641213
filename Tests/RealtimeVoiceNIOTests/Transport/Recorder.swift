import NIOCore
import NIOPosix

@testable import RealtimeVoiceNIO

/// A delegate that writes down what it hears.
final class Recorder: WebSocketDelegate {
  enum Event: Sendable, Equatable {
    case text(String)
    case binary([UInt8])
    case writability(Bool)
    case closed(WebSocketClosure)
  }

  private let stream: AsyncStream<Event>
  private let continuation: AsyncStream<Event>.Continuation
  private let onText: @Sendable (WebSocketConnection, ByteBuffer) -> Void
  private let onWritability: @Sendable (WebSocketConnection) -> Void

  init(
    onText: @escaping @Sendable (WebSocketConnection, ByteBuffer) -> Void = { _, _ in },
    onWritability: @escaping @Sendable (WebSocketConnection) -> Void = { _ in }
  ) {
    (stream, continuation) = AsyncStream.makeStream(of: Event.self)
    self.onText = onText
    self.onWritability = onWritability
  }

  func webSocket(_ connection: WebSocketConnection, didReceiveText message: ByteBuffer) {
    onText(connection, message)
    continuation.yield(.text(String(buffer: message)))
  }
  func webSocket(_ connection: WebSocketConnection, didReceiveBinary message: ByteBuffer) {
    continuation.yield(.binary(Array(message.readableBytesView)))
  }
  func webSocketDidChangeWritability(_ connection: WebSocketConnection) {
    onWritability(connection)
    continuation.yield(.writability(connection.isWritable))
  }
  func webSocket(_ connection: WebSocketConnection, didClose closure: WebSocketClosure) {
    continuation.yield(.closed(closure))
  }

  /// Messages up to the closure, and the closure.
  func untilClosed() async -> (messages: [Event], closure: WebSocketClosure?) {
    var messages: [Event] = []
    for await event in stream {
      switch event {
      case .closed(let closure): return (messages, closure)
      case .writability: break
      default: messages.append(event)
      }
    }
    return (messages, nil)
  }

  func next(where match: (Event) -> Bool = { _ in true }) async -> Event? {
    for await event in stream where match(event) { return event }
    return nil
  }

  /// Ends what is written down, so that what came after `untilClosed` can be seen.
  func rest() async -> [Event] {
    continuation.finish()
    var events: [Event] = []
    for await event in stream { events.append(event) }
    return events
  }
}

extension WebSocketConnection {
  /// On the connection's loop.
  func run<Result: Sendable>(_ body: @escaping @Sendable (WebSocketConnection) -> Result) async throws -> Result {
    try await eventLoop.submit { body(self) }.get()
  }
}

extension ScriptedServer {
  static var loop: any EventLoop { MultiThreadedEventLoopGroup.singleton.next() }

  func request(
    isSecure: Bool = false, host: String = "127.0.0.1", target: String = "/v1/realtime?model=m",
    headers: [(name: String, value: String)] = [], subprotocols: [String] = []
  ) -> WebSocketRequest {
    WebSocketRequest(
      isSecure: isSecure, host: host, port: port, target: target, headers: headers, subprotocols: subprotocols)
  }

  func connect(
    _ recorder: Recorder, configuration: TransportConfiguration = .patient
  ) async throws -> WebSocketConnection {
    try await WebSocketConnection.connect(
      request(), configuration: configuration, on: Self.loop, delegate: recorder
    ).get()
  }

  /// What a refused attempt says.
  func failure(
    _ request: WebSocketRequest? = nil, configuration: TransportConfiguration = .patient
  ) async -> TransportError? {
    do {
      _ = try await WebSocketConnection.connect(
        request ?? self.request(), configuration: configuration, on: Self.loop, delegate: Recorder()
      ).get()
      return nil
    } catch {
      return error
    }
  }
}

extension TransportConfiguration {
  /// For a machine that is busy with other tests.
  static var patient: TransportConfiguration {
    var configuration = TransportConfiguration()
    configuration.connectTimeout = .seconds(60)
    return configuration
  }
}
