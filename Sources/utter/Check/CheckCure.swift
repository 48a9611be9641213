import AudioDSP
import AudioFiles
import Foundation

/// All that helps against some findings, as options of one command.
struct CheckCure {
  private let file: String
  private let channel: String?
  private let clean: [String]
  /// What sets the level.
  private let level: String?

  /// - Parameter file: What was looked at; `-` for standard input, which may be a pipe.
  /// - Returns: Nil where nothing helps.
  init?(_ findings: [Finding], of file: String) {
    self.file = file
    let helps = findings.flatMap(\.helps)
    // A number where a finding needs one: `auto` does nothing about a channel that is late.
    let channels = findings.compactMap { $0.helps.first { $0.hasPrefix(Self.channelOption) } }
      .map { String($0.dropFirst(Self.channelOption.count)) }
    channel = channels.first { $0 != "auto" } ?? channels.first
    var parts = Set(helps.flatMap(Self.parts))
    let isTooQuietForGainControl = findings.contains { finding in
      finding.kind == .tooQuiet && !finding.helps.contains(Self.cleanOption + "agc")
    }
    if isTooQuietForGainControl || !parts.contains("agc") {
      // One gain for a recording needs a second look, which a pipe does not have.
      level = parts.contains("loudness") && file != "-" ? "loudness" : nil
    } else if findings.contains(where: { $0.kind == .levelSteps }) || file == "-" {
      level = "agc"
    } else {
      level = "loudness"
    }
    if level == nil, parts.contains("loudness"), !findings.contains(where: { $0.kind == .offset }) {
      parts.remove("dc")
    }
    // What the preset has.
    if parts.contains("full") { parts.subtract(["dc", "limit"]) }
    // In the order in which people would name them; the level has its own place.
    let order = ["full", "declip", "dc", "hum=50", "hum=60", "limit"]
    clean = Self.withoutSecondMains(order.filter(parts.contains))
    if channel == nil, clean.isEmpty, level == nil { return nil }
  }

  private static let channelOption = "--channel "
  private static let cleanOption = "--clean "

  private static func parts(of option: String) -> [String] {
    guard option.hasPrefix(cleanOption) else { return [] }
    return option.dropFirst(cleanOption.count).split(separator: ",").map(String.init)
  }

  /// Channels may have hum of two kinds, of which one can be taken away.
  private static func withoutSecondMains(_ parts: [String]) -> [String] {
    parts.contains("hum=50") ? parts.filter { $0 != "hum=60" } : parts
  }

  /// - Parameters:
  ///   - rate: The recording's, which is kept.
  ///   - raw: What the file's samples are, where it has no header.
  func command(rate: SampleRate, raw: RawSampleFormat?) -> String {
    // What starts as an option does is taken for one.
    let input = file != "-" && file.hasPrefix("-") ? "./\(file)" : file
    let output = file == "-" ? "cleaned.wav" : (input as NSString).deletingPathExtension + ".cleaned.wav"
    var words = ["utter", "convert", Self.quoted(input), Self.quoted(output)]
    if let raw { words += ["--raw", raw.channelCount == 1 ? String("\(raw)".dropLast(",1".count)) : "\(raw)"] }
    if rate != .hz24000 { words += ["--rate", "\(rate.hertz)"] }
    if let channel { words += ["--channel", channel] }
    let parts = clean + [level].compactMap(\.self)
    if !parts.isEmpty { words += ["--clean", parts.joined(separator: ",")] }
    return words.joined(separator: " ")
  }

  /// A word as a shell takes it.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic || "0123456789._-/+,:@%".unicodeScalars.contains(scalar)
    }
    return isPlain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
}
