import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// What is in a pipe is copied only if it begins like something that can be read.
@Suite struct UnknownPipeTests {
  @Test("A pipe of nothing known is given up after a little", arguments: ["zeros", "text", "noise"])
  func endless(kind: String) async throws {
    await #expect(processExitsWith: .success) { [kind = kind as String] in
      // The temporary folder is not there: nothing may be copied to it.
      setenv("TMPDIR", "/nowhere", 1)
      let pipe = LivePipe()
      var random = SeededGenerator(seed: 920)
      let block: [UInt8] = (0..<65_536).map { i in
        switch kind {
        case "zeros": 0
        case "text": Array("y\n".utf8)[i % 2]
        default: UInt8.random(in: 0...255, using: &random)
        }
      }
      // As much as is looked at, and no end.
      pipe.feed(block, pieces: [10_000], end: false)
      let error = try audioFileError { _ = try pipe.reader() }
      #expect(error?.problem == .notAudio)
    }
  }

  @Test("A device of zeros is no audio")
  func device() throws {
    #expect(try audioFileError { _ = try AudioFileReader(path: "/dev/zero") }?.problem == .notAudio)
    #expect(try audioFileError { _ = try AudioFileReader(path: "/dev/null") }?.problem == .empty)
  }

  static let spooled: [(String, [UInt8])] = [
    ("FLAC", (try? CompressedFileTests.testAudio("dropouts-16k.flac")) ?? []),
    ("MP3", (try? CompressedFileTests.testAudio("mono-44k1.mp3")) ?? []),
    ("MP3 without a Xing header", MadeFile.mp3(bitRates: [Int](repeating: 64, count: 50))),
    (
      "ADPCM behind a long chunk",
      MadeFile.wav(
        format: MadeFile.waveFormat(
          tag: 0x11, blockAlign: 256, bits: 4, extra: MadeFile.little(2, 2) + MadeFile.little(505, 2)),
        before: MadeFile.chunk("LIST", [UInt8](repeating: 1, count: 200_001)),
        data: (0..<20).flatMap { _ in [0, 0, 0, 0] + [UInt8](repeating: 0x17, count: 252) })
    ),
    (
      "MP3 behind a long ID3 tag",
      Array("ID3".utf8) + [4, 0, 0, 0, 8, 0, 0] + [UInt8](repeating: 9, count: 8 << 14)
        + MadeFile.mp3(bitRates: [Int](repeating: 64, count: 50))
    ),
    (
      "FLAC behind a long ID3 tag",
      Array("ID3".utf8) + [4, 0, 0, 0, 8, 0, 0] + [UInt8](repeating: 9, count: 8 << 14)
        + ((try? CompressedFileTests.testAudio("dropouts-16k.flac")) ?? [])
    ),
  ]

  @Test("Other formats are copied first, with all that was read to know them", arguments: spooled.indices)
  func copied(index: Int) throws {
    let (name, bytes) = Self.spooled[index]
    let folder = try TemporaryFolder()
    let file = try Recording(folder.write("file", bytes))
    let pipe = LivePipe()
    pipe.feed(bytes, pieces: [3, 20_000])
    var reader = try pipe.reader()
    let isLive = reader.isLive
    #expect(!isLive, "\(name)")
    let recording = try Recording(&reader)
    #expect(firstBitDifference(recording.samples, file.samples) == nil, "\(name)")
    #expect(recording.promisedFrameCount == file.promisedFrameCount)
    #expect(recording.damage == file.damage)
  }

  @Test("A WAV behind a long ID3 tag is read as it comes")
  func tagged() throws {
    let tag = Array("ID3".utf8) + [4, 0, 0, 0, 8, 0, 0] + [UInt8](repeating: 9, count: 8 << 14)
    let recording = try LivePipe.recording(tag + MadeFile.wav(data: MadeFile.samples([1, 2, 3])), pieces: [999])
    #expect(recording.samples == [1, 2, 3].map { $0 / 32768 })
  }

  @Test("A stream of MPEG frames may begin anywhere in a frame")
  func joined() throws {
    let bytes = MadeFile.mp3(bitRates: [Int](repeating: 64, count: 50))
    let recording = try LivePipe.recording(Array(bytes.dropFirst(100)))
    #expect((47 * 1_152...49 * 1_152).contains(recording.framesRead))
  }
}
