import NIOCore
import NIOPosix
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Synchronization
import Testing

extension ClientSuites {
  /// When `close()` returns, the connection is gone.
  @Suite("Closing", .timeLimit(.minutes(10))) struct ClosingTests {
    private static func client(
      _ url: String, _ transport: TransportConfiguration = TransportConfiguration(),
      on group: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup
    ) throws -> VoiceClient {
      try VoiceClient(
        ServiceEndpoint(.openAI, url: url), Conversation.configuration(.openAI), transport: transport, on: group)
    }

    @Test("The service has the close frame, and TCP has ended, when it returns")
    func handshake() async throws {
      let simulator = try await Simulator.start()
      for _ in 0..<20 {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = try Self.client(simulator.url(.openAI), on: group)
        await client.start()
        try await client.until { $0.isReady }
        await client.close()
        #expect(simulator.journal.sessions.last?.closeCode == 1000)
        // Nothing of the client's is left on the loop.
        try await group.shutdownGracefully()
      }
      #expect(simulator.journal.sessions.map(\.closeCode) == Array(repeating: 1000, count: 20))
      try await simulator.stop()
    }

    @Test("A service that does not answer the close frame is waited for as long as it may take, and no longer")
    func silentService() async throws {
      // It neither answers nor ends TCP.
      let server = try await ScriptedServer.start(opened: { $0.send(Self.sessionCreated) })
      var transport = TransportConfiguration()
      transport.closeTimeout = .milliseconds(300)
      let client = try Self.client("ws://127.0.0.1:\(server.port)/", transport)
      await client.start()
      try await client.until { $0.isReady }
      let start = ContinuousClock.now
      await client.close()
      #expect(ContinuousClock.now - start >= .milliseconds(300))
      #expect(await server.frame(opcode: 8)?.closeCode == 1000)
      #expect(await server.hasClosed())
      // It is over, and so is the wait.
      await client.close()
      try await server.stop()
    }

    @Test("A task that is cancelled does not wait, before or meanwhile; the session is over all the same")
    func cancelled() async throws {
      let server = try await ScriptedServer.start(opened: { $0.send(Self.sessionCreated) })
      var transport = TransportConfiguration()
      transport.closeTimeout = .seconds(3_600)
      for isCancelledBefore in [true, false] {
        let client = try Self.client("ws://127.0.0.1:\(server.port)/", transport)
        await client.start()
        try await client.until { $0.isReady }
        let closing = Task {
          // Until it is.
          while isCancelledBefore, !Task.isCancelled { await Task.yield() }
          await client.close()
        }
        var code: Int?
        if !isCancelledBefore { code = await server.frame(opcode: 8)?.closeCode }
        closing.cancel()
        await closing.value
        #expect(await client.isClosed)
        if isCancelledBefore { code = await server.frame(opcode: 8)?.closeCode }
        #expect(code == 1000)
      }
      try await server.stop()
    }

    @Test("While a connection is being made, it is called off; before that there is nothing to wait for")
    func connecting() async throws {
      // Takes TCP's connection and never says a word.
      let server = try await ScriptedServer.start(request: { _ in .silence })
      let client = try Self.client("ws://127.0.0.1:\(server.port)/")
      await client.close()
      let second = try Self.client("ws://127.0.0.1:\(server.port)/")
      await second.start()
      let isAsked: Bool? = await server.first { if case .request = $0 { true } else { nil } }
      #expect(isAsked == true)
      await second.close()
      #expect(await server.hasClosed())
      try await server.stop()
    }

    @Test("Between two attempts nothing is waited for")
    func betweenAttempts() async throws {
      var configuration = Conversation.configuration(.openAI)
      configuration.reconnection = ReconnectionPolicy(
        attempts: 3, firstDelay: .seconds(3_600), longestDelay: .seconds(3_600))
      let client = try VoiceClient(ServiceEndpoint(.openAI, url: "ws://127.0.0.1:1/"), configuration)
      await client.start()
      _ = await client.events.first { if case .reconnecting = $0.event { true } else { false } }
      await client.close()
      #expect(await client.isClosed)
    }

    @Test("Many tasks may wait for the same end")
    func together() async throws {
      let simulator = try await Simulator.start()
      let client = try Self.client(simulator.url(.openAI))
      await client.start()
      try await client.until { $0.isReady }
      await withTaskGroup(of: Int?.self) { group in
        for _ in 0..<10 {
          group.addTask {
            await client.close()
            return simulator.journal.sessions.last?.closeCode
          }
        }
        for await code in group { #expect(code == 1000) }
      }
      try await simulator.stop()
    }

    @Test("A tool that does not heed its cancellation is waited for; then nothing of the client's is left on the loop")
    func slowTool() async throws {
      let tool = StubbornTool()
      var transport = TransportConfiguration()
      transport.closeTimeout = .seconds(3_600)
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      let (simulator, client) = try await Self.call(tool, transport, on: group)
      let releasing = Task {
        // Nothing but the tool is left to wait for then, and it takes its time.
        while simulator.journal.sessions.last?.endTime == nil { await Task.yield() }
        try? await Task.sleep(for: .milliseconds(200))
        tool.release()
      }
      await client.close()
      #expect(tool.isCancelled)
      #expect(tool.hasReturned)
      await releasing.value
      try await group.shutdownGracefully()
      try await simulator.stop()
    }

    @Test(
      "A tool that never heeds its cancellation is waited for as long as a connection's end may take, and no longer")
    func endlessTool() async throws {
      let tool = StubbornTool()
      var transport = TransportConfiguration.patient
      transport.closeTimeout = .milliseconds(300)
      let (simulator, client) = try await Self.call(tool, transport, on: .singletonMultiThreadedEventLoopGroup)
      let start = ContinuousClock.now
      await client.close()
      #expect(ContinuousClock.now - start >= .milliseconds(300))
      #expect(tool.isCancelled)
      #expect(!tool.hasReturned)
      // What it returns now is nobody's.
      tool.release()
      let events = await client.events.reduce(into: []) { $0.append($1.event) }
      #expect(events.last == .closed(.closed))
      try await simulator.stop()
    }

    @Test("A tool may close its own client, which does not wait for it")
    func toolThatCloses() async throws {
      let client = Mutex<VoiceClient?>(nil)
      let hasClosed = Mutex(false)
      let tool = try Tool("end_call", description: "Hangs up.", parameters: .object([])) { (_: StubbornTool.Nothing) in
        await client.withLock { $0 }?.close()
        hasClosed.withLock { $0 = true }
        return "good-bye"
      }
      var transport = TransportConfiguration()
      transport.closeTimeout = .seconds(3_600)
      let (simulator, started) = try await Self.start([tool], transport, on: .singletonMultiThreadedEventLoopGroup)
      client.withLock { $0 = started }
      #expect(await started.write("Good-bye"))
      while !hasClosed.withLock({ $0 }) { await Task.yield() }
      #expect(await started.isClosed)
      try await simulator.stop()
      client.withLock { $0 = nil }
    }

    /// A client whose tool has been called.
    private static func call(
      _ tool: StubbornTool, _ transport: TransportConfiguration, on group: any EventLoopGroup
    ) async throws -> (Simulator, VoiceClient) {
      let (simulator, client) = try await start([tool.tool()], transport, on: group)
      #expect(await client.write("How late is it?"))
      while !tool.isCalled { await Task.yield() }
      return (simulator, client)
    }

    private static func start(
      _ tools: [Tool], _ transport: TransportConfiguration, on group: any EventLoopGroup
    ) async throws -> (Simulator, VoiceClient) {
      var configuration = SimulatorConfiguration()
      configuration.toolCall = SimulatedToolCall()
      let simulator = try await Simulator.start(configuration)
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: simulator.url(.openAI)), Conversation.configuration(.openAI), tools: tools,
        transport: transport, on: group)
      await client.start()
      try await client.until { $0.isReady }
      return (simulator, client)
    }

    private static let sessionCreated = ServerFrame.text(
      #"{"type":"session.created","session":{"id":"s","type":"realtime"}}"#)
  }
}

/// A tool that ends when it is let, and not when it is cancelled.
private final class StubbornTool: Sendable {
  struct Nothing: Decodable {}

  private struct State {
    var isCalled = false
    var isCancelled = false
    var isReleased = false
    var hasReturned = false
    var continuation: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  var isCalled: Bool { state.withLock { $0.isCalled } }
  var isCancelled: Bool { state.withLock { $0.isCancelled } }
  var hasReturned: Bool { state.withLock { $0.hasReturned } }

  func tool() throws(ToolError) -> Tool {
    try Tool("get_time", description: "The time.", parameters: .object([]), timeLimit: .seconds(3_600)) {
      [self] (_: Nothing) in
      await withTaskCancellationHandler {
        await released()
      } onCancel: {
        state.withLock { $0.isCancelled = true }
      }
      state.withLock { $0.hasReturned = true }
      return "noon"
    }
  }

  func release() {
    let continuation = state.withLock { state in
      state.isReleased = true
      defer { state.continuation = nil }
      return state.continuation
    }
    continuation?.resume()
  }

  private func released() async {
    await withCheckedContinuation { continuation in
      let isReleased = state.withLock { state in
        state.isCalled = true
        if !state.isReleased { state.continuation = continuation }
        return state.isReleased
      }
      if isReleased { continuation.resume() }
    }
  }
}
