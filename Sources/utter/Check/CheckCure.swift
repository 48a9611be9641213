import AudioDSP
import Foundation

/// All that helps against some findings, as options of one command.
struct CheckCure {
  private let channel: String?
  private let clean: [String]
  /// The level, which a recording can have by one gain and a pipe cannot.
  private let level: Level?

  private enum Level { case loudness, gainControl }

  /// - Returns: Nil where nothing helps.
  init?(_ findings: [Finding]) {
    let helps = findings.flatMap(\.helps)
    // A number where a finding needs one: `auto` does nothing about a channel that is late.
    let channels = findings.compactMap { $0.helps.first { $0.hasPrefix(Self.channelOption) } }
      .map { String($0.dropFirst(Self.channelOption.count)) }
    channel = channels.first { $0 != "auto" } ?? channels.first
    var parts = Set(helps.flatMap(Self.parts))
    if findings.contains(where: { $0.kind == .levelSteps }) {
      level = .gainControl
    } else {
      level = parts.contains("loudness") ? .loudness : nil
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

  /// - Parameter rate: The recording's, which is kept.
  func command(for file: String, rate: SampleRate) -> String {
    let isPipe = file == "-"
    let output = isPipe ? "cleaned.wav" : (file as NSString).deletingPathExtension + ".cleaned.wav"
    var words = ["utter", "convert", Self.quoted(file), Self.quoted(output)]
    if rate != .hz24000 { words += ["--rate", "\(rate.hertz)"] }
    if let channel { words += ["--channel", channel] }
    var parts = clean
    switch level {
    case .loudness: parts.append(isPipe ? "agc" : "loudness")
    case .gainControl: parts.append("agc")
    case nil: break
    }
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
