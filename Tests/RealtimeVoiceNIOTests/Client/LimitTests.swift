import Foundation
import NIOPosix
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Testing

extension ClientSuites {
  @Suite("Limits of time") struct LimitTests {
    /// What a service has said meanwhile is read first, for which such a limit is put off: once, and not with every
    /// block.
    @Test("A limit that passes while the event loop is busy is noticed, though the microphone goes on")
    func busyLoop() async throws {
      var configuration = SimulatorConfiguration()
      configuration.faults = [.delayedAcknowledgement]
      let simulator = try await Simulator.start(configuration)
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      var settings = SessionConfiguration(.gemini)
      settings.startLimit = .milliseconds(200)
      settings.reconnection = .never
      let client = try VoiceClient(ServiceEndpoint(.gemini, url: simulator.url(.gemini)), settings, on: group)
      await client.start()
      let block = [Float](repeating: 0, count: 240)
      func hear() async throws {
        try await client.hear(block)
        try await Task.sleep(for: .milliseconds(10))
      }
      while simulator.journal.sessions.allSatisfy(\.clientEvents.isEmpty) { try await hear() }
      group.next().execute { Thread.sleep(forTimeInterval: 0.4) }
      // Less than the two seconds after which the simulator confirms.
      var blockCount = 0
      while blockCount < 100, await !client.isClosed {
        try await hear()
        blockCount += 1
      }
      #expect(await client.isClosed)
      await client.close()
      try await simulator.stop()
      try await group.shutdownGracefully()
    }
  }
}
