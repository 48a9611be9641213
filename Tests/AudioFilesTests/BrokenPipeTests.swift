import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// Streams that break, and streams of wrong bytes.
@Suite struct BrokenPipeTests {
  /// A socket that gives bytes and then an error: its other end was closed with something unread in it.
  private func broken(_ bytes: some Collection<UInt8>) throws -> FileHandle {
    var ends: [Int32] = [0, 0]
    #if os(Linux)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
    let (reading, writing) = (
      FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
      FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
    )
    reading.write(Data([0]))
    writing.write(Data(bytes))
    try writing.close()
    return reading
  }

  @Test("An error in the middle is told behind what came before", arguments: ["clean-mono-16k.wav", "mono-48k.opus"])
  func midway(name: String) throws {
    #if os(Linux)
      let bytes = try CompressedFileTests.testAudio(name)
      let whole = try Recording(TestAudioTests.folder.appendingPathComponent(name).path)
      let handle = try broken(bytes[..<20_000])
      var reader = try AudioFileReader(fileDescriptor: handle.fileDescriptor, name: "socket")
      var samples: [Float] = []
      let error = try audioFileError {
        while case let block = try reader.block(of: 1_000), !block.isEmpty { samples += block }
      }
      #expect(error?.problem == .system(.read, errorNumber: ECONNRESET))
      #expect(error?.description == "socket: cannot read: Connection reset by peer")
      #expect(samples.count >= (name.hasSuffix("wav") ? (20_000 - 100) / 2 : 47_040 - 312))
      #expect(firstBitDifference(samples, Array(whole.samples.prefix(samples.count))) == nil)
      #expect(throws: try #require(error)) { try reader.block(of: 1_000) }
    #endif
  }

  @Test("An error in the header is told", arguments: ["clean-mono-16k.wav", "mono-48k.opus"], [0, 20, 500])
  func header(name: String, count: Int) throws {
    #if os(Linux)
      let bytes = try CompressedFileTests.testAudio(name)
      let handle = try broken(bytes[..<(name.hasSuffix("wav") ? min(count, 30) : count)])
      let error = try audioFileError {
        _ = try AudioFileReader(fileDescriptor: handle.fileDescriptor, name: "socket")
      }
      #expect(error?.problem == .system(.read, errorNumber: ECONNRESET))
    #endif
  }

  @Test(
    "Wrong bytes crash nobody, and what is read of a pipe is what is read of a file",
    arguments: ["wav", "w64", "rf64", "aiff", "au", "caf", "ogg", "opus"], [1, 2] as [UInt64])
  func fuzzed(name: String, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    let whole: [UInt8]
    var starts: [Int] = []
    if ["ogg", "opus"].contains(name) {
      let pages = try OggTests.pages(name == "ogg" ? "stereo-44k1.ogg" : "mono-48k.opus").prefix(5)
      whole = Array(pages.joined())
      starts = OggTests.pageStarts(whole)
    } else {
      try write((0..<400).map { Int16($0 * 13 % 999) }, to: folder["whole.\(name)"], encoding: .pcm16)
      whole = try folder.bytes("whole.\(name)")
    }
    for round in 0..<40 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let value = [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random)!
        var place = Int.random(in: 4..<min(120, bytes.count), using: &random)
        // Of an Ogg file, a page's first 60 bytes.
        if !starts.isEmpty {
          place = min(bytes.count - 1, starts.randomElement(using: &random)! + Int.random(in: 0..<60, using: &random))
        }
        bytes[place] = value
      }
      if !starts.isEmpty, round % 4 != 0 {
        // With checksums that are right, so that the decoders see it.
        bytes = zip(starts, starts.dropFirst()).flatMap { OggTests.page(Array(bytes[$0..<$1])) }
      }
      let path = try folder.write("file", bytes)
      let file = try? Recording(path)
      let pipe = try? LivePipe.recording(bytes, pieces: [997])
      if let file, let pipe {
        #expect(firstBitDifference(pipe.samples, file.samples) == nil, "round \(round), seed \(seed)")
      }
    }
  }
}
