import Foundation
import Testing

/// Each planted fault is found, with its place, and what is as it should be is left alone.
@Suite struct CheckCommandTests {
  struct Finding: Decodable {
    var kind: String
    var severity: String
    var channel: Int?
    var places_s: [[Double]]
    var value: Double?
    var words: String
    var remedy: String
  }

  struct Report: Decodable {
    var file: String
    var sample_rate: Int
    var channels: Int
    var sample_frames: Int
    var length_s: Double
    var speech_s: Double
    var loudness_lufs: Double?
    var findings: [Finding]
    var faults: Int
    var notes: Int

    /// What counts: advice is about how to use a recording that is as it should be.
    var kinds: [String] { findings.filter { $0.severity != "advice" }.map(\.kind).sorted() }

    func finding(_ kind: String) throws -> Finding { try #require(findings.first { $0.kind == kind }) }
  }

  static func reports(_ files: [String]) throws -> [Report] {
    let outcome = try Tool.run(["check", "-q", "--format", "json"] + files)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    return try JSONDecoder().decode([Report].self, from: outcome.output)
  }

  static func report(_ file: String) throws -> Report { try #require(try reports([file]).first) }

  // MARK: TestAudio

  /// What each recording holds, by its manifest's note; those that are not named hold nothing.
  static let planted: [String: [String]] = [
    "noisy-10dB-16k.wav": ["noise"], "noisy-3dB-16k.flac": ["noise"], "level-steps-16k.flac": ["level-steps"],
    "clipped-24k.flac": ["clipping"], "dc-offset-32k.flac": ["dc-offset"],
    "dead-right-channel-44k1.flac": ["dead-channel"], "inverted-right-channel-8k.flac": ["inverted-channel"],
    "dropouts-16k.flac": ["dropouts"], "silence-48k.flac": ["silent"], "noise-only-16k.flac": ["no-speech"],
    "hum-and-clicks-16k.flac": ["hum", "no-speech"],
    // What these formats really hold.
    "float32-over-full-scale-16k.wav": ["over-full-scale"], "pcm24-extensible-24k.wav": ["too-quiet"],
    "surround-5.1-16k.wav": ["empty-channel"],
  ]

  @Test func everyPlantedFaultAndNoOther() throws {
    let manifest = try Data(contentsOf: URL(filePath: Tool.audio("manifest.json")))
    let entries = try #require(try JSONSerialization.jsonObject(with: manifest) as? [[String: Any]])
    let names = try entries.map { try #require($0["file"] as? String) }
    let reports = try Self.reports(names.map(Tool.audio))
    #expect(reports.count == names.count && names.count >= 28)
    for (report, (name, entry)) in zip(reports, zip(names, entries)) {
      #expect(report.kinds == Self.planted[name, default: []], "\(name)")
      #expect(report.sample_frames == entry["sample_frames"] as? Int)
      #expect(report.channels == entry["channels"] as? Int && report.sample_rate == entry["sample_rate"] as? Int)
      #expect(report.faults == report.findings.count { $0.severity == "fault" })
    }
    let faults = Set(zip(names, reports).filter { $1.faults > 0 }.map(\.0))
    for name in [
      "noisy-10dB-16k.wav", "noisy-3dB-16k.flac", "clipped-24k.flac", "dc-offset-32k.flac", "dropouts-16k.flac",
    ] {
      #expect(faults.contains(name))
    }
    #expect(!faults.contains("surround-5.1-16k.wav") && !faults.contains("pcm24-extensible-24k.wav"))
  }

  @Test func placesAndFigures() throws {
    let dropouts = try Self.report(Tool.audio("dropouts-16k.flac")).finding("dropouts")
    // A quarter, a half and three quarters of the first utterance, from 0.507 to 2.747 s.
    for (place, expected) in zip(dropouts.places_s, [(1.067, 20.0), (1.627, 40), (2.187, 60)]) {
      #expect(abs(place[0] - expected.0) < 0.001 && abs(place[1] - place[0] - expected.1 / 1_000) < 0.001)
    }
    #expect(dropouts.places_s.count == 3)
    #expect(abs(try #require(dropouts.value) - 120) < 1)

    let clipping = try Self.report(Tool.audio("clipped-24k.flac")).finding("clipping")
    // Both utterances, at full scale and at 0.7 of it.
    for label in try VADCommandTests.labels("clipped-24k.flac") {
      #expect(clipping.places_s.contains { label.contains($0[0]) && label.contains($0[1]) })
    }
    #expect(
      abs(try #require(try Self.report(Tool.audio("dc-offset-32k.flac")).finding("dc-offset").value) - 0.1) < 0.001)
    #expect(try Self.report(Tool.audio("dead-right-channel-44k1.flac")).finding("dead-channel").channel == 1)
    #expect(
      try Self.report(Tool.audio("dead-right-channel-44k1.flac")).finding("dead-channel").remedy.contains("--channel 0")
    )
    #expect(try Self.report(Tool.audio("surround-5.1-16k.wav")).finding("empty-channel").remedy.contains("--channel 2"))
    let steps = try Self.report(Tool.audio("level-steps-16k.flac")).finding("level-steps")
    #expect(abs(try #require(steps.value) - 24) < 1)
    #expect(abs(try #require(try Self.report(Tool.audio("noisy-10dB-16k.wav")).finding("noise").value) - 10) < 4)
    #expect(
      try Self.report(Tool.audio("two-callers-8k.flac")).findings.map { "\($0.severity) \($0.kind)" } == [
        "advice talkers"
      ])
  }

  // MARK: Damaged variants

  /// One channel of speech.wav, and of others that stand for it.
  static func speech() throws -> [Float] {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: Tool.speech)).dropFirst(44))
    return stride(from: 0, to: bytes.count - 3, by: 4).map {
      Float(Int16(truncatingIfNeeded: Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8)) / 32_768
    }
  }

  /// A 48 kHz WAV file of 16 bits.
  static func write(_ channels: [[Float]], rate: Int = 48_000, to path: String) throws {
    func little(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let size = channels[0].count * channels.count * 2
    var bytes = Array("RIFF".utf8) + little(36 + size, 4) + Array("WAVEfmt ".utf8) + little(16, 4) + little(1, 2)
    bytes += little(channels.count, 2) + little(rate, 4) + little(rate * channels.count * 2, 4)
    bytes += little(channels.count * 2, 2) + little(16, 2) + Array("data".utf8) + little(size, 4)
    for i in channels[0].indices {
      for channel in channels { bytes += little(Int(max(-32_768, min(32_767, (channel[i] * 32_768).rounded()))), 2) }
    }
    try Data(bytes).write(to: URL(filePath: path))
  }

  struct Variant: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var kinds: [String]
    var make: @Sendable ([Float]) -> [[Float]]

    init(_ name: String, _ kinds: [String], _ make: @escaping @Sendable ([Float]) -> [[Float]]) {
      testDescription = name
      self.kinds = kinds
      self.make = make
    }
  }

  static func delayed(_ samples: [Float], _ count: Int) -> [Float] {
    [Float](repeating: 0, count: count) + samples.dropLast(count)
  }

  static let variants = [
    Variant("as it is", []) { [$0] },
    Variant("clipped by 6 dB", ["clipping"]) { [$0.map { max(-0.25, min(0.25, $0)) }] },
    Variant("clipped, then turned down", ["clipping"]) { [$0.map { max(-0.2, min(0.2, $0)) * 0.5 }] },
    Variant("clipped, then turned up", ["clipping"]) { [$0.map { max(-0.1, min(0.1, $0)) * 4 }] },
    Variant("at full scale, not clipped", []) { [$0.map { $0 * 1.99 }] },
    Variant("a small offset", ["dc-offset"]) { [$0.map { $0 - 0.004 }] },
    Variant("a great offset", ["dc-offset"]) { [$0.map { $0 + 0.2 }] },
    Variant("a dead first channel", ["dead-channel"]) { [$0.map { _ in 0 }, $0] },
    Variant("equal channels", ["duplicate-channel"]) { [$0, $0] },
    Variant("opposite channels", ["inverted-channel"]) { [$0, $0.map { -0.8 * $0 }] },
    Variant("a channel 5 ms late", ["delayed-channel"]) { [$0, delayed($0, 240)] },
    Variant("a channel 20 ms late", ["delayed-channel"]) { [delayed($0, 960), $0] },
    Variant("a channel 20 dB lower", ["quiet-channel"]) { [$0, $0.map { $0 * 0.1 }] },
    Variant("hum of 50 Hz", ["hum"]) { [hum($0, 50)] },
    Variant("hum of 60 Hz", ["hum"]) { [hum($0, 60)] },
    Variant("held packets", ["dropouts"]) {
      [lost($0) { samples, place in for i in place { samples[i] = samples[place.lowerBound - 1] } }]
    },
    Variant("zeroed packets", ["dropouts"]) { [lost($0) { samples, place in for i in place { samples[i] = 0 } }] },
    Variant("repeated packets", ["repeats"]) {
      [lost($0) { samples, place in for i in place { samples[i] = samples[i - place.count] } }]
    },
    Variant("quiet", ["too-quiet"]) { [$0.map { $0 * 0.03 }] },
    Variant("noise 6 dB below", ["noise"]) { samples in
      var state: UInt64 = 1
      return [
        samples.map { sample in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return sample + 0.06 * (Float(state >> 40) / Float(1 << 23) - 1)
        }
      ]
    },
  ]

  static func hum(_ samples: [Float], _ frequency: Float) -> [Float] {
    samples.enumerated().map { i, sample in
      let angle = 2 * Float.pi * frequency * Float(i % 48_000) / 48_000
      return sample + 0.004 * sin(angle) + 0.003 * sin(2 * angle) + 0.002 * sin(3 * angle)
    }
  }

  /// With 20 ms lost at three places in loud speech, of which the millisecond before and that behind are loud, too.
  static func lost(_ samples: [Float], _ lose: (inout [Float], Range<Int>) -> Void) -> [Float] {
    var lossy = samples
    func isLoud(_ place: Range<Int>) -> Bool {
      place.reduce(Float(0)) { $0 + samples[$1] * samples[$1] } > 0.01 * Float(place.count)
    }
    var (start, count) = (30_007, 0)
    while count < 3 {
      if isLoud(start - 48..<start), isLoud(start - 240..<start), isLoud(start + 960..<start + 1_008),
        isLoud(start + 960..<start + 1_200)
      {
        lose(&lossy, start..<start + 960)
        count += 1
        start += 30_000
      }
      start += 101
    }
    return lossy
  }

  @Test(arguments: variants)
  func aVariant(_ variant: Variant) throws {
    let folder = try TemporaryFolder()
    try Self.write(variant.make(try Self.speech()), to: folder.path("variant.wav"))
    #expect(try Self.report(folder.path("variant.wav")).kinds == variant.kinds)
  }

  @Test func aNarrowBandInAWideFile() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run(
      "convert", Tool.audio("telephone-alaw-8k.au"), folder.path("wide.wav"), "--rate", "48000")
    #expect(outcome.status == 0)
    let report = try Self.report(folder.path("wide.wav"))
    #expect(report.kinds == ["narrow-band"])
    #expect((3_200...4_600).contains(try #require(try report.finding("narrow-band").value)))
  }

  // MARK: The command

  @Test func theTextNamesFaultsPlacesAndRemedies() throws {
    let outcome = try Tool.run("check", "-q", Tool.audio("dropouts-16k.flac"), Tool.speech)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.text.contains("dropouts-16k.flac: 1 fault\n"))
    #expect(outcome.text.contains("1.067-1.087"))
    #expect(outcome.text.contains("speech.wav: nothing that hurts recognition\n"))
    #expect(outcome.lines.contains { $0.hasPrefix("  loudness") && $0.contains("LUFS") && $0.contains("dBTP") })
  }

  @Test func findingsFailOnlyWhenAsked() throws {
    let (fault, note, clean) = (Tool.audio("clipped-24k.flac"), Tool.audio("level-steps-16k.flac"), Tool.speech)
    #expect(try Tool.run("check", fault).status == 0)
    #expect(try Tool.run("check", fault, "--fail-on", "fault").status == 1)
    #expect(try Tool.run("check", note, "--fail-on", "fault").status == 0)
    #expect(try Tool.run("check", note, "--fail-on", "note").status == 1)
    #expect(try Tool.run("check", clean, Tool.audio("two-callers-8k.flac"), "--fail-on", "note").status == 0)
    let outcome = try Tool.run("check", "-q", clean, fault, "--fail-on", "note", "--format", "json")
    #expect(outcome.status == 1 && outcome.errors.isEmpty)
    #expect(try JSONDecoder().decode([Report].self, from: outcome.output).count == 2)
    #expect(try Tool.run("check", clean, "--fail-on", "everything").status == 64)
    #expect(try Tool.run("check").status == 64)
  }

  @Test(arguments: BadInputTests.cases)
  func badInput(_ bad: BadInputTests.Case) throws {
    let folder = try TemporaryFolder()
    let path = try bad.bytes.map { try folder.write(bad.name, $0) } ?? folder.path(bad.name)
    let outcome = try Tool.run("check", path)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("utter: \(path): ") && outcome.errorLines.count == 2, "\(outcome.errors)")
    // The others are checked all the same.
    let both = try Tool.run("check", "--format", "json", path, Tool.audio("mono-22k05.caf"))
    #expect(both.status == 1)
    #expect(try JSONDecoder().decode([Report].self, from: both.output).count == 1)
  }

  @Test func damageOfTheFileIsAFinding() throws {
    let folder = try TemporaryFolder()
    let cut = try folder.write("cut.wav", Array(try Data(contentsOf: URL(filePath: Tool.speech)).prefix(1_000_000)))
    let report = try Self.report(cut)
    #expect(report.kinds == ["truncated"])
    #expect(try report.finding("truncated").words.contains("552000"))

    // 32-bit floats, three of which are not finite.
    var samples = try Self.speech()
    samples[48_000] = .nan
    samples[48_001] = -.infinity
    samples[50_000] = .infinity
    func little(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    var bytes = Array("RIFF".utf8) + little(36 + 4 * samples.count) + Array("WAVEfmt ".utf8) + little(16)
    bytes +=
      [3, 0, 1, 0] + little(48_000) + little(192_000) + [4, 0, 32, 0] + Array("data".utf8) + little(4 * samples.count)
    for sample in samples { bytes += little(Int(sample.bitPattern)) }
    let bad = try Self.report(try folder.write("bad.wav", bytes))
    #expect(bad.kinds == ["non-finite"])
    let finding = try bad.finding("non-finite")
    #expect(finding.value == 3)
    #expect(abs(try #require(finding.places_s.first?.first) - 1) < 1e-6)
  }

  @Test func standardInputAndFolders() throws {
    let piped = try Tool.run(
      ["check", "-", "--format", "json"], input: try Data(contentsOf: URL(filePath: Tool.audio("clean-mono-16k.wav"))))
    let report = try #require(try JSONDecoder().decode([Report].self, from: piped.output).first)
    #expect(report.file == "-" && report.kinds.isEmpty)
    let folder = try TemporaryFolder()
    for name in ["mono-22k05.caf", "clipped-24k.flac"] {
      try FileManager.default.copyItem(atPath: Tool.audio(name), toPath: folder.path(name))
    }
    #expect(try Self.reports([folder.url.path]).map(\.kinds) == [["clipping"], []])
    #expect(try Tool.shell("$UTTER check '\(folder.url.path)' | head -n 1").status == 0)
  }

  @Test("Samples far beyond full scale, as of floats in the wrong byte order", arguments: ["text", "json"])
  func huge(format: String) throws {
    let folder = try TemporaryFolder()
    let bytes = (0..<48_000).flatMap { i in
      let bits = (i / 160 % 2 == 0 ? Float(1e20) : -1e20).bitPattern
      return (0..<4).map { UInt8(truncatingIfNeeded: bits >> UInt32(8 * $0)) }
    }
    let path = try folder.write("huge.raw", bytes)
    let outcome = try Tool.run("check", "--raw", "f32le,16000", "--format", format, path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.text.contains("over-full-scale"))
  }

  @Test("A damaged recording is a finding, and with --strict a failure")
  func strict() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("cut.wav", Damaged.wav(promisedFrames: 32_000, frames: 16_000))
    #expect(try Self.report(path).kinds.contains("truncated"))
    let outcome = try Tool.run("check", "--strict", path)
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errorLines.first?.hasPrefix("utter: \(path): the file is cut off: 16000 of the 32000") == true)
  }
}
