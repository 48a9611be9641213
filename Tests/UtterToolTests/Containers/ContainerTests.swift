import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// Files that other programs made, read whole, through a pipe and cut off, and held against what ffmpeg decodes.
@Suite struct ContainerTests {
  @Test("ffmpeg is there, or this says what is left out") func programs() {
    if OtherProgram.ffmpeg == nil {
      print("ContainerTests: without ffmpeg, only the files of TestAudio are read and cut off")
    }
    if OtherProgram.sox == nil { print("ContainerTests: without SoX, its files are left out") }
  }

  @Test("A whole file has the samples that ffmpeg finds in it, and so has a pipe", arguments: ContainerKind.all)
  func whole(kind: ContainerKind) throws {
    guard let ffmpeg = OtherProgram.ffmpeg else { return }
    let folder = try TemporaryFolder()
    let source = try kind.source()
    guard let path = try kind.make(of: source, in: folder) else { return }
    var reader = try AudioFileReader(path: path)
    var samples: [Float] = []
    try reader.forEachBlock { block in for i in block.indices { samples.append(block[i]) } }
    #expect(reader.damage.isEmpty)
    #expect(reader.channelCount == kind.channelCount)
    #expect(reader.sampleRate.hertz == kind.rate)

    if let decoded = try ffmpeg.decode(path, kind.decoder, in: folder), !decoded.isEmpty {
      expectLike(samples, decoded, kind)
    } else {
      // ffmpeg 5.1 finds nothing in RF64, W64 and AIFF that it wrote to a pipe itself.
      #expect(["s24-rf64.wav", "s16.w64", "s16.aiff"].contains(kind.name) && kind.maker != .ffmpeg)
      #expect(samples.count == source.count)
      #expect(zip(samples, source).allSatisfy { abs($0 - $1) <= 1.0 / 32_768 })
    }
    let excess = samples.count / kind.channelCount - kind.sourceCount
    #expect(
      (min(0, kind.delay)...kind.delay + kind.padding).contains(excess), "\(excess) sample frames more than were put in"
    )
    expectDelay(samples, source, kind)

    let file = try ToolReading(file: path, rate: kind.rate, in: folder)
    #expect(file.status == 0 && file.lines.isEmpty, "\(file.lines)")
    let mono = try #require(file.samples)
    if kind.channelCount == 1 {
      #expect(mono == samples)
    } else {
      #expect(mono.count == samples.count / kind.channelCount)
      let isMean = mono.indices.allSatisfy { i in
        let frame = samples[i * kind.channelCount..<(i + 1) * kind.channelCount]
        return abs(frame.reduce(0, +) / Float(kind.channelCount) - mono[i]) <= 1e-6
      }
      #expect(isMean)
    }
    let seed: UInt64 = 901
    var random = SeededGenerator(seed: seed)
    let pieces = (0..<64).map { _ in Int.random(in: 1...3_000, using: &random) }
    let bytes = try Data(contentsOf: URL(filePath: path))
    let pipe = try ToolReading(pipe: bytes, pieces: pieces, rate: kind.rate, in: folder)
    #expect(pipe.status == 0 && pipe.lines.isEmpty, "\(pipe.lines)")
    #expect(pipe.file == file.file, "pieces of seed \(seed)")
  }

  private func expectLike(_ samples: [Float], _ decoded: [Float], _ kind: ContainerKind) {
    if let rate = kind.decodedRate {
      #expect(samples.count * rate == decoded.count * kind.rate)
      return
    }
    #expect(abs(samples.count - decoded.count) <= kind.ffmpegMiscount * kind.channelCount)
    let channels = kind.channelCount
    let difference = (0..<min(samples.count, decoded.count)).reduce(Float(0)) { greatest, i in
      let channel = kind.channelOrder?[i % channels] ?? i % channels
      return max(greatest, abs(samples[i] - decoded[i / channels * channels + channel]))
    }
    switch kind.likeness {
    case .exact: #expect(difference == 0)
    case .within(let limit): #expect(difference <= limit)
    }
  }

  /// Everything is as late as the kind says, and no more: one sample frame beside that the likeness is less.
  private func expectDelay(_ samples: [Float], _ source: [Float], _ kind: ContainerKind) {
    let channels = kind.channelCount
    func correlation(_ delay: Int) -> Double {
      var (ab, aa, bb) = (0.0, 0.0, 0.0)
      for i in 10 + max(0, -kind.delay)..<kind.sourceCount - 10 where (i + delay) * channels < samples.count {
        let (a, b) = (Double(samples[(i + delay) * channels]), Double(source[i * channels]))
        ab += a * b
        aa += a * a
        bb += b * b
      }
      return ab / (aa * bb).squareRoot()
    }
    let found = correlation(kind.delay)
    #expect(found > kind.correlation)
    if kind.correlation > 0.9 {
      #expect(found > correlation(kind.delay + 1) && found > correlation(kind.delay - 1))
    }
  }

  @Test(
    "Cut off at ten places, as a file and through a pipe, nothing is lost in silence",
    arguments: ContainerKind.all.filter(\.isCutToo))
  func cut(kind: ContainerKind) throws {
    guard OtherProgram.ffmpeg != nil else { return }
    let folder = try TemporaryFolder()
    guard let path = try kind.make(of: try kind.source(), in: folder) else { return }
    try expectNoSilentLoss(path, kind, folder)
  }

  /// Files that are there on any machine.
  static let ownFiles = [
    "clean-mono-16k.wav", "float32-16k.w64", "mono-22k05.caf", "mono-44k1.aiff", "mono-44k1.mp3", "mono-48k.opus",
    "mono-rf64-16k.wav", "noise-only-16k.flac", "stereo-44k1.ogg", "surround-5.1-16k.wav", "telephone-alaw-8k.au",
  ]

  @Test("So are the files of TestAudio", arguments: ownFiles)
  func ownFile(name: String) throws {
    let folder = try TemporaryFolder()
    let path = Tool.audio(name)
    let reader = try AudioFileReader(path: path)
    let kind = ContainerKind(
      name: name, options: ["-c:a", ""], rate: reader.sampleRate.hertz, channelCount: reader.channelCount)
    try expectNoSilentLoss(path, kind, folder)
  }

  private func expectNoSilentLoss(_ path: String, _ kind: ContainerKind, _ folder: TemporaryFolder) throws {
    let seed: UInt64 = 902
    var random = SeededGenerator(seed: seed)
    let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
    let whole = try #require(try ToolReading(file: path, rate: kind.rate, in: folder).sampleBytes)
    let cuts = ContainerCuts(bytes, of: kind, using: &random)
    let files = try cuts.counts.enumerated().map { index, count in
      try folder.write("cut-\(index).\(kind.pathExtension)", Array(bytes[..<count]))
    }
    let readings = try ToolReading.readings(of: files, rate: kind.rate, in: folder)
    for (count, reading) in zip(cuts.counts, readings) {
      let place = "\(count) of \(bytes.count) bytes, seed \(seed)"
      let pipe = try ToolReading(
        pipe: Data(bytes[..<count]), pieces: [Int.random(in: 1...9_000, using: &random)], rate: kind.rate, in: folder)
      let isBoundary = cuts.boundaries.contains(count)
      expectHonest(reading, whole, kind, part: cuts.part(count), isBoundary, "file, \(place)")
      expectHonest(pipe, whole, kind, part: cuts.part(count), isBoundary, "pipe, \(place)")
      #expect(pipe.file == reading.file, "\(place)")
    }
  }

  private func expectHonest(
    _ reading: ToolReading, _ whole: Data, _ kind: ContainerKind, part: Double, _ isBoundary: Bool, _ place: String
  ) {
    switch reading.status {
    case 1:
      #expect(reading.lines.count == 1 && reading.file == nil, "\(place): \(reading.lines)")
      // What is there is to be read, unless nothing says where it is. libFLAC may lose its way in a block that is cut
      // off, as it does in one that is damaged.
      let isExcused =
        kind.isReadFromItsEnd || kind.hasLongPackets
        || kind.pathExtension == "flac" && reading.lines[0].contains("lost sync")
      #expect(part < 0.5 || isExcused, "\(place): \(reading.lines)")
    case 0:
      guard let samples = reading.sampleBytes else {
        Issue.record("\(place): no output")
        return
      }
      #expect(samples.count <= whole.count, "\(place): more than in the whole file")
      if kind.isExact {
        #expect(samples == whole.prefix(samples.count), "\(place): not the beginning of the whole")
      }
      guard let line = reading.lines.first else {
        let isExcused = kind.reasonForSilence != nil && isBoundary
        #expect(samples == whole || isExcused, "\(place): \(samples.count / 4) of \(whole.count / 4) and not a word")
        return
      }
      #expect(reading.lines.count == 1 && line.hasPrefix("utter: warning: "), "\(place): \(reading.lines)")
      expectCounts(in: line, samples.count / 4, whole.count / 4, place)
    default:
      Issue.record("\(place): exit \(reading.status): \(reading.lines)")
    }
  }

  /// A warning that names counts of sample frames names the right ones.
  private func expectCounts(in line: String, _ count: Int, _ wholeCount: Int, _ place: String) {
    if let match = line.firstMatch(of: /: (\d+) of the (\d+) sample frames/) {
      #expect(Int(match.1) == count && Int(match.2) == wholeCount, "\(place): \(line), there are \(count)")
    } else if let match = line.firstMatch(of: /: (\d+) sample frames are there/) {
      #expect(Int(match.1) == count, "\(place): \(line), there are \(count)")
    } else {
      #expect(line.contains("damaged") || line.contains("missing"), "\(place): \(line)")
    }
  }
}
