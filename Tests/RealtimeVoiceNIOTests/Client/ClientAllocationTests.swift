import AudioDSP
import AudioTestSupport
import NIOPosix
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Testing

extension ClientSuites {
  /// What runs with every block, counted on the client's event loop, which does all of its work.
  @Suite(
    "Allocations", .enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"))
  struct AllocationTests {
    private struct Counts: Sendable {
      var playing = 0
      var playingAnew = 0
      var hearing = 0
      var sending = 0
      var answerCount = 0
    }

    @Test("Playing into a block of the caller's allocates nothing, nor does hearing, but for a message that is sent")
    func blocks() async throws {
      let simulator = try await Simulator.start()
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      var settings = Conversation.configuration(.openAI)
      settings.chunkDuration = .milliseconds(100)
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: simulator.url(.openAI)), settings, on: group)
      await client.start()
      try await client.until { $0.isReady }
      await client.beginTurn()
      try await client.hear([Float](repeating: 0.1, count: 9_600))
      await client.endTurn()
      // All of the answer.
      try await client.until { $0.waitingOutput == .seconds(2) }

      let counts = try await group.next().submit {
        try client.assumeIsolated { client in
          var counts = Counts()
          var block = [Int16](repeating: 0, count: 480)
          for _ in 0..<10 { _ = client.play(into: &block) }
          counts.playing = AllocationCounter.countOnce {
            for _ in 0..<10 { counts.answerCount += client.play(into: &block) }
          }
          counts.playingAnew = AllocationCounter.countOnce { _ = client.play(480) }
          // Of 20 ms, so that every fifth completes a chunk.
          let heard = [Float](repeating: 0.1, count: 480)
          client.beginTurn()
          for _ in 0..<20 { try client.hear(heard) }
          for _ in 0..<5 {
            counts.hearing += try AllocationCounter.countOnce { for _ in 0..<4 { try client.hear(heard) } }
            counts.sending += try AllocationCounter.countOnce { try client.hear(heard) }
          }
          return counts
        }
      }.get()
      #expect(counts.playing == 0)
      #expect(counts.answerCount == 4_800)
      #expect(counts.hearing == 0)
      // The canaries: a block that is made, and a message, are seen.
      #expect(counts.playingAnew > 0)
      #expect(counts.sending >= 5)
      print("a chunk's message takes \(counts.sending / 5) allocations")
      await client.close()
      try await simulator.stop()
      try await group.shutdownGracefully()
    }

    @Test("A block goes to the client and back from any task, and is the caller's again")
    func blockOfAnotherTask() async throws {
      let simulator = try await Simulator.start()
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: simulator.url(.openAI)), Conversation.configuration(.openAI))
      await client.start()
      try await client.until { $0.isReady }
      await client.beginTurn()
      try await client.hear([Float](repeating: 0.1, count: 9_600))
      await client.endTurn()
      try await client.until { $0.waitingOutput == .seconds(2) }
      var block = [Int16](repeating: 7, count: 480)
      let address = block.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
      var count = 0
      for _ in 0..<100 { count += await client.play(into: &block) }
      #expect(count == 48_000)
      #expect(await client.play(into: &block) == 0)
      #expect(block.allSatisfy { $0 == 0 })
      #expect(block.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } == address)
      var none: [Int16] = []
      #expect(await client.play(into: &none) == 0)
      await client.close()
      try await simulator.stop()
    }
  }
}
