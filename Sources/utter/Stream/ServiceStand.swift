import Foundation
import RealtimeSimulator
import RealtimeVoice

/// The service of a session: the one that was named, or else a simulator in this process.
struct ServiceStand {
  let endpoint: ServiceEndpoint
  private let simulator: Simulator?

  /// Says which it is where that was not chosen.
  init(
    _ choice: ServiceChoice, _ dialect: Dialect, isQuiet: Bool,
    simulated configuration: SimulatorConfiguration = SimulatorConfiguration()
  ) throws {
    if let endpoint = try choice.endpoint(dialect) {
      self.endpoint = endpoint
      simulator = nil
      if !choice.namesPlace, !isQuiet { Diagnostics.write("service: \(endpoint)") }
      return
    }
    let simulator = try Blocking.run { try await Simulator.start(configuration) }
    self.simulator = simulator
    do {
      endpoint = try ServiceEndpoint(dialect, url: simulator.url(dialect.simulated))
    } catch {
      preconditionFailure("\(error)")
    }
    // Never silent: invented answers must not be taken for a model's.
    Diagnostics.warn(
      "no key (\(dialect.keyVariables.joined(separator: ", "))) and no --url: a simulator in this process answers. It "
        + "hears speech, not words, and no model is behind it.")
  }

  var isSimulated: Bool { simulator != nil }

  func stop() {
    guard let simulator else { return }
    try? Blocking.run { try await simulator.stop() }
  }
}

extension Dialect {
  var simulated: SimulatedDialect {
    switch self {
    case .openAI, .pcm: .openAI
    case .openAIBeta: .openAIBeta
    case .gemini: .gemini
    case .elevenLabs: .elevenLabs
    }
  }
}
