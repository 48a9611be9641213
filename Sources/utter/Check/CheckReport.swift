import AudioDSP
import AudioFiles
import Foundation

/// What a check found, as text and as JSON.
struct CheckReport: Sendable {
  let file: String
  let measured: CheckMeasurements
  let findings: [Finding]
  private let raw: RawSampleFormat?

  /// - Parameter raw: What the file's samples were taken for, where it has no header.
  init(file: String, measured: CheckMeasurements, raw: RawSampleFormat? = nil) {
    self.raw = raw
    self.file = file
    self.measured = measured
    findings = CheckRules.findings(of: measured)
  }

  /// The command that does all that helps; nil where nothing does.
  var command: String? { CheckCure(findings, of: file)?.command(rate: measured.rate, raw: raw) }

  func count(_ severity: Finding.Severity) -> Int { findings.count { $0.severity == severity } }

  // MARK: Text

  /// The most places that the text names; JSON has all that are kept.
  private static let placesInText = 5

  var text: String {
    var lines = ["\(file.onOneLine): \(verdict)"]
    for (name, value) in facts { lines.append("  " + name.padding(toLength: 12, withPad: " ", startingAt: 0) + value) }
    for finding in findings {
      lines.append(
        "  \(finding.severity.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0))\(finding.kind.rawValue)")
      let places = placesText(finding.places)
      lines.append("    " + (places.isEmpty ? "" : "\(places): ") + finding.words)
      lines.append("    \(finding.remedy)")
      if !finding.helps.isEmpty { lines.append("    Helps here: \(finding.helps.joined(separator: ", or "))") }
    }
    if let command { lines.append("  all that helps: \(command.onOneLine)") }
    return lines.joined(separator: "\n") + "\n"
  }

  private var verdict: String {
    let parts = [counted(count(.fault), "fault"), counted(count(.note), "note")].filter { !$0.hasPrefix("0 ") }
    return parts.isEmpty ? "nothing that hurts recognition" : parts.joined(separator: ", ")
  }

  private func placesText(_ places: [Range<Int>]) -> String {
    guard !places.isEmpty else { return "" }
    let shown = places.prefix(Self.placesInText).map { place in
      let (start, end) = (seconds(place.lowerBound), seconds(place.upperBound))
      return start == end ? start : "\(start)-\(end)"
    }
    return "at " + shown.joined(separator: ", ") + (places.count > shown.count ? ", ..." : "") + " s"
  }

  private func seconds(_ sample: Int) -> String { String(format: "%.3f", measured.rate.seconds(of: sample)) }

  private var facts: [(String, String)] {
    let best = measured.channels[measured.bestChannel]
    let peak = measured.channels.map(\.samplePeak).max() ?? 0
    let truePeak = measured.channels.map(\.truePeak).max() ?? 0
    func level(_ value: Double?, _ unit: String) -> String {
      value.map { $0 <= -150 ? "digital silence" : String(format: "%.1f %@", $0, unit) } ?? "not to be told"
    }
    var facts = [
      (
        "format",
        "\(measured.container), \(measured.encoding), \(measured.rate), \(counted(measured.channels.count, "channel"))"
      ),
      ("length", "\(measured.rate.secondsText(measured.frameCount)) s"),
      (
        "speech",
        String(
          format: "%.2f s (%.0f %%)", measured.speechSeconds, 100 * measured.speechSeconds / max(measured.seconds, 0.01)
        )
          + (measured.channels.count > 1 ? ", most of it on channel \(measured.bestChannel)" : "")
      ),
      ("level", "speech \(level(best.speechLevel, "dBFS")), peak \(level(peak, "dBFS"))"),
      ("loudness", "\(level(measured.loudness, "LUFS")), true peak \(level(truePeak, "dBTP"))"),
    ]
    let noise: String
    if best.hasSilentPauses {
      noise = "pauses are digital silence"
    } else if let level = best.noiseLevel {
      noise =
        String(format: "%.1f dBFS in pauses", level)
        + (best.signalToNoise.map { String(format: ", speech %.0f dB above it", $0) } ?? "")
    } else {
      noise =
        "no pauses to measure it"
        + (best.greatestNoiseLevel.map { String(format: "; not above %.0f dBFS", $0) } ?? "")
    }
    facts.append(("noise", noise))
    if let band = best.band {
      facts.append(
        (
          "band",
          String(format: "up to %.1f of %.1f kHz", band.upperEdge / 1_000, Double(measured.rate.hertz) / 2_000)
        ))
    }
    for pair in measured.pairs.prefix(1) where measured.channels.count == 2 {
      var parts: [String] = []
      if let correlation = pair.correlation { parts.append(String(format: "correlation %.2f", correlation)) }
      if let difference = pair.levelDifference {
        // What rounds to 0 has no sign.
        parts.append(String(format: "channel 1 %+.1f dB", difference.magnitude < 0.05 ? 0 : difference))
      }
      if let alignment = pair.alignment, abs(alignment.correlation) >= 0.5 {
        parts.append(String(format: "%+.2f ms", 1_000 * measured.rate.seconds(of: alignment.delay)))
      }
      if !parts.isEmpty { facts.append(("channels", parts.joined(separator: ", "))) }
    }
    return facts
  }

  // MARK: JSON

  var json: JSONValue {
    .object([
      ("file", .string(file)),
      ("format", .string(measured.container)),
      ("encoding", .string(measured.encoding)),
      ("sample_rate", .number(Double(measured.rate.hertz), 0)),
      ("channels", .number(Double(measured.channels.count), 0)),
      ("sample_frames", .number(Double(measured.frameCount), 0)),
      ("length_s", .number(measured.seconds, 6)),
      ("speech_s", .number(measured.speechSeconds, 2)),
      ("loudness_lufs", .number(measured.loudness, 2)),
      ("momentary_loudness_max_lufs", .number(measured.maximumMomentaryLoudness, 2)),
      ("best_channel", .number(Double(measured.bestChannel), 0)),
      ("by_channel", .array(measured.channels.map(json))),
      ("by_pair", .array(measured.pairs.map(json))),
      ("faults", .number(Double(count(.fault)), 0)),
      ("notes", .number(Double(count(.note)), 0)),
      ("findings", .array(findings.map(json))),
      ("command", command.map { .string($0) } ?? .null),
    ])
  }

  private func json(_ channel: CheckMeasurements.Channel) -> JSONValue {
    .object([
      ("sample_peak_dbfs", .number(channel.samplePeak, 2)),
      ("true_peak_dbtp", .number(channel.truePeak, 2)),
      ("rms_dbfs", .number(channel.rootMeanSquare, 2)),
      ("crest_factor", .number(channel.crestFactor, 2)),
      ("mean", .number(channel.mean, 6)),
      ("dc_offset", .number(channel.offset?.value, 6)),
      ("speech_s", .number(channel.speechSeconds, 2)),
      ("speech_dbfs", .number(channel.speechLevel, 2)),
      ("noise_dbfs", .number(channel.noiseLevel, 2)),
      ("noise_at_most_dbfs", .number(channel.greatestNoiseLevel, 2)),
      ("silent_pauses", .boolean(channel.hasSilentPauses)),
      ("snr_db", .number(channel.signalToNoise, 2)),
      ("band_upper_edge_hz", .number(channel.band?.upperEdge, 0)),
      ("band_drop_db", .number(channel.band?.drop, 1)),
      ("clipped_tops", .number(Double(channel.clippedTops.count), 0)),
      ("clipped_samples", .number(Double(channel.clippedTops.sampleCount), 0)),
      ("ceiling_level", .number(channel.softCeiling?.level, 4)),
      ("ceiling_density", .number(channel.softCeiling?.density, 2)),
      ("ceiling_share", .number(channel.softCeiling?.share, 5)),
      ("dropouts", .number(Double(channel.gaps.count), 0)),
      ("dropout_samples", .number(Double(channel.gaps.sampleCount), 0)),
      ("repeats", .number(Double(channel.repeats.count), 0)),
      ("repeat_samples", .number(Double(channel.repeats.sampleCount), 0)),
      ("hum_mains_hz", .number(channel.hum.map { Double($0.mains) }, 0)),
      ("hum_dbfs", .number(channel.hum?.level, 2)),
      ("hum_prominence_db", .number(channel.hum?.prominence, 1)),
      ("non_finite_samples", .number(Double(channel.nonFiniteCount), 0)),
    ])
  }

  private func json(_ pair: CheckMeasurements.Pair) -> JSONValue {
    .object([
      ("first", .number(Double(pair.first), 0)),
      ("second", .number(Double(pair.second), 0)),
      ("correlation", .number(pair.correlation, 4)),
      ("level_difference_db", .number(pair.levelDifference, 2)),
      ("downmix_loss_db", .number(pair.downmixLoss, 2)),
      ("delay_ms", .number(pair.alignment.map { 1_000 * measured.rate.seconds(of: $0.delay) }, 3)),
      ("aligned_correlation", .number(pair.alignment?.correlation, 4)),
      ("identical", .boolean(pair.isIdentical)),
      ("first_alone_s", .number(pair.firstAloneSeconds, 2)),
      ("second_alone_s", .number(pair.secondAloneSeconds, 2)),
    ])
  }

  private func json(_ finding: Finding) -> JSONValue {
    .object([
      ("kind", .string(finding.kind.rawValue)),
      ("severity", .string(finding.severity.rawValue)),
      ("channel", .number(finding.channel.map(Double.init), 0)),
      (
        "places_s",
        .array(
          finding.places.map {
            .array([
              .number(measured.rate.seconds(of: $0.lowerBound), 6),
              .number(measured.rate.seconds(of: $0.upperBound), 6),
            ])
          })
      ),
      ("value", .number(finding.value, 4)),
      ("unit", finding.unit.map { .string($0) } ?? .null),
      ("words", .string(finding.words)),
      ("remedy", .string(finding.remedy)),
      ("helps", .array(finding.helps.map { .string($0) })),
    ])
  }
}

/// JSON with its keys in the order in which they are given.
indirect enum JSONValue {
  case null
  case boolean(Bool)
  case text(String)
  case array([JSONValue])
  case object([(String, JSONValue)])

  static func string(_ text: String) -> JSONValue { .text(jsonString(text)) }

  /// With so many decimals at the most; null for none, and for what JSON cannot say.
  static func number(_ value: Double?, _ decimals: Int) -> JSONValue {
    guard let value, value.isFinite else { return .null }
    return .text(String(format: "%.\(decimals)f", value))
  }

  var description: String {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .text(let text): text
    case .array(let members): "[" + members.map(\.description).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { "\(jsonString($0.0)):\($0.1.description)" }.joined(separator: ",") + "}"
    }
  }
}
