import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// Standard input and output: descriptors of pipes and of files, at any position.
@Suite struct DescriptorTests {
  /// The two ends of a pipe.
  private func pipe() throws -> (reading: FileHandle, writing: FileHandle) {
    let pipe = Pipe()
    return (pipe.fileHandleForReading, pipe.fileHandleForWriting)
  }

  /// A file, opened, at a position.
  private func open(_ path: String, _ flags: Int32, at position: Int = 0) throws -> FileHandle {
    let descriptor = Foundation.open(path, flags | O_CLOEXEC, 0o644)
    try #require(descriptor >= 0)
    try #require(lseek(descriptor, off_t(position), SEEK_SET) == position)
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  static let formats: [(AudioContainer, AudioEncoding)] = [
    (.wav, .pcm16), (.wav, .float32), (.flac, .pcm16), (.aiff, .pcm24), (.caf, .aLaw), (.rf64, .pcm16),
  ]

  @Test("A pipe is read to its end and then like a file", arguments: formats)
  func readingAPipe(format: (AudioContainer, AudioEncoding)) throws {
    var random = SeededGenerator(seed: 400)
    let folder = try TemporaryFolder()
    try write(random.integers(100_000), to: folder["file"], container: format.0, encoding: format.1)
    let (reading, writing) = try pipe()
    let bytes = Data(try folder.bytes("file"))
    // More than a pipe holds, so that the writer has to wait for the reader.
    let thread = Thread {
      for start in stride(from: 0, to: bytes.count, by: 9_999) {
        writing.write(bytes[start..<min(start + 9_999, bytes.count)])
      }
      try? writing.close()
    }
    thread.start()
    var reader = try AudioFileReader(fileDescriptor: reading.fileDescriptor, name: "standard input")
    let recording = try Recording(&reader)
    #expect(reader.name == "standard input")
    #expect(recording.promisedFrameCount == 100_000)
    #expect(try recording.samples == Recording(folder["file"]).samples)
  }

  @Test("An empty pipe, and one with text")
  func badPipes() throws {
    for (text, problem) in [
      ("", "the file is empty (0 bytes)"), ("no audio", "not audio in a format that can be read"),
    ] {
      let (reading, writing) = try pipe()
      writing.write(Data(text.utf8))
      try writing.close()
      let error = try audioFileError {
        _ = try AudioFileReader(fileDescriptor: reading.fileDescriptor, name: "standard input")
      }
      #expect(error?.description == "standard input: \(problem)")
    }
  }

  @Test("A named pipe is a path like any other")
  func namedPipe() throws {
    let folder = try TemporaryFolder()
    try write([1, 2, 3] as [Int16], to: folder["file.wav"])
    try #require(mkfifo(folder["pipe"], 0o600) == 0)
    let (bytes, path) = (Data(try folder.bytes("file.wav")), folder["pipe"])
    let thread = Thread {
      let writing = FileHandle(forWritingAtPath: path)
      writing?.write(bytes)
      try? writing?.close()
    }
    thread.start()
    #expect(try Recording(path).samples == [1, 2, 3].map { $0 / 32768 })
  }

  @Test("A file is read from its descriptor's position on, which stays where it is")
  func readingAFile() throws {
    let folder = try TemporaryFolder()
    let samples = (0..<5_000).map { Int16($0) }
    for name in ["a.wav", "a.flac", "a.caf"] {
      try write(samples, to: folder[name])
      let path = try folder.write("behind", Array("something in front".utf8) + folder.bytes(name))
      let handle = try open(path, O_RDONLY, at: 18)
      var reader = try AudioFileReader(fileDescriptor: handle.fileDescriptor, name: name)
      #expect(try Recording(&reader).samples == samples.map { Float($0) / 32768 })
      #expect(try handle.offset() == 18)
    }
  }

  @Test("A descriptor may be closed while its file is read")
  func closed() throws {
    let folder = try TemporaryFolder()
    try write((0..<50_000).map { Int16(truncatingIfNeeded: $0) }, to: folder["a.wav"])
    let handle = try open(folder["a.wav"], O_RDONLY)
    var reader = try AudioFileReader(fileDescriptor: handle.fileDescriptor, name: "a")
    try handle.close()
    #expect(try Recording(&reader).framesRead == 50_000)
  }

  @Test("A file that shrinks while it is read is cut off")
  func shrinking() throws {
    let folder = try TemporaryFolder()
    try write((0..<50_000).map { Int16(truncatingIfNeeded: $0) }, to: folder["a.wav"])
    var reader = try AudioFileReader(path: folder["a.wav"])
    _ = try reader.block(of: 100)
    try #require(truncate(folder["a.wav"], 44 + 20_000) == 0)
    while try !reader.block(of: 4_096).isEmpty {}
    #expect(reader.truncation == Truncation(promisedFrameCount: 50_000, frameCount: 10_000))
  }

  private func file(_ format: (AudioContainer, AudioEncoding), _ samples: [Int16]) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    try write(samples, to: folder["expected"], container: format.0, encoding: format.1)
    return try folder.bytes("expected")
  }

  private func send(
    _ samples: [Int16], to descriptor: Int32, _ format: (AudioContainer, AudioEncoding)
  ) throws {
    var writer = try AudioFileWriter(
      fileDescriptor: descriptor, name: "standard output", container: format.0, encoding: format.1,
      sampleRate: .hz16000)
    try writer.write(samples.span)
    try writer.finish()
  }

  @Test(
    "A pipe gets the same bytes as a file, also where somebody else made it non-blocking",
    arguments: formats + [(.raw, .pcm16)], [0, O_NONBLOCK])
  func writingToAPipe(format: (AudioContainer, AudioEncoding), flags: Int32) throws {
    var random = SeededGenerator(seed: 401)
    // Many times what a pipe holds.
    let samples = random.integers(400_001)
    let (reading, writing) = try pipe()
    try #require(fcntl(writing.fileDescriptor, F_SETFL, flags) == 0)
    let expected = try file(format, samples)
    let descriptor = writing.fileDescriptor
    let thread = Thread {
      try? DescriptorTests().send(samples, to: descriptor, format)
      try? writing.close()
    }
    thread.start()
    #expect(try [UInt8](reading.readToEnd() ?? Data()) == expected)
  }

  @Test("Raw samples go to a pipe at once")
  func streaming() throws {
    let (reading, writing) = try pipe()
    var writer = try AudioFileWriter(
      fileDescriptor: writing.fileDescriptor, name: "standard output", container: .raw, encoding: .pcm16,
      sampleRate: .hz16000)
    let samples: [Int16] = [0x0102, 0x0304]
    try writer.write(samples.span)
    #expect(reading.availableData == Data([2, 1, 4, 3]))
    try writer.finish()
  }

  @Test("A file is written from its descriptor's position on, which is then behind it", arguments: formats)
  func writingToAFile(format: (AudioContainer, AudioEncoding)) throws {
    let folder = try TemporaryFolder()
    let samples = (0..<5_001).map { Int16($0) }
    let path = try folder.write("file", Array("in front".utf8))
    let handle = try open(path, O_RDWR, at: 8)
    try send(samples, to: handle.fileDescriptor, format)
    try send(Array(samples.prefix(77)), to: handle.fileDescriptor, format)
    try handle.write(contentsOf: Data("behind".utf8))
    let expected = try file(format, samples) + file(format, Array(samples.prefix(77)))
    #expect(try folder.bytes("file") == Array("in front".utf8) + expected + Array("behind".utf8))
  }

  @Test("A file that is appended to gets all at its end", arguments: formats)
  func appending(format: (AudioContainer, AudioEncoding)) throws {
    let folder = try TemporaryFolder()
    let samples = (0..<5_001).map { Int16($0) }
    let path = try folder.write("file", Array("in front".utf8))
    let handle = try open(path, O_WRONLY | O_APPEND)
    try send(samples, to: handle.fileDescriptor, format)
    #expect(try folder.bytes("file") == Array("in front".utf8) + file(format, samples))
  }

  @Test("A device is written directly, and gets WAV when it has no extension")
  func device() throws {
    try write([1, 2, 3] as [Int16], to: "/dev/null")
    var status = stat()
    #expect(stat("/dev/null", &status) == 0)
    #expect(status.st_mode & S_IFMT == S_IFCHR)
    let folder = try TemporaryFolder()
    try #require(mkfifo(folder["pipe"], 0o600) == 0)
    let path = folder["pipe"]
    let thread = Thread { try? write([1, 2, 3] as [Int16], to: path) }
    thread.start()
    let bytes = try [UInt8](#require(FileHandle(forReadingAtPath: path)).readToEnd() ?? Data())
    #expect(try bytes == file((.wav, .pcm16), [1, 2, 3]))
    #expect(try folder.contents == ["pipe"])
  }
}
