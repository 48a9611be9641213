import AudioDSP
import AudioFiles
import AudioTestSupport
import CSndFile
import Testing

@Suite struct RoundTripTests {
  struct Format: Sendable, CustomTestStringConvertible {
    var container: AudioContainer
    var encoding: AudioEncoding
    var testDescription: String { "\(container) of \(encoding)" }

    /// Whether the container can hold the encoding.
    var isPossible: Bool { container != .flac || encoding == .pcm16 || encoding == .pcm24 }
  }

  static let formats = AudioContainer.allCases.flatMap { container in
    AudioEncoding.allCases.map { Format(container: container, encoding: $0) }
  }
  static let possible = formats.filter { $0.isPossible && $0.container != .raw }

  /// What a 16-bit sample becomes, by code that shares nothing with the library.
  private func expected(_ sample: Int16, _ encoding: AudioEncoding) -> Float {
    switch encoding {
    case .pcm16, .pcm24, .float32: Float(sample) / 32768
    case .muLaw: Float(ReferenceG711.muLaw.decoded(ReferenceG711.muLaw.encoded(sample))) / 32768
    case .aLaw: Float(ReferenceG711.aLaw.decoded(ReferenceG711.aLaw.encoded(sample))) / 32768
    }
  }

  @Test("What is written is read, sample by sample", arguments: possible, [1, 2, 6])
  func integers(format: Format, channelCount: Int) throws {
    let seed: UInt64 = 100
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    let path = folder["file"]
    // More than the writer's blocks and libsndfile's buffers hold.
    let samples = random.integers(20_011 * channelCount)
    try write(
      samples, to: path, container: format.container, encoding: format.encoding, sampleRate: 22_050,
      channelCount: channelCount)
    let recording = try Recording(path, blockSizes: [1, 7, 4096, 100])
    #expect(recording.sampleRate == 22_050)
    #expect(recording.channelCount == channelCount)
    #expect(recording.promisedFrameCount == 20_011)
    #expect(recording.frameCount == 20_011)
    #expect(recording.truncation == nil)
    let difference = firstDifference(recording.samples, samples.map { expected($0, format.encoding) })
    #expect(difference == nil, "seed \(seed)")
    #expect(try folder.contents == ["file"])
  }

  @Test("libsndfile's own reading of the header agrees", arguments: possible, [1, 3])
  func library(format: Format, channelCount: Int) throws {
    var random = SeededGenerator(seed: 101)
    let folder = try TemporaryFolder()
    let path = folder["file"]
    let samples = random.integers(5_003 * channelCount)
    try write(
      samples, to: path, container: format.container, encoding: format.encoding, sampleRate: 44_100,
      channelCount: channelCount)
    var info = SF_INFO()
    let file = try #require(sf_open(path, Int32(SFM_READ), &info))
    defer { sf_close(file) }
    #expect(info.frames == 5_003)
    #expect(info.channels == channelCount)
    #expect(info.samplerate == 44_100)
    var read = [Float](repeating: .nan, count: samples.count + 1)
    #expect(sf_read_float(file, &read, sf_count_t(samples.count)) == samples.count)
    #expect(firstDifference(Array(read.dropLast()), samples.map { expected($0, format.encoding) }) == nil)
  }

  @Test("Headerless files hold the samples and nothing else, little-endian", arguments: AudioEncoding.allCases)
  func raw(encoding: AudioEncoding) throws {
    var random = SeededGenerator(seed: 102)
    let folder = try TemporaryFolder()
    let samples = random.integers(9_001)
    try write(samples, to: folder["a.raw"], encoding: encoding)
    try write(samples, to: folder["a.PCM"], encoding: encoding)
    var bytes: [UInt8] = []
    for sample in samples {
      switch encoding {
      case .pcm16: withUnsafeBytes(of: sample.littleEndian) { bytes += $0 }
      case .pcm24: bytes += [0, UInt8(truncatingIfNeeded: sample), UInt8(truncatingIfNeeded: sample >> 8)]
      case .float32: withUnsafeBytes(of: (Float(sample) / 32768).bitPattern.littleEndian) { bytes += $0 }
      case .muLaw: bytes.append(ReferenceG711.muLaw.encoded(sample))
      case .aLaw: bytes.append(ReferenceG711.aLaw.encoded(sample))
      }
    }
    #expect(try firstDifference(folder.bytes("a.raw"), bytes) == nil)
    #expect(try firstDifference(folder.bytes("a.PCM"), bytes) == nil)
  }

  static let awkwardFloats: [Float] = [
    0, -0.0, 1, -1, 0.999_999_94, 2, -3.5, .nan, .infinity, -.infinity, .leastNonzeroMagnitude,
    .greatestFiniteMagnitude,
    0.5 / 32768, 1.5 / 32768, -0.5 / 32768, -1.5 / 32768, 0.5 / 8_388_608, 1.5 / 8_388_608, -2.5 / 8_388_608,
    32767.5 / 32768, 32766.5 / 32768,
  ]

  @Test(
    "Floating point samples pass through as they are",
    arguments: possible.filter { $0.encoding == .float32 }.map(\.container))
  func floats(container: AudioContainer) throws {
    let seed: UInt64 = 103
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    let samples = Self.awkwardFloats + random.samples(10_000, in: -4...4)
    try write(samples, to: folder["file"], container: container)
    #expect(try firstBitDifference(Recording(folder["file"]).samples, samples) == nil, "seed \(seed)")
  }

  @Test(
    "Floating point samples are rounded to nearest and saturated, with NaN as 0",
    arguments: [(AudioEncoding.pcm16, 32_768.0), (.pcm24, 8_388_608.0)])
  func rounding(encoding: AudioEncoding, scale: Double) throws {
    let seed: UInt64 = 104
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    let samples = Self.awkwardFloats + random.samples(10_000, in: -1.1...1.1)
    let expected = samples.map { sample -> Float in
      if sample.isNaN { return 0 }
      let rounded = (Double(sample) * scale).rounded(.toNearestOrEven)
      return Float(min(max(rounded, -scale), scale - 1) / scale)
    }
    for container in [AudioContainer.wav, .flac, .aiff] {
      try write(samples, to: folder["file"], container: container, encoding: encoding)
      #expect(try firstDifference(Recording(folder["file"]).samples, expected) == nil, "\(container), seed \(seed)")
    }
  }

  @Test("Floating point samples reach G.711 by way of 16 bits", arguments: [AudioEncoding.muLaw, .aLaw])
  func companded(encoding: AudioEncoding) throws {
    var random = SeededGenerator(seed: 105)
    let folder = try TemporaryFolder()
    let samples = random.samples(5_000, in: -1.05...1.05)
    try write(samples, to: folder["file"], container: .au, encoding: encoding)
    let expected = samples.map {
      self.expected(Int16(min(max((Double($0) * 32_768).rounded(.toNearestOrEven), -32_768), 32_767)), encoding)
    }
    #expect(try firstDifference(Recording(folder["file"]).samples, expected) == nil)
  }

  @Test(
    "The same samples give the same bytes, whenever they are written and however they are cut into calls",
    arguments: formats.filter(\.isPossible))
  func determinism(format: Format) throws {
    let seed: UInt64 = 106
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    let samples = random.integers(3 * 4_000)
    try write(
      samples, to: folder["whole"], container: format.container, encoding: format.encoding, channelCount: 3)
    var writer = try AudioFileWriter(
      path: folder["cut"], container: format.container, encoding: format.encoding, sampleRate: .hz16000,
      channelCount: 3)
    for cut in random.cuts(of: 4_000) {
      let part = cut.lowerBound * 3..<cut.upperBound * 3
      // Sixteen bits as floating point are the same samples.
      if cut.count.isMultiple(of: 2) {
        try writer.write(samples.span.extracting(part))
      } else {
        let floats = samples[part].map { Float($0) / 32768 }
        try writer.write(floats.span)
      }
    }
    #expect(writer.framesWritten == 4_000)
    try writer.finish()
    let difference = try firstDifference(folder.bytes("cut"), folder.bytes("whole"))
    #expect(difference == nil, "seed \(seed)")
    // libsndfile's PEAK chunk holds a time stamp.
    let peak = Array((format.container == .caf ? "peak" : "PEAK").utf8)
    let head = try folder.bytes("whole").prefix(200)
    #expect(!(0..<head.count - 4).contains { Array(head[$0..<$0 + 4]) == peak })
  }

  @Test("A file without samples is whole all the same", arguments: possible)
  func nothing(format: Format) throws {
    let folder = try TemporaryFolder()
    try write([Int16](), to: folder["file"], container: format.container, encoding: format.encoding)
    var info = SF_INFO()
    let file = try #require(sf_open(folder["file"], Int32(SFM_READ), &info))
    sf_close(file)
    // To FLAC, 0 sample frames are an unknown number of them.
    #expect(format.container == .flac || info.frames == 0)
    let error = try audioFileError { _ = try Recording(folder["file"]) }
    guard case .noSampleFrames = error?.problem else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(arguments: formats.filter { !$0.isPossible })
  func impossible(format: Format) throws {
    let folder = try TemporaryFolder()
    let error = try audioFileError {
      try write([Int16](), to: folder["a"], container: format.container, encoding: format.encoding)
    }
    #expect(error?.description == "\(folder["a"]): FLAC cannot hold \(format.encoding) with 1 channel")
    #expect(try folder.contents.isEmpty)
  }

  @Test(arguments: [
    (AudioContainer.flac, 9, "FLAC cannot hold 16-bit PCM with 9 channels"),
    (.wav, 1_025, "WAV cannot hold 16-bit PCM with 1025 channels"),
    (.wav, 0, "WAV cannot hold 16-bit PCM with 0 channels"),
    (.caf, -1, "CAF cannot hold 16-bit PCM with -1 channels"),
  ])
  func channelCounts(container: AudioContainer, channelCount: Int, problem: String) throws {
    let folder = try TemporaryFolder()
    let error = try audioFileError {
      try write([Int16](), to: folder["a"], container: container, channelCount: channelCount)
    }
    #expect(error?.description == "\(folder["a"]): \(problem)")
    #expect(try folder.contents.isEmpty)
  }

  @Test("The widest files that there are", arguments: [(AudioContainer.flac, 8), (.wav, 1_024), (.caf, 1_024)])
  func manyChannels(container: AudioContainer, channelCount: Int) throws {
    var random = SeededGenerator(seed: 107)
    let folder = try TemporaryFolder()
    let samples = random.integers(channelCount * 11)
    try write(samples, to: folder["a"], container: container, channelCount: channelCount)
    let recording = try Recording(folder["a"], blockSizes: [2])
    #expect(recording.channelCount == channelCount)
    #expect(recording.samples == samples.map { Float($0) / 32768 })
  }

  @Test(arguments: [
    ("wav", "RIFF"), ("WAV", "RIFF"), ("wave", "RIFF"), ("flac", "fLaC"), ("aiff", "FORM"), ("aif", "FORM"),
    ("Au", ".snd"), ("caf", "caff"), ("w64", "riff"), ("rf64", "RF64"),
  ])
  func extensions(name: String, magic: String) throws {
    let folder = try TemporaryFolder()
    try write([1, 2, 3] as [Int16], to: folder["dotted.name.\(name)"])
    #expect(try folder.bytes("dotted.name.\(name)").prefix(4).elementsEqual(magic.utf8))
  }

  @Test(arguments: [
    ("a.mp3", "the extension .mp3 names no format that can be written"), ("a.", "the extension . names no format"),
    ("a", "there is no extension to choose a format by"), (".wav", "there is no extension to choose a format by"),
  ])
  func unknownExtensions(name: String, problem: String) throws {
    let folder = try TemporaryFolder()
    let error = try #require(try audioFileError { try write([1] as [Int16], to: folder[name]) })
    #expect(error.description.hasPrefix("\(folder[name]): \(problem)"))
    #expect(error.description.hasSuffix("(wav, flac, aiff, au, caf, w64, rf64, raw)"))
    #expect(try folder.contents.isEmpty)
  }

  @Test("libsndfile decodes what we encode as we do, all 65,536 values", arguments: [AudioEncoding.muLaw, .aLaw])
  func everyCompandedValue(encoding: AudioEncoding) throws {
    let folder = try TemporaryFolder()
    let samples = (0...65_535).map { Int16(truncatingIfNeeded: $0) }
    try write(samples, to: folder["file"], container: .wav, encoding: encoding)
    let decoded = try Recording(folder["file"]).samples
    let law: G711 = encoding == .muLaw ? .muLaw : .aLaw
    var codes = [UInt8](repeating: 0, count: samples.count)
    var codeSpan = codes.mutableSpan
    law.encode(samples.span, into: &codeSpan)
    var values = [Int16](repeating: 0, count: samples.count)
    var valueSpan = values.mutableSpan
    law.decode(codes.span, into: &valueSpan)
    #expect(firstDifference(decoded, values.map { Float($0) / 32768 }) == nil)
    // As an oracle that is not ours, libsndfile must have decoded every code.
    #expect(Set(decoded).count == (encoding == .muLaw ? 255 : 256))
  }
}
