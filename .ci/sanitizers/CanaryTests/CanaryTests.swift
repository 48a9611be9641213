import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// What a sanitizer must find, and what it must not, in the same program as the tests.
@Suite struct CanaryTests {
  private final class Unprotected: @unchecked Sendable {
    var count = 0
  }

  /// Both loops are there at once when it is 2; counted in the relaxed way, so that neither is ordered before the other.
  private final class Starting: Sendable {
    let count = Atomic(0)
  }

  /// On the first two event loops of NIO's own, where the client's and the simulator's work is done too.
  private static func onTwoLoops(_ body: @escaping @Sendable () -> Void) async throws {
    let loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator().prefix(2))
    try #require(loops.count == 2)
    let started = Starting()
    let ends = loops.map { loop in
      loop.submit {
        started.count.wrappingAdd(1, ordering: .relaxed)
        while started.count.load(ordering: .relaxed) < 2 {}
        body()
      }
    }
    for end in ends { try await end.get() }
  }

  @Test func raceOfTwoEventLoops() async throws {
    let shared = Unprotected()
    try await Self.onTwoLoops { for _ in 0..<10_000 { shared.count += 1 } }
    #expect(shared.count > 0)
  }

  @Test func contendedMutex() async throws {
    let shared = Mutex([0])
    try await Self.onTwoLoops {
      for _ in 0..<10_000 {
        shared.withLock {
          $0[0] += 1
          // Held so long that the other one must wait.
          if $0[0].isMultiple(of: 64) { usleep(50) }
        }
      }
    }
    #expect(shared.withLock { $0[0] } == 20_000)
  }
}
