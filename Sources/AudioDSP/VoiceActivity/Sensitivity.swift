/// How easily something is taken for speech: presets of a ``Segmenter``'s thresholds.
///
/// What each costs in false alarms and misses, with either detector, is measured in
/// `Sources/AudioDSP/VoiceActivity/Training/README.md`.
public enum Sensitivity: String, CaseIterable, Sendable {
  /// Where a false alarm costs more than a lost word: a loud place, playback that speech interrupts.
  case low
  /// Between the two.
  case normal
  /// Where a lost word costs more than a false alarm: faint or distant speech, archives.
  case high

  /// The score from which a frame can start a segment.
  public var enterThreshold: Float {
    switch self {
    case .low: 0.7
    case .normal: 0.5
    case .high: 0.3
    }
  }

  /// The score from which a frame can go on with one.
  public var exitThreshold: Float { enterThreshold * Self.hysteresis }

  /// The ratio of the two thresholds.
  private static let hysteresis: Float = 0.7
}
