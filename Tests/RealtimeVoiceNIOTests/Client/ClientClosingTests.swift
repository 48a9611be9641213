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

    private static let sessionCreated = ServerFrame.text(
      #"{"type":"session.created","session":{"id":"s","type":"realtime"}}"#)
  }
}
