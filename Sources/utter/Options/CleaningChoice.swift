import ArgumentParser
import AudioDSP
import AudioFiles
import Foundation

/// What `--clean` asks for: a preset, parts by name, or both.
struct CleaningChoice: Hashable, Sendable, CustomStringConvertible {
  static let off = CleaningChoice()

  /// All parts but ``loudness``, which takes a second pass.
  private(set) var configuration = CleaningConfiguration.off
  /// The loudness to bring a recording to, in LUFS.
  private(set) var loudness: Double?

  static let help = ArgumentHelp(
    "What is done to the sound: off (default), light or full, and parts by name, with commas between.",
    discussion: """
      light: dc and high-pass, for any microphone. No delay.
      full: dc, denoise and limit. For noisy recordings. Delay 18 ms.

      The parts, in the order in which they work; the order in which they are given does not matter.

      declip: rebuilds tops that were cut off, which may then exceed full scale: take limit, too. 5 ms.
      dc: takes a constant offset away. No delay.
      (Here the rate is changed.)
      high-pass=HZ: takes away what is below 10 to 500 Hz, 80 unless given: rumble, wind, handling. No delay, but it turns \
      the phase of low voices.
      hum=50, hum=60: takes the tones of that mains away, for recordings that have them; needs about 1.5 s to settle. No \
      delay.
      denoise=DB: lowers steady noise, by 1 to 40 dB at the most, 20 unless given. It lowers steady tones, too: leave it \
      off for music. 16 ms.
      agc=DBFS: brings speech to one level as it comes, -50 to -10 dBFS, -23 unless given, by 30 dB up or down at the \
      most; for microphones, and for talkers at different distances. Limits peaks. 32 ms, those of denoise included.
      loudness=LUFS: in place of agc, brings a recording to one loudness by one gain, -60 to 0 LUFS, -23 unless given; for \
      files, because it reads them twice. Where peaks allow less, the gain is less, unless limit is on. No delay.
      limit=DBTP: keeps true peaks under -40 to 0 dBTP, -1 unless given. 2 ms.

      Delays are those of a live pipe at 24 kHz; times are compensated. What finds speech hears the sound as it was. For \
      instance --clean full,agc or --clean light,hum=50 or --clean denoise=12,loudness=-16. 'utter check' says which would \
      help.
      """,
    valueName: "what")

  private init() {}

  /// - Throws: ``Misuse`` for what is no such list.
  init(parsing text: String) throws {
    var named: Set<String> = []
    var preset: String?
    let items = text.split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    for item in items {
      let halves = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let (name, value) = (halves[0], halves.count > 1 ? halves[1] : nil)
      if let presetConfiguration = Self.presets[name] {
        if value != nil { throw Misuse("'\(name)' takes no value") }
        if let preset { throw Misuse("'\(preset)' and '\(name)' exclude each other") }
        preset = name
        configuration = presetConfiguration
      } else if Self.parts.contains(name) {
        if !named.insert(name).inserted { throw Misuse("'\(name)' is there twice") }
      } else {
        throw Misuse(
          "'\(item.onOneLine)' is none of \((Self.presetNames + Self.parts).joined(separator: ", "))")
      }
    }
    if preset == "off", let part = items.first(where: { $0 != "off" }) {
      throw Misuse("'off' and '\(part)' exclude each other")
    }
    if named.contains("agc"), named.contains("loudness") {
      throw Misuse("'agc' and 'loudness' exclude each other: both set the level")
    }
    // Parts after presets, whatever the order: what is named is what counts.
    for item in items {
      let halves = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if named.contains(halves[0]) { try add(halves[0], halves.count > 1 ? halves[1] : nil) }
    }
  }

  private static let presetNames = ["off", "light", "full"]
  private static let presets: [String: CleaningConfiguration] = ["off": .off, "light": .light, "full": .full]
  private static let parts = ["dc", "high-pass", "hum", "declip", "denoise", "agc", "loudness", "limit"]

  private mutating func add(_ name: String, _ value: String?) throws {
    switch name {
    case "dc", "declip":
      if value != nil { throw Misuse("'\(name)' takes no value") }
      if name == "dc" { configuration.removesOffset = true } else { configuration.repairsClipping = true }
    case "high-pass":
      configuration.highPassFrequency = try Self.number(
        value, name, CleaningConfiguration.highPassFrequencies, "Hz",
        default: HighPassFilter.defaultCornerFrequency)
    case "hum":
      guard let mains = value.flatMap(Int.init).flatMap(HumFilter.Mains.init(rawValue:)) else {
        throw Misuse("'hum' needs the frequency of the mains, hum=50 or hum=60")
      }
      configuration.mains = mains
    case "denoise":
      let valid = CleaningConfiguration.noiseAttenuations
      configuration.noiseAttenuationInDecibels = Float(
        try Self.number(
          value, name, Double(valid.lowerBound)...Double(valid.upperBound), "dB",
          default: Double(CleaningConfiguration.defaultNoiseAttenuation)))
    case "agc":
      configuration.gainControl = AutomaticGainControl.Configuration(
        targetInDecibels: try Self.number(
          value, name, AutomaticGainControl.Configuration.targetRange, "dBFS",
          default: AutomaticGainControl.Configuration().targetInDecibels))
    case "loudness":
      loudness = try Self.number(
        value, name, LoudnessNormalization.targetRange, "LUFS", default: LoudnessNormalization().targetInLUFS)
    default:
      configuration.ceilingInDecibels = try Self.number(
        value, name, TruePeakLimiter.ceilingRange, "dBTP", default: CleaningConfiguration.defaultCeiling)
    }
  }

  private static func number(
    _ text: String?, _ name: String, _ valid: ClosedRange<Double>, _ unit: String, default preset: Double
  ) throws -> Double {
    guard let text else { return preset }
    // Double reads more than people write: hexadecimal numbers, infinities.
    guard !text.isEmpty else { throw Misuse("'\(name)=' has no number of \(unit) behind the '='") }
    guard text.allSatisfy({ "+-.0123456789".contains($0) }), let number = Double(text) else {
      throw Misuse(
        "what '\(name)' has is no number: \(text.onOneLine) (\(unit) without the unit: \(name)=\(decimal(preset)))")
    }
    guard valid.contains(number) else {
      throw Misuse(
        "'\(name)=\(text)' is outside of \(decimal(valid.lowerBound)) to \(decimal(valid.upperBound)) \(unit)")
    }
    return number
  }

  var isOff: Bool { self == .off }

  /// As it could be given, the parts in the order in which they work.
  var description: String {
    var parts: [String] = []
    if configuration.repairsClipping { parts.append("declip") }
    if configuration.removesOffset { parts.append("dc") }
    if let frequency = configuration.highPassFrequency { parts.append("high-pass=\(decimal(frequency))") }
    if let mains = configuration.mains { parts.append("hum=\(mains.rawValue)") }
    if let attenuation = configuration.noiseAttenuationInDecibels {
      parts.append("denoise=\(decimal(Double(attenuation)))")
    }
    if let gainControl = configuration.gainControl { parts.append("agc=\(decimal(gainControl.targetInDecibels))") }
    if let loudness { parts.append("loudness=\(decimal(loudness))") }
    if let ceiling = configuration.ceilingInDecibels { parts.append("limit=\(decimal(ceiling))") }
    return parts.isEmpty ? "off" : parts.joined(separator: ",")
  }

  /// - Throws: ``Misuse`` where the recordings must be read twice and one cannot be.
  func check(_ inputs: InputFiles) throws {
    guard loudness != nil, let pipe = inputs.files.first(where: { !$0.canBeReadAgain }) else { return }
    let name = pipe.path == "-" ? "standard input" : pipe.path
    throw Misuse(
      "--clean loudness reads a recording twice, and \(name) is no file: write it to one first, or take agc")
  }
}

extension InputFiles.File {
  /// Whether it is a file, and no pipe or device; what cannot be looked at is told where it is opened.
  fileprivate var canBeReadAgain: Bool {
    var status = stat()
    let result = unsafe path == "-" ? fstat(0, &status) : stat(path, &status)
    return result != 0 || status.st_mode & S_IFMT == S_IFREG
  }
}

/// A number with no more decimals than it needs, up to six digits in all.
func decimal(_ number: Double) -> String { String(format: "%g", number) }
