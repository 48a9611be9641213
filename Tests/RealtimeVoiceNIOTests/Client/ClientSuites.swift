import RealtimeVoiceNIO
import Testing

/// The client against the simulator, one suite after the other: they measure time.
@Suite("Client", .serialized)
enum ClientSuites {}

extension VoiceClient {
  /// Waits for what must come to hold, on however slow a machine.
  func until(_ condition: @escaping @Sendable (isolated VoiceClient) -> Bool) async throws {
    guard await wait(until: condition, atMost: .seconds(120)) else { throw DidNotHappen() }
  }
}

struct DidNotHappen: Error {}
