/// Something that a check has to say about a recording.
struct Finding: Sendable {
  enum Severity: String, Sendable, CaseIterable, Comparable {
    /// What to do with a recording that is as it should be: which channel holds whom.
    case advice
    /// Worth knowing; does recognition little harm by itself.
    case note
    /// Hurts recognition.
    case fault

    static func < (a: Severity, b: Severity) -> Bool {
      allCases.firstIndex(of: a)! < allCases.firstIndex(of: b)!
    }
  }

  /// Stable names for scripts.
  enum Kind: String, Sendable, CaseIterable {
    case truncated
    case damaged
    case nonFinite = "non-finite"
    case silent
    case noSpeech = "no-speech"
    case clipping
    case softClipping = "soft-clipping"
    case overFullScale = "over-full-scale"
    case offset = "dc-offset"
    case tooQuiet = "too-quiet"
    case tooLoud = "too-loud"
    case levelSteps = "level-steps"
    case noise
    case hum
    case dropouts
    case repeats
    case deadChannel = "dead-channel"
    case emptyChannel = "empty-channel"
    case duplicateChannel = "duplicate-channel"
    case invertedChannel = "inverted-channel"
    case delayedChannel = "delayed-channel"
    case quietChannel = "quiet-channel"
    case talkers
    case narrowBand = "narrow-band"
  }

  var kind: Kind
  var severity: Severity
  /// Counted from 0; nil where it is of the whole recording.
  var channel: Int?
  /// Where, in samples; the first ones where there are many.
  var places: [Range<Int>] = []
  /// The figure that decided, and its unit.
  var value: Double?
  var unit: String?
  /// What was found, in words.
  var words: String
  /// What to do about it.
  var remedy: String
  /// Options of the commands that write audio, any one of which does something about it; empty where nothing does.
  var helps: [String] = []
}
