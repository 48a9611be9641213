import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// A bad file gets one line: which file, and what is wrong with it, where.
@Suite struct BadFileTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    var problem: AudioFileError.Problem
    var message: String

    init(_ name: String, _ bytes: [UInt8], _ problem: AudioFileError.Problem, _ message: String) {
      testDescription = name
      self.bytes = bytes
      self.problem = problem
      self.message = message
    }
  }

  static let data = MadeFile.samples((0..<100).map { Int16($0) })
  static let wav = MadeFile.wav(data: data)

  static let cases: [Case] = [
    Case("empty", [], .empty, "the file is empty (0 bytes)"),
    Case("one byte", [0x52], .notAudio, "not audio in a format that can be read"),
    Case(
      "text", Array(String(repeating: "It was a dark and stormy night.\n", count: 300).utf8), .notAudio,
      "not audio in a format that can be read"),
    Case("zeros", [UInt8](repeating: 0, count: 5_000), .notAudio, "not audio in a format that can be read"),
    Case(
      "what begins like an MPEG stream and is none",
      [0xFF, 0xFB, 0x90, 0x64] + Array(String(repeating: "and a stormy night ", count: 300).utf8), .notAudio,
      "not audio in a format that can be read"),
    Case(
      "a RIFF file that is no WAV", Array("RIFF".utf8) + [100, 0, 0, 0] + Array("AVI LIST".utf8) + data, .notAudio,
      "not audio in a format that can be read"),
    Case(
      "an IFF file that is no AIFF", Array("FORM".utf8) + [0, 0, 0, 100] + Array("ILBMBMHD".utf8) + data, .notAudio,
      "not audio in a format that can be read"),

    Case(
      "four bytes of WAV", Array(wav.prefix(4)),
      .headerCutOff(container: "WAV", byteCount: 4, place: "inside the file's own mark"),
      "the WAV header is cut off after 4 bytes, inside the file's own mark"),
    Case(
      "WAV cut before fmt", Array(wav.prefix(12)),
      .headerCutOff(container: "WAV", byteCount: 12, place: "before the data chunk"),
      "the WAV header is cut off after 12 bytes, before the data chunk"),
    Case(
      "WAV cut inside fmt", Array(wav.prefix(30)),
      .headerCutOff(container: "WAV", byteCount: 30, place: "inside the fmt chunk"),
      "the WAV header is cut off after 30 bytes, inside the fmt chunk"),
    Case(
      "WAV without data", Array(wav.prefix(36)),
      .headerCutOff(container: "WAV", byteCount: 36, place: "before the data chunk"),
      "the WAV header is cut off after 36 bytes, before the data chunk"),
    Case(
      "WAV cut inside the data chunk's head", Array(wav.prefix(43)),
      .headerCutOff(container: "WAV", byteCount: 43, place: "before the data chunk"),
      "the WAV header is cut off after 43 bytes, before the data chunk"),
    Case(
      "WAV cut inside a chunk before the data",
      Array(MadeFile.wav(before: MadeFile.chunk("LIST", [UInt8](repeating: 1, count: 40)), data: data).prefix(60)),
      .headerCutOff(container: "WAV", byteCount: 60, place: "inside the LIST chunk"),
      "the WAV header is cut off after 60 bytes, inside the LIST chunk"),
    Case(
      "WAV whose unprintable chunk has an absurd size",
      MadeFile.wav(before: [0x0A, 0x41, 0x00, 0xFF, 0xF0, 0xFF, 0xFF, 0xFF], data: data),
      .headerCutOff(container: "WAV", byteCount: 252, place: "inside the .A.. chunk"),
      "the WAV header is cut off after 252 bytes, inside the .A.. chunk"),
    Case(
      "RF64 cut inside ds64", Array(MadeFile.rf64(longSize: 200, data: data).prefix(30)),
      .headerCutOff(container: "RF64", byteCount: 30, place: "inside the ds64 chunk"),
      "the RF64 header is cut off after 30 bytes, inside the ds64 chunk"),
    Case(
      "W64 cut in its mark", Array(MadeFile.wave64(size: 224, data: data).prefix(39)),
      .headerCutOff(container: "W64", byteCount: 39, place: "inside the file's own mark"),
      "the W64 header is cut off after 39 bytes, inside the file's own mark"),
    Case(
      "W64 cut before data", Array(MadeFile.wave64(size: 224, data: data).prefix(90)),
      .headerCutOff(container: "W64", byteCount: 90, place: "before the data chunk"),
      "the W64 header is cut off after 90 bytes, before the data chunk"),
    Case(
      "AIFF cut inside COMM", Array(MadeFile.aiff(commonFrames: 100, data: data).prefix(30)),
      .headerCutOff(container: "AIFF", byteCount: 30, place: "inside the COMM chunk"),
      "the AIFF header is cut off after 30 bytes, inside the COMM chunk"),
    Case(
      "AIFF without SSND", Array(MadeFile.aiff(commonFrames: 100, data: data).prefix(38)),
      .headerCutOff(container: "AIFF", byteCount: 38, place: "before the SSND chunk"),
      "the AIFF header is cut off after 38 bytes, before the SSND chunk"),
    Case(
      "AIFF with its samples first, cut off in them",
      Array(MadeFile.aiff(commonFrames: 100, data: data, isSoundFirst: true).prefix(150)),
      .headerCutOff(container: "AIFF", byteCount: 150, place: "before the COMM chunk"),
      "the AIFF header is cut off after 150 bytes, before the COMM chunk"),
    Case(
      "AU cut in its fields", Array(MadeFile.au(size: 200, data: data).prefix(20)),
      .headerCutOff(container: "AU", byteCount: 20, place: "inside its 24 bytes of fields"),
      "the AU header is cut off after 20 bytes, inside its 24 bytes of fields"),
    Case(
      "AU cut in its annotation", Array(MadeFile.au(size: 200, offset: 60, data: data).prefix(40)),
      .headerCutOff(container: "AU", byteCount: 40, place: "before the samples"),
      "the AU header is cut off after 40 bytes, before the samples"),
    Case(
      "CAF cut inside desc", Array(MadeFile.caf(size: 204, data: data).prefix(40)),
      .headerCutOff(container: "CAF", byteCount: 40, place: "inside the desc chunk"),
      "the CAF header is cut off after 40 bytes, inside the desc chunk"),
    Case(
      "CAF without data", Array(MadeFile.caf(size: 204, data: data).prefix(52)),
      .headerCutOff(container: "CAF", byteCount: 52, place: "before the data chunk"),
      "the CAF header is cut off after 52 bytes, before the data chunk"),
    Case(
      "FLAC cut inside STREAMINFO", Array(MadeFile.flac(frames: 100).prefix(41)),
      .headerCutOff(container: "FLAC", byteCount: 41, place: "inside the STREAMINFO block"),
      "the FLAC header is cut off after 41 bytes, inside the STREAMINFO block"),

    Case(
      "WAV with data before fmt",
      MadeFile.mark("RIFF") + [0, 0, 0, 0] + MadeFile.mark("WAVE") + MadeFile.chunk("data", data),
      .unreadableHeader(container: "WAV", reason: "its data chunk comes before its fmt chunk"),
      "the WAV header cannot be read: its data chunk comes before its fmt chunk"),
    Case(
      "WAV with a short fmt", MadeFile.wav(format: [1, 0, 1, 0, 0, 0], data: data),
      .unreadableHeader(container: "WAV", reason: "its fmt chunk is too short"),
      "the WAV header cannot be read: its fmt chunk is too short"),
    Case(
      "WAV of an unknown encoding", MadeFile.wav(format: MadeFile.waveFormat(tag: 0x1234), data: data),
      .unreadableHeader(container: "WAV", reason: "Error in WAV/W64/RF64 file. Malformed 'fmt ' chunk"),
      "the WAV header cannot be read: Error in WAV/W64/RF64 file. Malformed 'fmt ' chunk"),
    Case(
      "W64 whose chunk has a size that no chunk can have",
      MadeFile.wave64(size: 224, before: MadeFile.wave64Chunk("junk", [], size: 0), data: data),
      .unreadableHeader(container: "W64", reason: "the size of its junk chunk is wrong"),
      "the W64 header cannot be read: the size of its junk chunk is wrong"),
    Case(
      "AU whose samples start inside of its header", MadeFile.au(size: 200, offset: 8, data: data),
      .unreadableHeader(container: "AU", reason: "it says that the samples start inside of it"),
      "the AU header cannot be read: it says that the samples start inside of it"),
    Case(
      "Ogg without content", Array("OggS".utf8) + [UInt8](repeating: 0, count: 100),
      .unreadableHeader(container: "Ogg", reason: "File contains data in an unimplemented format"),
      "the Ogg header cannot be read: File contains data in an unimplemented format"),

    Case(
      "WAV of 0 channels", MadeFile.wav(format: MadeFile.waveFormat(channels: 0), data: data), .noChannels,
      "the header says 0 channels"),
    Case(
      "AIFF of 0 channels", MadeFile.aiff(channels: 0, commonFrames: 100, data: data), .noChannels,
      "the header says 0 channels"),
    Case(
      "AU of 0 channels", MadeFile.au(channels: 0, size: 200, data: data), .noChannels, "the header says 0 channels"),
    Case(
      "CAF of 0 channels", MadeFile.caf(channels: 0, size: 204, data: data), .noChannels, "the header says 0 channels"),
    Case(
      "WAV of 1025 channels", MadeFile.wav(format: MadeFile.waveFormat(channels: 1_025, blockAlign: 2_050), data: data),
      .tooManyChannels(1_025), "the header says 1025 channels, more than 1024"),
    Case(
      "AU of four billion channels", MadeFile.au(channels: 0xFFFF_FFFF, size: 200, data: data),
      .tooManyChannels(0xFFFF_FFFF), "the header says 4294967295 channels, more than 1024"),

    Case(
      "WAV of 0 Hz", MadeFile.wav(format: MadeFile.waveFormat(rate: 0), data: data), .badSampleRate(hertz: 0),
      "sample rate 0 Hz is outside of 4000 to 192000 Hz"),
    Case(
      "WAV of 3999 Hz", MadeFile.wav(format: MadeFile.waveFormat(rate: 3_999), data: data),
      .badSampleRate(hertz: 3_999), "sample rate 3999 Hz is outside of 4000 to 192000 Hz"),
    Case(
      "WAV of 192001 Hz", MadeFile.wav(format: MadeFile.waveFormat(rate: 192_001), data: data),
      .badSampleRate(hertz: 192_001), "sample rate 192001 Hz is outside of 4000 to 192000 Hz"),
    Case(
      "WAV of 4 GHz", MadeFile.wav(format: MadeFile.waveFormat(rate: -1), data: data),
      .badSampleRate(hertz: 0xFFFF_FFFF), "sample rate 4294967295 Hz is outside of 4000 to 192000 Hz"),
    Case(
      "AIFF of 0 Hz", MadeFile.aiff(commonFrames: 100, rate: [UInt8](repeating: 0, count: 10), data: data),
      .badSampleRate(hertz: 0), "sample rate 0 Hz is outside of 4000 to 192000 Hz"),
    Case(
      "AIFF of infinitely many Hz",
      MadeFile.aiff(commonFrames: 100, rate: [UInt8](repeating: 0xFF, count: 10), data: data), .badSampleRate(hertz: 0),
      "sample rate 0 Hz is outside of 4000 to 192000 Hz"),
    Case(
      "AU of 0 Hz", MadeFile.au(rate: 0, size: 200, data: data), .badSampleRate(hertz: 0),
      "sample rate 0 Hz is outside of 4000 to 192000 Hz"),
    Case(
      "CAF of NaN Hz", MadeFile.caf(rate: .nan, size: 204, data: data), .badSampleRate(hertz: 0),
      "sample rate 0 Hz is outside of 4000 to 192000 Hz"),
    Case(
      "FLAC of 0 Hz", MadeFile.flac(rate: 0, frames: 100), .badSampleRate(hertz: 0),
      "sample rate 0 Hz is outside of 4000 to 192000 Hz"),

    Case(
      "WAV without samples", MadeFile.wav(data: []), .noSampleFrames(promised: 0),
      "there are no sample frames (the header promises 0)"),
    Case(
      "WAV without samples and with chunks behind",
      MadeFile.wav(data: [], after: MadeFile.chunk("LIST", [1, 2, 3, 4])), .noSampleFrames(promised: 0),
      "there are no sample frames (the header promises 0)"),
    Case(
      "WAV with half a sample frame", MadeFile.wav(data: [1]), .noSampleFrames(promised: 0),
      "there are no sample frames (the header promises 0)"),
    Case(
      "WAV cut off behind its header", Array(wav.prefix(44)), .noSampleFrames(promised: 100),
      "there are no sample frames (the header promises 100)"),
    Case(
      "AU to the end, which is here", MadeFile.au(size: 0xFFFF_FFFF, data: []), .noSampleFrames(promised: nil),
      "there are no sample frames"),
    Case(
      "FLAC cut off behind its header", MadeFile.flac(frames: 100), .noSampleFrames(promised: 100),
      "there are no sample frames (the header promises 100)"),
  ]

  @Test(arguments: cases)
  func contents(_ bad: Case) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("file.wav", bad.bytes)
    let error = try #require(try audioFileError { _ = try Recording(path) })
    #expect(error.problem == bad.problem)
    #expect(error.description == "\(path): \(bad.message)")
  }

  @Test("The greatest counts that headers can hold do not overflow", arguments: [0x02, 0x11, 0x31])
  func greatestCounts(tag: Int) throws {
    let folder = try TemporaryFolder()
    // Blocks of one byte that promise 65,535 sample frames each.
    let format = MadeFile.waveFormat(tag: tag, blockAlign: 1, bits: 4, extra: MadeFile.little(2, 2) + [0xFF, 0xFF])
    let path = try folder.write("file.w64", MadeFile.wave64(size: 1 << 60 - 1, format: format, data: Self.data))
    let error = try audioFileError {
      let recording = try Recording(path)
      #expect(recording.framesRead <= 65_535 * Self.data.count)
    }
    if let error { #expect(!error.description.contains { $0.isNewline }) }
  }

  @Test func missing() throws {
    let folder = try TemporaryFolder()
    let error = try audioFileError { _ = try AudioFileReader(path: folder["none.wav"]) }
    #expect(error == AudioFileError(name: folder["none.wav"], problem: .notFound))
    #expect(error?.description == "\(folder["none.wav"]): there is no such file")
    #expect(try audioFileError { _ = try AudioFileReader(path: "") }?.problem == .notFound)
  }

  @Test func folder() throws {
    let folder = try TemporaryFolder()
    let error = try audioFileError { _ = try AudioFileReader(path: folder.path) }
    #expect(error?.description == "\(folder.path): is a folder, not a file")
  }

  @Test func pathThroughAFile() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("file", [1]) + "/file.wav"
    let error = try audioFileError { _ = try AudioFileReader(path: path) }
    #expect(error?.description == "\(path): cannot open: Not a directory")
  }

  @Test func permission() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("file.wav", Self.wav)
    #expect(chmod(path, 0) == 0)
    await #expect(processExitsWith: .success) { [path = path as String] in
      // Root may read everything.
      if geteuid() == 0 { try #require(seteuid(65_534) == 0) }
      let error = try audioFileError { _ = try AudioFileReader(path: path) }
      #expect(error?.description == "\(path): permission denied")
    }
  }

  @Test func badDescriptor() throws {
    let error = try audioFileError { _ = try AudioFileReader(fileDescriptor: -1, name: "standard input") }
    #expect(error?.description == "standard input: cannot read: Bad file descriptor")
  }

  @Test("A name does not break the line")
  func oneLine() {
    let error = AudioFileError(name: "a\nb\r\u{1B}[31m\u{85}\u{2028}é.wav", problem: .empty)
    #expect(error.description == "a\\nb\\r\\u{1B}[31m\\u{0085}\\u{2028}é.wav: the file is empty (0 bytes)")
  }

  @Test(
    "A header of any length, cut anywhere, is an error or is read",
    arguments: ["wav", "w64", "rf64", "aiff", "au", "caf", "flac"])
  func everyCut(name: String) throws {
    let folder = try TemporaryFolder()
    try write((0..<2_000).map { Int16($0 * 13 % 999) }, to: folder["whole.\(name)"])
    let whole = try folder.bytes("whole.\(name)")
    for count in 0..<200 {
      let path = try folder.write("cut", Array(whole.prefix(count)))
      do {
        let recording = try Recording(path)
        #expect(recording.truncation?.promisedFrameCount == 2_000, "\(count) bytes")
      } catch let error as AudioFileError {
        #expect(!error.description.contains { $0.isNewline }, "\(count) bytes")
      }
    }
  }

  @Test(
    "No damage to a header crashes or hangs the reader",
    arguments: ["wav", "w64", "rf64", "aiff", "au", "caf", "flac"], [1, 2])
  func damage(name: String, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    try write((0..<400).map { Int16($0 * 13 % 999) }, to: folder["whole.\(name)"], encoding: .pcm16)
    let whole = try folder.bytes("whole.\(name)")
    for _ in 0..<150 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let value = [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random)!
        bytes[Int.random(in: 4..<min(120, bytes.count), using: &random)] = value
      }
      let path = try folder.write("damaged", bytes)
      let error = try audioFileError {
        let recording = try Recording(path)
        // A FLAC frame may be a run of one value and hold up to 65,535 sample frames.
        #expect(recording.framesRead <= (name == "flac" ? 65_535 : bytes.count))
      }
      if let error { #expect(!error.description.contains { $0.isNewline }, "seed \(seed)") }
    }
  }
}
