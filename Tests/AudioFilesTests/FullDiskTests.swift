import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// Whatever cannot be written is an error, and leaves nothing behind.
@Suite struct FullDiskTests {
  static let samples = [Int16](repeating: 12_345, count: 100_000)
  static let full = "cannot write: No space left on device"

  @Test("A full device", arguments: AudioContainer.allCases)
  func fullDevice(container: AudioContainer) throws {
    let error = try audioFileError {
      try write(Self.samples, to: "/dev/full", container: container)
    }
    #expect(error?.description == "/dev/full: \(Self.full)")
  }

  @Test("A full device behind a descriptor", arguments: [AudioContainer.wav, .flac, .raw])
  func fullDescriptor(container: AudioContainer) throws {
    let handle = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    let error = try audioFileError {
      var writer = try AudioFileWriter(
        fileDescriptor: handle.fileDescriptor, name: "standard output", container: container, encoding: .pcm16,
        sampleRate: .hz16000)
      try writer.write(Self.samples.span)
      try writer.finish()
    }
    #expect(error?.description == "standard output: \(Self.full)")
  }

  @Test("A reader that goes away", arguments: [AudioContainer.wav, .raw])
  func brokenPipe(container: AudioContainer) async throws {
    await #expect(processExitsWith: .success) { [name = container.rawValue as String] in
      signal(SIGPIPE, SIG_IGN)
      let pipe = Pipe()
      try pipe.fileHandleForReading.close()
      let error = try audioFileError {
        var writer = try AudioFileWriter(
          fileDescriptor: pipe.fileHandleForWriting.fileDescriptor, name: "standard output",
          container: #require(AudioContainer(rawValue: name)), encoding: .pcm16, sampleRate: .hz16000)
        try writer.write(FullDiskTests.samples.span)
        try writer.finish()
      }
      #expect(error?.problem == .system(.write, errorNumber: EPIPE))
    }
  }

  // A limit on the length of files is as good as a full disk, and needs no disk of its own. Where the limit falls
  // decides who notices: a write in the middle, the encoder's last block, or the header.
  @Test("A file that may not grow", arguments: ["wav", "flac", "aiff", "rf64", "raw"], [20, 50_000, 199_990])
  func sizeLimit(name: String, limit: Int) async throws {
    let folder = try TemporaryFolder()
    let old = try folder.write("out.\(name)", Array("the old content".utf8))
    await #expect(processExitsWith: .success) { [path = old as String, limit = limit as Int] in
      signal(SIGXFSZ, SIG_IGN)
      var limits = rlimit(rlim_cur: rlim_t(limit), rlim_max: rlim_t(limit))
      try #require(setrlimit(fileSizeLimit, &limits) == 0)
      var random = SeededGenerator(seed: 500)
      let samples = random.integers(100_000)
      // Written in one go and piece by piece.
      for size in [100_000, 1_000] {
        let error = try audioFileError {
          var writer = try AudioFileWriter(path: path, encoding: .pcm16, sampleRate: .hz16000)
          for start in stride(from: 0, to: samples.count, by: size) {
            try writer.write(samples.span.extracting(start..<start + size))
          }
          try writer.finish()
        }
        #expect(error?.description == "\(path): cannot write: File too large")
      }
    }
    #expect(try folder.contents == ["out.\(name)"])
    #expect(try folder.bytes("out.\(name)") == Array("the old content".utf8))
  }

  @Test("A write that failed fails the file, whatever is written after it")
  func failureStays() throws {
    let handle = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    var writer = try AudioFileWriter(
      fileDescriptor: handle.fileDescriptor, name: "output", container: .raw, encoding: .pcm16, sampleRate: .hz16000)
    let error = AudioFileError(name: "output", problem: .system(.write, errorNumber: ENOSPC))
    #expect(throws: error) { try writer.write(Self.samples.span) }
    #expect(throws: error) { try writer.write(Self.samples.span) }
    #expect(writer.framesWritten == 0)
    do {
      try writer.finish()
      Issue.record("no error")
    } catch let last {
      #expect(last == error)
    }
  }

  @Test("No more samples than the size fields can count")
  func tooLong() throws {
    let folder = try TemporaryFolder()
    let samples = [Int16](repeating: 1, count: 3_000)
    let error = try audioFileError {
      // 4 GiB would be much to write.
      var writer = try AudioFileWriter(
        path: folder["a.wav"], container: nil, encoding: .pcm16, sampleRate: .hz16000, channelCount: 2,
        sizeLimit: 10_000)
      try writer.write(samples.span)
      try writer.write(samples.span.extracting(first: 2_000))
      #expect(writer.framesWritten == 2_500)
      try writer.write(samples.span.extracting(first: 2))
    }
    #expect(
      error?.description
        == "\(folder["a.wav"]): more than 10000 bytes of samples, which WAV cannot hold (w64, rf64 and caf can)")
    #expect(try folder.contents.isEmpty)
    do {
      var writer = try AudioFileWriter(
        path: folder["a.wav"], container: nil, encoding: .pcm16, sampleRate: .hz16000, channelCount: 1,
        sizeLimit: 10)
      #expect(throws: AudioFileError.self) { try writer.write(samples.span) }
      // What would have room does not get in after what had none.
      #expect(throws: AudioFileError.self) { try writer.write(samples.span.extracting(first: 1)) }
      do {
        try writer.finish()
        Issue.record("no error")
      } catch let error {
        #expect(error.problem == .tooLong(container: .wav, limitInBytes: 10))
      }
      #expect(try folder.contents.isEmpty)
    }
    for container in AudioContainer.allCases {
      let limit = container.dataSizeLimit
      #expect([.wav, .aiff, .au].contains(container) ? limit < 0xFFFF_FFFF - 8 - 1_024 : limit == .max)
    }
  }
}

#if canImport(Glibc)
  private let fileSizeLimit = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
#else
  private let fileSizeLimit = RLIMIT_FSIZE
#endif
