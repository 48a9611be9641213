import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// A local service that speaks what voice services speak, for tests, demonstrations and latency budgets without a key.
///
/// No model is behind it: it hears where speech is (by energy), and answers with a sound or with what it heard. It
/// keeps to the services' rules, says their errors, counts tokens by their rules, and fails on request
/// (``SimulatedFault``). It listens on 127.0.0.1 alone, and has no TLS.
///
/// Paths: `…/realtime` (OpenAI; `OpenAI-Beta: realtime=v1` or `?dialect=openai-beta` for the older interface),
/// `…BidiGenerateContent` (Gemini Live), `…/convai/conversation?agent_id=…` (ElevenLabs), and
/// `POST …/chat/completions`.
///
/// Memory does not grow with time. What sessions leave is bounded by ``SimulatorJournal/Limits``. A running one holds 64
/// MiB of audio that is not committed at most, another 64 MiB of its last turn, 5000 items with about 16 MiB of text and
/// 16 MiB of audio, of which it forgets the oldest first, 32 MiB of a message and 64 MiB that its client has not read yet.
/// There are 2048 connections at most.
public final class Simulator: Sendable {
  private let core: SimulatorCore
  private let channel: any Channel
  public let port: Int

  private init(core: SimulatorCore, channel: any Channel, port: Int) {
    self.core = core
    self.channel = channel
    self.port = port
  }

  /// - Throws: `SimulatorError` for a configuration that cannot be, NIO's error where the port is taken.
  public static func start(
    _ configuration: SimulatorConfiguration = SimulatorConfiguration(),
    on group: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup
  ) async throws -> Simulator {
    try configuration.validate()
    let core = SimulatorCore(configuration)
    let channel = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try prepare(channel, core) }
      }
      .bind(host: "127.0.0.1", port: configuration.port).get()
    return Simulator(core: core, channel: channel, port: channel.localAddress?.port ?? configuration.port)
  }

  private static func prepare(_ channel: any Channel, _ core: SimulatorCore) throws {
    guard core.add(channel) else { throw SimulatorError("too many connections") }
    channel.closeFuture.whenComplete { [weak channel] _ in
      if let channel { core.remove(channel) }
    }
    let upgrader = NIOWebSocketServerUpgrader(
      maxFrameSize: core.configuration.messageLimit, automaticErrorHandling: true,
      shouldUpgrade: { channel, head in
        guard case .session(let route) = SessionRoute.answer(head, for: core.configuration) else {
          return channel.eventLoop.makeSucceededFuture(nil)
        }
        let headers: HTTPHeaders = route.subprotocol.map { ["Sec-WebSocket-Protocol": $0] } ?? [:]
        return channel.eventLoop.makeSucceededFuture(headers)
      },
      upgradePipelineHandler: { channel, head in
        channel.eventLoop.makeCompletedFuture {
          guard case .session(let route) = SessionRoute.answer(head, for: core.configuration) else {
            throw SimulatorError("not a session")
          }
          try channel.pipeline.syncOperations.addHandler(SessionHandler(core: core, route: route))
        }
      })
    let requests = RequestHandler(core)
    let bound = NIOLoopBound(requests, eventLoop: channel.eventLoop)
    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
      withServerUpgrade: (
        upgraders: [upgrader],
        completionHandler: { context in context.pipeline.syncOperations.removeHandler(bound.value, promise: nil) }
      ))
    try channel.pipeline.syncOperations.addHandler(requests)
  }

  /// Where a client of that dialect connects to.
  public func url(_ dialect: SimulatedDialect) -> String { "ws://127.0.0.1:\(port)\(dialect.path)" }

  /// Where chat completions are asked for, by POST.
  public var chatCompletionsURL: String { "http://127.0.0.1:\(port)/v1/chat/completions" }

  /// What has happened so far.
  public var journal: SimulatorJournal { core.journal }

  /// Takes no more connections, closes those there are with code 1001, and returns when they have ended: at once, or
  /// within some 2 s where a client does not answer.
  public func stop() async throws {
    try? await channel.close().get()
    let channels = core.stop()
    for channel in channels { channel.pipeline.fireUserInboundEventTriggered(SessionHandler.GoAway()) }
    for channel in channels { try? await channel.closeFuture.get() }
  }
}

/// Why a simulator does not start.
public struct SimulatorError: Error, Equatable, CustomStringConvertible {
  public var description: String

  init(_ description: String) { self.description = description }
}
