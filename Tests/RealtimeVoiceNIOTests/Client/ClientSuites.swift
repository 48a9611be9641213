import Testing

/// The client against the simulator, one suite after the other: they measure time.
@Suite("Client", .serialized)
enum ClientSuites {}
