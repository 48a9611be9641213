import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// Samples without a header.
@Suite struct RawSampleTests {
  @Test("A text says a format", arguments: RawSampleFormat.Encoding.allCases)
  func parsing(encoding: RawSampleFormat.Encoding) throws {
    let format = try RawSampleFormat(parsing: "\(encoding.rawValue),48000,2")
    #expect(format == RawSampleFormat(encoding, sampleRate: try SampleRate(48_000), channelCount: 2))
    #expect("\(format)" == "\(encoding.rawValue),48000,2")
    #expect(try RawSampleFormat(parsing: "\(encoding.rawValue),4000").channelCount == 1)
    #expect(try RawSampleFormat(parsing: "\(encoding.rawValue),192000,1024").channelCount == 1_024)
  }

  @Test(
    "A text that says none is told what would",
    arguments: [
      ("", "it is not of the form ENCODING,RATE or ENCODING,RATE,CHANNELS, as in s16le,48000,2"),
      ("s16le", "it is not of the form ENCODING,RATE or ENCODING,RATE,CHANNELS, as in s16le,48000,2"),
      ("s16le,1,2,3", "it is not of the form ENCODING,RATE or ENCODING,RATE,CHANNELS, as in s16le,48000,2"),
      (
        "s16,16000",
        "the encoding is none of u8, s8, s16le, s16be, s24le, s24be, s32le, s32be, f32le, f32be, f64le, f64be, mulaw, "
          + "alaw"
      ),
      ("s16le,3999", "the sample rate is no whole number from 4000 to 192000"),
      ("s16le,192001", "the sample rate is no whole number from 4000 to 192000"),
      ("s16le,+16000", "the sample rate is no whole number from 4000 to 192000"),
      ("s16le,16000.5,1", "the sample rate is no whole number from 4000 to 192000"),
      ("s16le,", "the sample rate is no whole number from 4000 to 192000"),
      ("s16le,16000,", "the channels are no whole number from 1 to 1024"),
      ("s16le,16000,0", "the channels are no whole number from 1 to 1024"),
      ("s16le,16000,1025", "the channels are no whole number from 1 to 1024"),
      ("s16le,16000,-1", "the channels are no whole number from 1 to 1024"),
    ])
  func badText(_ text: String, _ reason: String) {
    #expect(RawSampleFormat(text) == nil)
    #expect { try RawSampleFormat(parsing: text) } throws: { "\($0)" == "\(text) is no raw format: \(reason)" }
  }

  /// One sample of each encoding, as the bytes and the value that it stands for: by the formats' definitions.
  static let samples: [(RawSampleFormat.Encoding, [UInt8], Float)] = [
    (.u8, [0xC0], 0.5), (.s8, [0xC0], -0.5),
    (.s16le, [0x01, 0xC0], -16_383.0 / 32_768), (.s16be, [0xC0, 0x01], -16_383.0 / 32_768),
    (.s24le, [1, 0, 0x40], 4_194_305.0 / 8_388_608), (.s24be, [0x40, 0, 1], 4_194_305.0 / 8_388_608),
    (.s32le, [0, 1, 0, 0xC0], -0.5 + 256.0 / 2_147_483_648), (.s32be, [0xC0, 0, 1, 0], -0.5 + 256.0 / 2_147_483_648),
    (.f32le, [0, 0, 0xA0, 0x3F], 1.25), (.f32be, [0x3F, 0xA0, 0, 0], 1.25),
    (.f64le, [0, 0, 0, 0, 0, 0, 0xF4, 0x3F], 1.25), (.f64be, [0x3F, 0xF4, 0, 0, 0, 0, 0, 0], 1.25),
    // G.711: the loudest positive value of each law.
    (.mulaw, [0x80], 32_124.0 / 32_768), (.alaw, [0xAA], 32_256.0 / 32_768),
  ]

  @Test("Every encoding, as file and as pipe", arguments: samples.indices)
  func encodings(index: Int) throws {
    let (encoding, bytes, value) = Self.samples[index]
    let folder = try TemporaryFolder()
    // Two channels, so that a byte too few or too many shows.
    let frame = bytes + [UInt8](repeating: encoding == .u8 ? 0x80 : 0, count: bytes.count)
    let silent: Float = encoding == .mulaw ? -32_124.0 / 32_768 : encoding == .alaw ? -5_504.0 / 32_768 : 0
    let data = [[UInt8]](repeating: frame, count: 5_000).flatMap { $0 }
    let format = RawSampleFormat(encoding, sampleRate: .hz16000, channelCount: 2)
    let expected = (0..<5_000).flatMap { _ in [value, silent] }
    for tail in [0, 1, bytes.count * 2 - 1] where tail == 0 || bytes.count * 2 > tail {
      let content = data + [UInt8](repeating: 1, count: tail)
      var reader = try AudioFileReader(path: folder.write("file", content), raw: format)
      let file = try Recording(&reader)
      let pipe = try LivePipe.recording(content, pieces: [3, 1_001], raw: format)
      let damage =
        tail == 0
        ? [] : [Damage.truncation(Truncation(promisedFrameCount: nil, frameCount: 5_000, sign: .incompleteSampleFrame))]
      for recording in [file, pipe] {
        #expect(recording.samples == expected)
        #expect(recording.promisedFrameCount == nil)
        #expect(recording.damage == damage)
      }
      #expect(file.frameCount == 5_000)
    }
  }

  @Test("What begins like a file is samples too")
  func noHeader() throws {
    let bytes = MadeFile.wav(data: MadeFile.samples([1, 2, 3]))
    let format = RawSampleFormat(.s16le, sampleRate: .hz16000)
    let folder = try TemporaryFolder()
    var reader = try AudioFileReader(path: folder.write("file.wav", bytes), raw: format)
    #expect(try Recording(&reader).framesRead == 25)
    #expect(try LivePipe.recording(bytes, raw: format).framesRead == 25)
  }

  @Test("Nothing, and less than a sample frame")
  func empty() throws {
    let folder = try TemporaryFolder()
    let format = RawSampleFormat(.s16le, sampleRate: .hz16000, channelCount: 2)
    for (bytes, problem) in [([], .empty), ([1, 2, 3], .noSampleFrames(promised: nil))]
      as [([UInt8], AudioFileError.Problem)]
    {
      let path = try folder.write("file", bytes)
      #expect(try audioFileError { _ = try AudioFileReader(path: path, raw: format) }?.problem == problem)
      #expect(try audioFileError { _ = try LivePipe.recording(bytes, raw: format) }?.problem == problem)
    }
  }

  @Test("A device without an end")
  func endless() throws {
    var reader = try AudioFileReader(path: "/dev/zero", raw: RawSampleFormat(.s16le, sampleRate: .hz16000))
    for _ in 0..<100 { #expect(try reader.block(of: 1_000) == [Float](repeating: 0, count: 1_000)) }
  }
}
