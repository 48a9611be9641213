import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// What reading and writing take does not grow with the file.
@Suite struct MemoryTests {
  /// A mono WAV file at 16 kHz that lasts so long, of zeros that take no room on the disk.
  static func sparse(_ path: String, seconds: Int) throws {
    let byteCount = seconds * 32_000
    let header = MadeFile.wav(data: [], dataSize: byteCount, riffSize: byteCount + 36)
    try Data(header).write(to: URL(fileURLWithPath: path))
    try #require(truncate(path, off_t(header.count + byteCount)) == 0)
  }

  /// Reads a whole file.
  static func read(_ path: String) throws -> Int {
    var reader = try AudioFileReader(path: path)
    var block = [Float](repeating: 0, count: 16_384)
    var span = block.mutableSpan
    while try reader.read(into: &span) > 0 {}
    return reader.framesRead
  }

  /// Writes a file of noise or of zeros.
  static func write(_ path: String, seconds: Int) throws {
    var random = SeededGenerator(seed: 700)
    let second = random.integers(16_000)
    let silence = [Int16](repeating: 0, count: 16_000)
    var writer = try AudioFileWriter(path: path, encoding: .pcm16, sampleRate: .hz16000)
    for i in 0..<seconds { try writer.write(i % 64 == 0 ? second.span : silence.span) }
    try writer.finish()
  }

  @Test("A file of 10 hours takes as much as one of 10 seconds")
  func tenHours() async throws {
    let folder = try TemporaryFolder()
    try Self.sparse(folder["short.wav"], seconds: 10)
    try Self.sparse(folder["long.wav"], seconds: 36_000)
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      let short = try MemoryTests.read("\(path)/short.wav")
      #expect(short == 10 * 16_000)
      let before = peakMemoryInBytes()
      let long = try MemoryTests.read("\(path)/long.wav")
      #expect(long == 36_000 * 16_000)
      let growth = peakMemoryInBytes() - before
      #expect(growth < 1 << 20)
      // What the measure is good for: four megabytes more are seen.
      let block = [UInt8](repeating: 1, count: 4 << 20)
      let seen = peakMemoryInBytes() - before
      #expect(seen > 3 << 20)
      #expect(block.last == 1)
    }
  }

  @Test("Long files are written and read in as much as short ones", arguments: ["flac", "wav", "caf"])
  func halfAnHour(name: String) async throws {
    let folder = try TemporaryFolder()
    await #expect(processExitsWith: .success) { [path = folder.path as String, name = name as String] in
      try MemoryTests.write("\(path)/short.\(name)", seconds: 10)
      _ = try MemoryTests.read("\(path)/short.\(name)")
      let before = peakMemoryInBytes()
      try MemoryTests.write("\(path)/long.\(name)", seconds: 1_800)
      let long = try MemoryTests.read("\(path)/long.\(name)")
      #expect(long == 1_800 * 16_000)
      let growth = peakMemoryInBytes() - before
      #expect(growth < 1 << 20)
    }
  }

  @Test("A pipe is not collected in memory")
  func pipe() async throws {
    let folder = try TemporaryFolder()
    try Self.sparse(folder["short.wav"], seconds: 10)
    try Self.sparse(folder["long.wav"], seconds: 1_800)
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      _ = try MemoryTests.read("\(path)/short.wav")
      let pipe = Pipe()
      let (descriptor, writing) = (pipe.fileHandleForReading.fileDescriptor, pipe.fileHandleForWriting.fileDescriptor)
      let bytes = open("\(path)/long.wav", O_RDONLY)
      try #require(bytes >= 0)
      let before = peakMemoryInBytes()
      let thread = Thread {
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: 1 << 16, alignment: 16)
        while case let count = Foundation.read(bytes, buffer, 1 << 16), count > 0 {
          guard Foundation.write(writing, buffer, count) == count else { break }
        }
        close(writing)
      }
      thread.start()
      var reader = try AudioFileReader(fileDescriptor: descriptor, name: "pipe")
      var block = [Float](repeating: 0, count: 16_384)
      var span = block.mutableSpan
      while try reader.read(into: &span) > 0 {}
      let count = reader.framesRead
      #expect(count == 1_800 * 16_000)
      let growth = peakMemoryInBytes() - before
      // The file has 58 MB.
      #expect(growth < 4 << 20)
    }
  }

  @Test("A block takes no allocation of ours", arguments: [AudioContainer.wav, .aiff, .caf, .w64, .flac])
  func blocks(container: AudioContainer) throws {
    try #require(AllocationCounter.isAvailable)
    var random = SeededGenerator(seed: 701)
    let folder = try TemporaryFolder()
    let samples = random.integers(200_000)
    let floats = random.samples(20_000)
    for encoding in AudioEncoding.allCases where container != .flac || encoding == .pcm16 {
      var writer = try AudioFileWriter(
        path: folder["file"], container: container, encoding: encoding, sampleRate: .hz16000)
      let written = try AllocationCounter.count { () throws(AudioFileError) in
        try writer.write(samples.span)
        try writer.write(floats.span)
      }
      #expect(written == 0, "\(encoding)")
      try writer.finish()

      var reader = try AudioFileReader(path: folder["file"])
      var block = [Float](repeating: 0, count: 4_096)
      let read = try AllocationCounter.count { () throws(AudioFileError) in
        var span = block.mutableSpan
        for _ in 0..<20 { _ = try reader.read(into: &span) }
      }
      #expect(read == 0, "\(encoding)")
    }
    #expect(AllocationCounter.countOnce { AllocationCounter.probe(.calloc) } == 1)
  }
}
