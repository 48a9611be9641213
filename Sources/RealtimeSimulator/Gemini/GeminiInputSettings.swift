/// What a session's set-up says of the user's turns (`realtimeInputConfig`).
struct GeminiInputSettings: Equatable {
  /// Whether the client says where its user's activity begins and ends.
  var isDetectionDisabled = false
  /// How long speech lasts before it counts as begun, in ms. (`prefixPaddingMs`: no padding in this service.)
  var attack = 20
  /// What ends a turn, in ms.
  var silence = 500
  /// Of the detector, 0...1.
  var threshold = 0.5
  /// Whether the user's activity interrupts the model.
  var interrupts = true
  /// Whether a turn has all input since the last one, and not the activity alone.
  var coversAllInput = false

  private static let startSensitivities = [
    "START_SENSITIVITY_UNSPECIFIED", "START_SENSITIVITY_HIGH", "START_SENSITIVITY_LOW",
  ]
  private static let endSensitivities = [
    "END_SENSITIVITY_UNSPECIFIED", "END_SENSITIVITY_HIGH", "END_SENSITIVITY_LOW",
  ]
  private static let activityHandlings = [
    "ACTIVITY_HANDLING_UNSPECIFIED", "START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION",
  ]
  private static let turnCoverages = [
    "TURN_COVERAGE_UNSPECIFIED", "TURN_INCLUDES_ONLY_ACTIVITY", "TURN_INCLUDES_ALL_INPUT",
    "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
  ]

  init() {}

  /// - Throws: `ServiceError` for what the service does not know.
  init(_ json: JSONValue) throws(ServiceError) {
    let place = "setup.realtime_input_config"
    let fields = try GeminiFields(
      json, place, ["automaticActivityDetection", "activityHandling", "turnCoverage"])
    interrupts = try fields.choice("activityHandling", Self.activityHandlings) != "NO_INTERRUPTION"
    coversAllInput = try fields.choice("turnCoverage", Self.turnCoverages) == "TURN_INCLUDES_ALL_INPUT"
    guard let detection = fields["automaticActivityDetection"] else { return }
    let settings = try GeminiFields(
      detection, "\(place).automatic_activity_detection",
      [
        "disabled", "startOfSpeechSensitivity", "endOfSpeechSensitivity", "prefixPaddingMs", "silenceDurationMs",
      ])
    isDetectionDisabled = try settings.bool("disabled") ?? false
    // How much a sensitivity changes is not told. Less of it asks for 10 dB more, or for a longer pause.
    if try settings.choice("startOfSpeechSensitivity", Self.startSensitivities) == "START_SENSITIVITY_LOW" {
      threshold = 0.75
    }
    if try settings.choice("endOfSpeechSensitivity", Self.endSensitivities) == "END_SENSITIVITY_LOW" { silence = 800 }
    attack = max(10, try settings.milliseconds("prefixPaddingMs") ?? attack)
    silence = max(10, try settings.milliseconds("silenceDurationMs") ?? silence)
  }
}
