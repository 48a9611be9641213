import NIOPosix
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Synchronization
import Testing

extension ClientSuites {
  /// `wait(until:)` misses nothing, and ends.
  @Suite("Waiting", .timeLimit(.minutes(10))) struct WaitingTests {
    private static func client(_ url: String = "ws://127.0.0.1:1/") throws -> VoiceClient {
      try VoiceClient(ServiceEndpoint(.openAI, url: url), Conversation.configuration(.openAI))
    }

    @Test("What holds already is not waited for, nor is anything behind the end")
    func atOnce() async throws {
      let client = try Self.client()
      #expect(await client.wait(until: { !$0.isReady }))
      await client.close()
      #expect(await client.wait(until: { $0.isClosed }))
      #expect(await !client.wait(until: { $0.isReady }))
    }

    @Test("The end of the session ends a wait for something else")
    func end() async throws {
      let client = try Self.client()
      let looks = Looks()
      let waiting = Task {
        await client.wait(until: { client in
          looks.note(0)
          return client.isReady
        })
      }
      while looks.count == 0 { await Task.yield() }
      await client.close()
      #expect(await !waiting.value)
    }

    @Test("A limit ends a wait, and a cancelled task's ends at once")
    func limits() async throws {
      let client = try Self.client()
      let start = ContinuousClock.now
      #expect(await !client.wait(until: { $0.isReady }, atMost: .milliseconds(50)))
      #expect(ContinuousClock.now - start >= .milliseconds(50))
      #expect(await !client.wait(until: { $0.isReady }, atMost: .zero))

      let before = Task {
        while !Task.isCancelled { await Task.yield() }
        return await client.wait(until: { $0.isReady })
      }
      before.cancel()
      #expect(await !before.value)
      let looks = Looks()
      let meanwhile = Task {
        await client.wait(until: { client in
          looks.note(0)
          return client.isReady
        })
      }
      while looks.count == 0 { await Task.yield() }
      meanwhile.cancel()
      #expect(await !meanwhile.value)
      // Nobody looks any more.
      let count = looks.count
      await client.stopAnswer()
      #expect(looks.count == count)
      await client.close()
    }

    @Test("What holds between two blocks only is seen by all who wait for it")
    func shortly() async throws {
      let simulator = try await Simulator.start()
      let client = try Self.client(simulator.url(.openAI))
      await client.start()
      try await client.until { $0.isReady }
      await client.beginTurn()
      try await client.hear([Float](repeating: 0.1, count: 9_600))
      await client.endTurn()
      try await client.until { $0.waitingOutput == .seconds(2) }
      let looks = Looks()
      let seen = await withTaskGroup(of: Bool.self) { group in
        for number in 0..<20 {
          // Each holds from one block to the next, and never again.
          let sought = Duration.milliseconds(1_980 - 20 * number)
          group.addTask {
            await client.wait(
              until: { client in
                looks.note(number)
                return client.waitingOutput == sought
              }, atMost: .seconds(120))
          }
        }
        while looks.lookerCount < 20 { await Task.yield() }
        // On the event loop, where nobody's turn comes between.
        await Self.playAll(client)
        return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
      #expect(seen == 20)
      await client.close()
      try await simulator.stop()
    }

    private static func playAll(_ client: isolated VoiceClient) {
      var block = [Int16](repeating: 0, count: 480)
      for _ in 0..<100 { _ = client.play(into: &block) }
    }

    @Test("What is done at the very moment, from within, is not left lying", .timeLimit(.minutes(2)))
    func actingWithin() async throws {
      // It says nothing more, so that nothing else wakes the client.
      let server = try await ScriptedServer.start(opened: {
        $0.send(ServerFrame.text(#"{"type":"session.created","session":{"id":"s","type":"realtime"}}"#))
      })
      let client = try Self.client("ws://127.0.0.1:\(server.port)/")
      await client.start()
      try await client.until { $0.isReady }
      _ = await server.frame(opcode: 1)
      let looks = Looks()
      let waiting = Task {
        await client.wait(until: { client in
          looks.note(0)
          return looks.count > 1 && client.write("Good morning")
        })
      }
      while looks.count == 0 { await Task.yield() }
      await client.stopAnswer()
      #expect(await waiting.value)
      let written = await server.frame(opcode: 1)
      #expect(written.map { String(decoding: $0.payload, as: UTF8.self) }?.contains("Good morning") == true)
      await client.close()
      try await server.stop()
    }

    @Test("A wait that has an end lets the client go")
    func lettingGo() async throws {
      weak var gone: VoiceClient?
      do {
        let client = try Self.client()
        gone = client
        _ = await client.wait(until: { $0.isReady }, atMost: .milliseconds(10))
        let waiting = Task { await client.wait(until: { $0.isReady }) }
        waiting.cancel()
        _ = await waiting.value
      }
      // What calls the wait off may be on its way still.
      let end = ContinuousClock.now + .seconds(120)
      while gone != nil, ContinuousClock.now < end { await Task.yield() }
      #expect(gone == nil)
    }
  }
}

/// Who has looked at a condition, and how often.
private final class Looks: Sendable {
  private let counts = Mutex<[Int: Int]>([:])

  var count: Int { counts.withLock { $0.values.reduce(0, +) } }
  var lookerCount: Int { counts.withLock { $0.count } }

  func note(_ looker: Int) { counts.withLock { $0[looker, default: 0] += 1 } }
}
