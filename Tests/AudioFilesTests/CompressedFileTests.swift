import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// FLAC, MPEG and Ogg: what decoders do with damage, and what the reader makes of it.
@Suite struct CompressedFileTests {
  /// A file of TestAudio.
  static func testAudio(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: TestAudioTests.folder.appendingPathComponent(name)))
  }

  static func noisyFLAC(_ folder: TemporaryFolder, frameCount: Int, seed: UInt64) throws -> (bytes: [UInt8], [Float]) {
    var random = SeededGenerator(seed: seed)
    let samples = random.integers(frameCount)
    try write(samples, to: folder["whole.flac"])
    return (try folder.bytes("whole.flac"), samples.map { Float($0) / 32768 })
  }

  @Test("Damage in a FLAC file is an error, behind what came before it", arguments: [0.1, 0.3, 0.5, 0.9, 0.97])
  func damagedFLAC(part: Double) throws {
    let folder = try TemporaryFolder()
    var (bytes, samples) = try Self.noisyFLAC(folder, frameCount: 50_000, seed: 300)
    // What libFLAC 1.4 fills up with silence after this is as long as what was there.
    bytes[Int(Double(bytes.count) * part)] ^= 0x10
    let path = try folder.write("bad.flac", bytes)
    for blockSize in [100, 4_096, 60_000] {
      var reader = try AudioFileReader(path: path)
      var read: [Float] = []
      let error = try #require(
        try audioFileError {
          while case let block = try reader.block(of: blockSize), !block.isEmpty { read += block }
        })
      // Noise does not compress: the byte belongs to the block of 4,096 sample frames at its part of the file.
      let blockStart = Int(50_000 * part) / 4_096 * 4_096
      guard case .decodingFailed(let count, let reason) = error.problem else {
        Issue.record("no error with blocks of \(blockSize): \(read.count), \(error)")
        return
      }
      #expect(count == read.count)
      #expect((blockStart - 192...blockStart).contains(count))
      #expect(error.description == "\(path): decoding failed after \(count) sample frames: \(reason)")
      #expect(firstDifference(read, Array(samples.prefix(count))) == nil)
      #expect(throws: error) { try reader.block(of: blockSize) }
    }
  }

  @Test("Damage in what libFLAC has buffered of a file's end is no end")
  func damageBeforeTheEnd() throws {
    let seed: UInt64 = 304
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    // So quiet that a block takes about 1.5 KB of libFLAC's 8 KB.
    let samples = (0..<100_000).map { _ in Int16.random(in: -4...4, using: &random) }
    try write(samples, to: folder["quiet.flac"])
    for distance in [3_000, 4_500, 6_000] {
      var bytes = try folder.bytes("quiet.flac")
      bytes[bytes.count - distance] ^= 0x10
      let path = try folder.write("bad.flac", bytes)
      let error = try audioFileError { _ = try Recording(path) }
      guard case .decodingFailed = error?.problem else {
        Issue.record("no error \(distance) bytes before the end, seed \(seed)")
        continue
      }
    }
  }

  @Test("Damage in the last block of a FLAC file looks like its end")
  func damagedEnd() throws {
    let folder = try TemporaryFolder()
    var (bytes, samples) = try Self.noisyFLAC(folder, frameCount: 50_000, seed: 303)
    bytes[bytes.count - 500] ^= 0x10
    let recording = try Recording(folder.write("bad.flac", bytes))
    #expect(recording.truncation == Truncation(promisedFrameCount: 50_000, frameCount: 49_152))
    #expect(recording.samples == Array(samples.prefix(49_152)))
  }

  @Test("A FLAC file with something behind its end")
  func trailingBytes() throws {
    let folder = try TemporaryFolder()
    let (bytes, samples) = try Self.noisyFLAC(folder, frameCount: 10_000, seed: 301)
    let tag = Array("TAG".utf8) + [UInt8](repeating: 0x20, count: 125)
    let recording = try Recording(folder.write("tagged.flac", bytes + tag + bytes.suffix(2_000)))
    #expect(recording.truncation == nil)
    #expect(recording.samples == samples)
  }

  @Test("A FLAC file with an ID3 tag in front")
  func taggedFLAC() throws {
    let folder = try TemporaryFolder()
    let (bytes, samples) = try Self.noisyFLAC(folder, frameCount: 10_000, seed: 302)
    let tag = Array("ID3".utf8) + [4, 0, 0, 0, 0, 1, 2] + [UInt8](repeating: 9, count: 130)
    let recording = try Recording(folder.write("tagged.flac", tag + bytes))
    #expect(recording.promisedFrameCount == 10_000)
    #expect(recording.samples == samples)
  }

  // What no header counts, libsndfile guesses from the first frame and the file's length, and stops there.
  @Test(
    "An MPEG stream without a Xing header is read to its end",
    arguments: [
      [320] + [Int](repeating: 32, count: 200), [32] + [Int](repeating: 320, count: 20),
      [Int](repeating: 64, count: 50), [64, 64],
    ])
  func variableBitRate(bitRates: [Int]) throws {
    let folder = try TemporaryFolder()
    let bytes = MadeFile.mp3(bitRates: bitRates)
    for tail in [[], Array("TAG".utf8) + [UInt8](repeating: 0x20, count: 125)] {
      let recording = try Recording(folder.write("file.mp3", bytes + tail), blockSizes: [1_000])
      #expect(recording.framesRead == 1_152 * bitRates.count)
      #expect(recording.frameCount == nil)
      #expect(recording.promisedFrameCount == nil)
      #expect(recording.truncation == nil)
      #expect(recording.samples.allSatisfy { $0 == 0 })
    }
  }

  @Test("An MPEG stream that ends inside a frame keeps all frames before it")
  func cutMPEG() throws {
    let folder = try TemporaryFolder()
    let bytes = MadeFile.mp3(bitRates: [Int](repeating: 64, count: 50)).dropLast(100)
    let recording = try Recording(folder.write("cut.mp3", Array(bytes)), blockSizes: [5_000])
    #expect(recording.framesRead == 1_152 * 49)
    #expect(recording.truncation == Truncation(promisedFrameCount: nil, frameCount: 1_152 * 49))
  }

  @Test("An MPEG stream with a hole is an error")
  func damagedMPEG() throws {
    let folder = try TemporaryFolder()
    var bytes = MadeFile.mp3(bitRates: [Int](repeating: 64, count: 50))
    for i in 4_180..<8_360 { bytes[i] = 0x55 }
    let path = try folder.write("bad.mp3", bytes)
    let error = try audioFileError { _ = try Recording(path) }
    guard case .decodingFailed(let count, _) = error?.problem else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect((20 * 1_152...21 * 1_152).contains(count))
  }

  @Test("An MPEG stream whose sample rate changes is an error, for the rest would be missing")
  func changingRate() throws {
    let folder = try TemporaryFolder()
    let bytes = MadeFile.mp3(bitRates: [Int](repeating: 64, count: 20))
    let path = try folder.write("a.mp3", bytes + MadeFile.mp3(bitRates: [Int](repeating: 64, count: 20), rate: 48_000))
    let error = try audioFileError { _ = try Recording(path) }
    guard case .decodingFailed(let count, let reason) = error?.problem else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect((19 * 1_152...20 * 1_152).contains(count))
    #expect(reason.hasPrefix("the decoder stopped at byte 4"))
    #expect(reason.hasSuffix(" of \(20 * 208 + 20 * 192)"))
  }

  @Test("A Xing header's count is the promise")
  func xing() throws {
    let folder = try TemporaryFolder()
    let bytes = try Self.testAudio("mono-44k1.mp3")
    let whole = try Recording(folder.write("whole.mp3", bytes))
    #expect(whole.promisedFrameCount == whole.framesRead)
    #expect(whole.truncation == nil)
    let cut = try Recording(folder.write("cut.mp3", Array(bytes.prefix(bytes.count / 2))))
    #expect(cut.promisedFrameCount == whole.framesRead)
    let truncation = try #require(cut.truncation)
    #expect(truncation.promisedFrameCount == whole.framesRead)
    #expect(truncation.frameCount == cut.framesRead)
    // The bit rate varies, but not by much.
    #expect((0.3...0.7).contains(Double(cut.framesRead) / Double(whole.framesRead)))
    #expect(firstDifference(cut.samples, Array(whole.samples.prefix(cut.samples.count))) == nil)
    // Nothing is lost to where a call happens to end.
    for blockSize in [100, 1_152, 50_000] {
      #expect(try Recording(folder["cut.mp3"], blockSizes: [blockSize]).framesRead == cut.framesRead)
    }
  }

  @Test("A stream with a Xing header that ends between two frames or in one, however little is missing")
  func cutXing() throws {
    let folder = try TemporaryFolder()
    let bytes = try Self.testAudio("mono-44k1.mp3")
    let whole = try Recording(folder.write("whole.mp3", bytes))
    // Where frames begin: from the sizes in their headers (MPEG-1 layer III at 44.1 kHz).
    let rates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    var starts: [Int] = []
    var position = bytes.starts(with: Array("ID3".utf8)) ? 10 + bytes[6..<10].reduce(0) { $0 << 7 | Int($1) } : 0
    while position + 4 < bytes.count, bytes[position] == 0xFF, bytes[position + 1] & 0xFE == 0xFA {
      starts.append(position)
      let padding = Int(bytes[position + 2] >> 1 & 1)
      position += 144_000 * rates[Int(bytes[position + 2] >> 4)] / 44_100 + padding
    }
    try #require(starts.count > 100)
    for count in [starts.last!, starts.last! + 50, starts[starts.count - 2], starts[starts.count / 2], bytes.count / 2]
    {
      let cut = try Recording(folder.write("cut.mp3", Array(bytes[..<count])))
      #expect(cut.framesRead < whole.framesRead)
      #expect(
        cut.truncation == Truncation(promisedFrameCount: whole.framesRead, frameCount: cut.framesRead),
        "\(count) of \(bytes.count) bytes")
      let pipe = try LivePipe.recording(Array(bytes[..<count]))
      #expect(pipe.damage == cut.damage)
    }
  }

  @Test("An Ogg stream that is cut off", arguments: ["stereo-44k1.ogg", "mono-48k.opus"])
  func cutOgg(name: String) throws {
    let folder = try TemporaryFolder()
    let bytes = try Self.testAudio(name)
    let whole = try Recording(folder.write("whole", bytes))
    #expect(whole.promisedFrameCount == whole.framesRead)
    #expect(whole.truncation == nil)
    let cut = try Recording(folder.write("cut", Array(bytes.prefix(bytes.count * 3 / 4))))
    #expect(cut.promisedFrameCount == nil)
    #expect(cut.truncation == Truncation(promisedFrameCount: nil, frameCount: cut.framesRead))
    #expect((0.3...0.8).contains(Double(cut.framesRead) / Double(whole.framesRead)))
  }

  static let chattering: [(String, [UInt8])] = [
    (
      "a hole",
      MadeFile.mp3(bitRates: [Int](repeating: 64, count: 30)).enumerated().map {
        (4_180..<8_360).contains($0.offset) ? 0x55 : $0.element
      }
    ),
    ("one frame", MadeFile.mp3(bitRates: [64])),
    ("an MPEG header and nothing more", [0xFF, 0xFB, 0x90, 0x64] + [UInt8](repeating: 0x41, count: 3_000)),
    ("a cut Xing stream", (try? testAudio("mono-44k1.mp3")).map { Array($0.prefix(20_000)) } ?? []),
  ]

  @Test("libmpg123 writes nothing to standard error", arguments: chattering.indices)
  func silence(index: Int) async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("file.mp3", Self.chattering[index].1)
    let result = try await #require(
      processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
    ) { [path = path as String] in
      _ = try audioFileError { _ = try Recording(path) }
      // What the program itself writes then arrives.
      FileHandle.standardError.write(Data("end".utf8))
    }
    #expect(String(decoding: result.standardErrorContent, as: UTF8.self).hasSuffix("end"))
    #expect(!String(decoding: result.standardErrorContent, as: UTF8.self).contains("mpg123"))
    #expect(!String(decoding: result.standardErrorContent, as: UTF8.self).contains("Note:"))
    #expect(!String(decoding: result.standardErrorContent, as: UTF8.self).contains("arning"))
    #expect(!String(decoding: result.standardOutputContent, as: UTF8.self).contains("mpg123"))
  }
}
