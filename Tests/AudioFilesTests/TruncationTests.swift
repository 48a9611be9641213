import AudioDSP
import AudioFiles
import AudioTestSupport
import Testing

/// A file that ends too early is read to its end, and the reader says how much there was to be.
@Suite struct TruncationTests {
  struct Format: Sendable, CustomTestStringConvertible {
    var container: AudioContainer
    var encoding: AudioEncoding
    var channelCount: Int
    var testDescription: String { "\(container) of \(encoding), \(channelCount) channels" }
    var frameSize: Int { channelCount * [.pcm16: 2, .pcm24: 3, .float32: 4, .muLaw: 1, .aLaw: 1][encoding]! }
  }

  static let plain = [AudioContainer.wav, .aiff, .au, .caf, .w64, .rf64].flatMap { container in
    [(AudioEncoding.pcm16, 1), (.pcm16, 2), (.pcm24, 3), (.float32, 2), (.muLaw, 1)].map {
      Format(container: container, encoding: $0.0, channelCount: $0.1)
    }
  }

  @Test("Both counts are named, wherever the file is cut", arguments: plain)
  func plainSamples(format: Format) throws {
    let seed: UInt64 = 200
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    let frameCount = 3_001
    try write(
      random.integers(frameCount * format.channelCount), to: folder["whole"], container: format.container,
      encoding: format.encoding, channelCount: format.channelCount)
    let whole = try folder.bytes("whole")
    let samples = try Recording(folder["whole"]).samples
    let dataSize = frameCount * format.frameSize
    let isPadded = [.wav, .aiff, .rf64].contains(format.container) && dataSize % 2 == 1
    let headerSize = whole.count - dataSize - (isPadded ? 1 : 0)
    let cuts =
      [1, format.frameSize - 1, format.frameSize, format.frameSize + 1, dataSize / 2, dataSize - format.frameSize]
      + [dataSize - 1] + (0..<5).map { _ in Int.random(in: 1..<dataSize, using: &random) }
    for cut in cuts where cut >= format.frameSize {
      let path = try folder.write("cut", Array(whole.prefix(headerSize + cut)))
      let recording = try Recording(path, blockSizes: [100])
      let found = cut / format.frameSize
      #expect(recording.framesRead == found)
      #expect(recording.frameCount == found)
      #expect(recording.promisedFrameCount == frameCount)
      #expect(recording.truncation == Truncation(promisedFrameCount: frameCount, frameCount: found))
      #expect(firstBitDifference(recording.samples, Array(samples.prefix(found * format.channelCount))) == nil)
    }
    // Without the padding byte nothing is missing.
    let path = try folder.write("unpadded", Array(whole.prefix(headerSize + dataSize)))
    #expect(try Recording(path).truncation == nil)
  }

  @Test("A message with both counts")
  func message() {
    #expect(
      "\(Truncation(promisedFrameCount: 16_000, frameCount: 9_000))"
        == "the file is cut off: 9000 of the 16000 sample frames that its header promises are there")
    #expect(
      "\(Truncation(promisedFrameCount: nil, frameCount: 9_000))"
        == "the file is cut off in the middle of a packet: 9000 sample frames are there")
  }

  @Test(arguments: [1, 2])
  func flac(channelCount: Int) throws {
    let seed: UInt64 = 201
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    let frameCount = 30_000
    let samples = random.integers(frameCount * channelCount)
    try write(samples, to: folder["whole.flac"], channelCount: channelCount)
    let whole = try folder.bytes("whole.flac")
    let expected = samples.map { Float($0) / 32768 }
    for part in [0.2, 0.5, 0.9, 0.999] {
      let path = try folder.write("cut.flac", Array(whole.prefix(Int(Double(whole.count) * part))))
      let recording = try Recording(path, blockSizes: [1_000])
      #expect(recording.promisedFrameCount == frameCount)
      // Noise does not compress: the file holds as many blocks of 4,096 sample frames as its length says.
      let found = Int(Double(frameCount) * part) / 4_096 * 4_096
      #expect(recording.truncation == Truncation(promisedFrameCount: frameCount, frameCount: found))
      #expect(firstDifference(recording.samples, Array(expected.prefix(found * channelCount))) == nil)
    }
  }

  @Test("A FLAC stream that does not say its length, whole and cut off")
  func unknownFLAC() throws {
    var random = SeededGenerator(seed: 202)
    let folder = try TemporaryFolder()
    try write(random.integers(10_000), to: folder["whole.flac"])
    var bytes = try folder.bytes("whole.flac")
    // The count is the lower 36 of the 64 bits at 18.
    bytes[21] &= 0xF0
    for i in 22..<26 { bytes[i] = 0 }
    let whole = try Recording(folder.write("unknown.flac", bytes))
    #expect(whole.framesRead == 10_000)
    #expect(whole.promisedFrameCount == nil)
    #expect(whole.frameCount == nil)
    #expect(whole.truncation == nil)
    let cut = try Recording(folder.write("cut.flac", Array(bytes.prefix(bytes.count * 3 / 4))))
    #expect(cut.truncation == Truncation(promisedFrameCount: nil, frameCount: 4_096))
    #expect(cut.samples == Array(whole.samples.prefix(4_096)))
  }

  struct Unknown: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]

    init(_ name: String, _ bytes: [UInt8]) {
      testDescription = name
      self.bytes = bytes
    }
  }

  static let ramp = (0..<777).map { Int16($0 * 40 - 15_000) }
  static let little = MadeFile.samples(ramp)
  static let big = MadeFile.samples(ramp, isBigEndian: true)

  static let toTheEndFiles = [
    Unknown("ffmpeg's WAV", MadeFile.wav(data: little, dataSize: 0xFFFF_FFFF, riffSize: 0xFFFF_FFFF)),
    Unknown("GStreamer's WAV", MadeFile.wav(data: little, dataSize: 0, riffSize: 36)),
    Unknown("an empty WAV that was filled", MadeFile.wav(data: little, dataSize: 0, riffSize: 0)),
    Unknown("SoX's WAV", MadeFile.wav(data: little, dataSize: 0x7FFF_F000, riffSize: 0x7FFF_F024)),
    Unknown("arecord's WAV", MadeFile.wav(data: little, dataSize: 0x8000_0000, riffSize: 0x8000_0024)),
    Unknown("a WAV of 2 GiB less one", MadeFile.wav(data: little, dataSize: 0x7FFF_FFFF, riffSize: 0)),
    Unknown("ffmpeg's RF64", MadeFile.rf64(longSize: 0, data: little)),
    Unknown("RF64 of all ones", MadeFile.rf64(longSize: .max, data: little)),
    Unknown("ffmpeg's W64", MadeFile.wave64(size: 0x7FFF_FFFF_FFFF_FFFF, data: little)),
    Unknown("W64 of 0", MadeFile.wave64(size: 0, data: little)),
    Unknown("ffmpeg's AIFF", MadeFile.aiff(commonFrames: 0, data: big, soundSize: 0)),
    Unknown("AIFF of all ones", MadeFile.aiff(commonFrames: 0xFFFF_FFFF, data: big, soundSize: 0xFFFF_FFFF)),
    Unknown("ffmpeg's AU", MadeFile.au(size: 0xFFFF_FFFF, data: big)),
    Unknown("AU of 0", MadeFile.au(size: 0, data: big)),
    Unknown("ffmpeg's CAF", MadeFile.caf(size: -1, data: little)),
    Unknown("CAF of 0", MadeFile.caf(size: 0, data: little)),
  ]

  @Test("A size that a program left open means: to the end of the file", arguments: toTheEndFiles)
  func toTheEnd(_ file: Unknown) throws {
    let folder = try TemporaryFolder()
    let recording = try Recording(folder.write("file", file.bytes))
    #expect(recording.promisedFrameCount == nil)
    #expect(recording.frameCount == Self.ramp.count)
    #expect(recording.truncation == nil)
    #expect(recording.samples == Self.ramp.map { Float($0) / 32768 })
  }

  static let followedFiles = [
    Unknown("WAV", MadeFile.wav(data: little, after: MadeFile.chunk("LIST", [UInt8](repeating: 1, count: 60)))),
    Unknown("RF64", MadeFile.rf64(longSize: UInt64(little.count), data: little + [1, 2, 3, 4, 5, 6])),
    Unknown("a BW64", MadeFile.rf64(longSize: UInt64(little.count), name: "BW64", data: little + [1, 2, 3, 4])),
    Unknown(
      "RF64 that did not need it", MadeFile.rf64(longSize: 0, dataSize: little.count, data: little + [1, 2, 3])),
    Unknown("W64", MadeFile.wave64(size: UInt64(24 + little.count), data: little + [1, 2, 3, 4, 5, 6])),
    Unknown("AIFF", MadeFile.aiff(commonFrames: 777, data: big + [1, 2, 3, 4], soundSize: 8 + big.count)),
    Unknown("AIFF whose SSND is longer", MadeFile.aiff(commonFrames: 777, data: big + [1, 2, 3, 4])),
    Unknown("AIFF whose COMM promises more", MadeFile.aiff(commonFrames: 9_999, data: big)),
    Unknown("AIFF without a size in SSND", MadeFile.aiff(commonFrames: 777, data: big + [1, 2, 3], soundSize: 0)),
    Unknown("AIFF with its samples first", MadeFile.aiff(commonFrames: 777, data: big, isSoundFirst: true)),
    Unknown("AU", MadeFile.au(size: big.count, offset: 60, data: big + [1, 2, 3, 4])),
    Unknown("CAF", MadeFile.caf(size: Int64(4 + little.count), data: little + [1, 2, 3, 4])),
    Unknown(
      "WAV with an ID3 tag in front",
      Array("ID3".utf8) + [4, 0, 0, 0, 0, 1, 2] + [UInt8](repeating: 9, count: 130)
        + MadeFile.wav(data: little)),
  ]

  @Test("What follows the samples is not read", arguments: followedFiles)
  func whatFollows(_ file: Unknown) throws {
    let folder = try TemporaryFolder()
    let recording = try Recording(folder.write("file", file.bytes))
    #expect(recording.promisedFrameCount == Self.ramp.count)
    #expect(recording.truncation == nil)
    #expect(recording.samples == Self.ramp.map { Float($0) / 32768 })
  }

  @Test("An ADPCM file's header promises whole blocks")
  func blocks() throws {
    // IMA ADPCM: 256 bytes hold 505 sample frames.
    let format = MadeFile.waveFormat(
      tag: 0x11, blockAlign: 256, bits: 4, extra: MadeFile.little(2, 2) + MadeFile.little(505, 2))
    let block: [UInt8] = [0, 0, 0, 0] + [UInt8](repeating: 0x17, count: 252)
    let data = (0..<20).flatMap { _ in block }
    let folder = try TemporaryFolder()
    let whole = try Recording(folder.write("whole.wav", MadeFile.wav(format: format, data: data)))
    #expect(whole.promisedFrameCount == 20 * 505)
    #expect(whole.framesRead == 20 * 505)
    #expect(whole.truncation == nil)
    let bytes = MadeFile.wav(format: format, data: Array(data.prefix(12 * 256)), dataSize: data.count)
    let cut = try Recording(folder.write("cut.wav", bytes))
    #expect(cut.truncation == Truncation(promisedFrameCount: 20 * 505, frameCount: 12 * 505))
    #expect(cut.samples == Array(whole.samples.prefix(12 * 505)))
  }

  @Test(
    "A recording behind a recording is told of",
    arguments: [
      "clean-mono-16k.wav", "clipped-24k.flac", "mono-44k1.mp3", "mono-44k1.aiff", "mono-22k05.caf",
      "telephone-alaw-8k.au", "float32-16k.w64", "mono-rf64-16k.wav",
    ])
  func appended(name: String) throws {
    let folder = try TemporaryFolder()
    let bytes = try CompressedFileTests.testAudio(name)
    let path = try folder.write("a", bytes + bytes)
    let (one, two) = (try Recording(TestAudioTests.folder.appendingPathComponent(name).path), try Recording(path))
    #expect(one.damage.isEmpty)
    // ffmpeg's Xing header and the encoder's padding agree to a frame.
    #expect(two.framesRead == one.framesRead)
    #expect(two.damage == [.unread(byteCount: bytes.count, offset: bytes.count)])
  }

  @Test("Samples that the header of a WAV does not count are told of, chunks and zeros behind it are not")
  func uncounted() throws {
    let folder = try TemporaryFolder()
    let wave = MadeFile.wav(data: [UInt8](repeating: 7, count: 4_000), dataSize: 1_000, riffSize: 1_036)
    let recording = try Recording(folder.write("a.wav", wave))
    #expect(recording.framesRead == 500)
    #expect(recording.damage == [.unread(byteCount: 3_000, offset: 1_044)])
    let whole = MadeFile.wav(data: [UInt8](repeating: 7, count: 1_000), dataSize: 1_000, riffSize: 1_036)
    let chunk = Array("LIST".utf8) + MadeFile.little(8, 4) + Array("INFOabcd".utf8)
    for behind in [[], [1, 2, 3], chunk, [UInt8](repeating: 0, count: 512), chunk + [1, 2, 3]] {
      #expect(try Recording(folder.write("b.wav", whole + behind)).damage.isEmpty)
    }
    // An odd count of bytes, of which a program has forgotten to make an even one.
    let odd = MadeFile.wav(data: [UInt8](repeating: 7, count: 999), dataSize: 999, riffSize: 1_035)
    #expect(try Recording(folder.write("c.wav", odd.prefix(44 + 999) + chunk)).damage.isEmpty)
  }
}
