import AudioDSP
import AudioTestSupport
import Dispatch
import NIOCore
import NIOPosix
import RealtimeSimulator
import RealtimeVoice
import Synchronization
import Testing

@testable import RealtimeVoiceNIO

extension ClientSuites {
  /// What many tasks do at once: for ThreadSanitizer to look at, and for what must hold whatever the order.
  @Suite("Concurrent use") struct ConcurrentUseTests {
    @Test func conversationsAtOnceAreWholeWhileOthersAsk() async throws {
      let seed = UInt64.random(in: .min ... .max)
      print("concurrent conversations, seed \(seed)")
      var generator = SeededGenerator(seed: seed)
      var configuration = SimulatorConfiguration()
      configuration.answer = .echo
      let simulator = try await Simulator.start(configuration)
      let spoken = (0..<6).map { _ in (0..<9_600).map { _ in Int16.random(in: .min ... .max, using: &generator) } }
      let endpoint = try ServiceEndpoint(.openAI, url: simulator.url(.openAI))
      let isWhole = try await withThrowingTaskGroup(of: Bool.self) { group in
        for turn in spoken {
          group.addTask {
            let client = try VoiceClient(endpoint, Conversation.configuration(.openAI))
            let asking = Task {
              while !Task.isCancelled {
                _ = (await client.usage, await client.turnSteps, await client.isSettled, await client.waitingInput)
                _ = simulator.journal
                try? await Task.sleep(for: .microseconds(200))
              }
            }
            let outcome = try await Conversation.hold(client, turns: [turn], rate: .hz24000)
            asking.cancel()
            await asking.value
            return outcome.played == [turn]
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(isWhole == Array(repeating: true, count: spoken.count))
      #expect(simulator.journal.sessionCount == spoken.count)
      try await simulator.stop()
    }

    @Test func aCancelledListenerDoesNotEndTheNextOnesWait() async throws {
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      for _ in 0..<20 {
        let client = try VoiceClient(
          ServiceEndpoint(.openAI, url: "ws://127.0.0.1:1/"), Conversation.configuration(.openAI), on: group)
        let first = Task { await client.events.first { _ in true } }
        await client.waitForListener()

        // The loop stands still until the second waits for its turn there, and behind it the first one's cancellation.
        let gate = DispatchSemaphore(value: 0)
        group.next().execute { gate.wait() }
        let isSecondThere = Flag()
        let second = Task {
          isSecondThere.set()
          return await client.events.first { _ in true }
        }
        while !isSecondThere.isSet { await Task.yield() }
        first.cancel()
        await Task.yield()
        gate.signal()
        #expect(await first.value == nil)
        await client.close()
        #expect(await second.value != nil, "the end of the session is told")
      }
      try await group.shutdownGracefully()
    }

    @Test func aLimitThatWasPassedLateIsNotPutOffByWhoPlays() async throws {
      // A service that says nothing of use, so that there is never a session.
      let server = try await ScriptedServer.start(opened: { $0.send(ServerFrame.text(#"{"type":"another"}"#)) })
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      var settings = Conversation.configuration(.openAI)
      settings.startLimit = .milliseconds(500)
      settings.reconnection = ReconnectionPolicy(attempts: 0)
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: "ws://127.0.0.1:\(server.port)/"), settings, on: group)
      await client.start()
      _ = await client.events.first { if case .unknown = $0.event { true } else { false } }
      // The limit runs, and is long over when the loop is free again.
      try await group.next().submit {
        let end = ContinuousClock.now + .milliseconds(700)
        while ContinuousClock.now < end {}
      }.get()
      let end = ContinuousClock.now + .seconds(10)
      while await !client.isClosed, ContinuousClock.now < end { _ = await client.play(1) }
      #expect(await client.isClosed)
      await client.close()
      try await server.stop()
      try await group.shutdownGracefully()
    }

    @Test func attemptsThatOthersCancelAreOverOneWayOrTheOther() async throws {
      let seed = UInt64.random(in: .min ... .max)
      print("cancelled attempts, seed \(seed)")
      var generator = SeededGenerator(seed: seed)
      let server = try await ScriptedServer.start(certificate: "localhost")
      var configuration = TransportConfiguration.patient
      configuration.tls.trustRoots = .pem(try Fixtures.bytes("authority.pem"))
      // A context of this test's own, which all attempts look for at once.
      configuration.closeTimeout = .milliseconds(4321)
      // Microseconds; every fourth is left alone.
      let waits = (0..<32).map { $0 % 4 == 0 ? nil : Int.random(in: 0..<200_000, using: &generator) }
      let (openCount, cancelledCount) = try await withThrowingTaskGroup(of: Bool.self) { group in
        for wait in waits {
          group.addTask { [configuration] in
            let attempt = WebSocketConnection.connect(
              server.request(isSecure: true), configuration: configuration, on: ScriptedServer.loop,
              delegate: Recorder())
            let cancelling = Task {
              guard let wait, (try? await Task.sleep(for: .microseconds(wait))) != nil else { return }
              attempt.cancel()
            }
            defer { cancelling.cancel() }
            do {
              let connection = try await attempt.get()
              try await connection.run { $0.close() }
              return true
            } catch let error as TransportError {
              #expect(error.code == .cancelled)
              return false
            }
          }
        }
        return try await group.reduce(into: (0, 0)) { if $1 { $0.0 += 1 } else { $0.1 += 1 } }
      }
      #expect(openCount + cancelledCount == waits.count && openCount >= 8)
      try await server.stop()
    }
  }
}

/// Set once.
private final class Flag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  func set() { value.store(true, ordering: .releasing) }
}

extension VoiceClient {
  /// Returns when somebody waits for an event.
  fileprivate func waitForListener() async { while !isListenedTo { await Task.yield() } }
}
