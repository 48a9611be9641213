import Testing

/// The suites of this module one after the other: several of their tests move many megabytes, and others must not wait
/// for them longer than their patience lasts.
@Suite("Simulator", .serialized)
enum SimulatorSuites {}
