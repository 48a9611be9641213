import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// Ogg: what is missing is told, and a pipe is read as it comes.
@Suite struct OggTests {
  static let names = ["stereo-44k1.ogg", "mono-48k.opus"]

  /// Where the pages of an Ogg file begin, by RFC 3533, 6, and where the file ends.
  static func pageStarts(_ bytes: [UInt8]) -> [Int] {
    var starts = [0]
    while starts.last! < bytes.count {
      let start = starts.last!
      let segments = Int(bytes[start + 26])
      starts.append(start + 27 + segments + bytes[(start + 27)..<(start + 27 + segments)].reduce(0) { $0 + Int($1) })
    }
    return starts
  }

  /// The pages of an Ogg file.
  static func pages(_ name: String) throws -> [[UInt8]] {
    let bytes = try CompressedFileTests.testAudio(name)
    let starts = pageStarts(bytes)
    return zip(starts, starts.dropFirst()).map { Array(bytes[$0..<$1]) }
  }

  static func granule(_ page: [UInt8]) -> Int {
    (0..<8).reversed().reduce(0) { $0 << 8 | Int(page[6 + $1]) }
  }

  /// What is left of a byte, behind which are 32 zeros, on division by the polynomial of RFC 3533, 6; bit by bit.
  private static let remainders: [UInt32] = (0..<256).map { byte in
    var rest = UInt64(byte) << 32
    for bit in (32..<40).reversed() where rest >> UInt64(bit) & 1 == 1 { rest ^= 0x1_04C1_1DB7 << UInt64(bit - 32) }
    return UInt32(rest)
  }

  /// A page with changed fields and a checksum that is right again.
  static func page(
    _ page: [UInt8], serial: UInt32? = nil, sequence: UInt32? = nil, flags: UInt8? = nil,
    granule: Int? = nil
  ) -> [UInt8] {
    var page = page
    if let granule { page.replaceSubrange(6..<14, with: MadeFile.little(UInt64(granule), 8)) }
    if let serial { page.replaceSubrange(14..<18, with: MadeFile.little(UInt64(serial), 4)) }
    if let sequence { page.replaceSubrange(18..<22, with: MadeFile.little(UInt64(sequence), 4)) }
    if let flags { page[5] = flags }
    page.replaceSubrange(22..<26, with: [0, 0, 0, 0])
    var sum: UInt32 = 0
    for byte in page { sum = sum << 8 ^ remainders[Int(sum >> 24) ^ Int(byte)] }
    page.replaceSubrange(22..<26, with: MadeFile.little(UInt64(sum), 4))
    return page
  }

  static func withSerial(_ name: String, _ serial: UInt32) throws -> [UInt8] {
    try pages(name).flatMap { page($0, serial: serial) }
  }

  /// A file's recording and a pipe's, which have to be the same.
  private func both(_ bytes: [UInt8], pieces: [Int] = [1_000]) throws -> Recording {
    let folder = try TemporaryFolder()
    let file = try Recording(folder.write("file", bytes), blockSizes: [3_000])
    let pipe = LivePipe()
    pipe.feed(bytes, pieces: pieces)
    var reader = try pipe.reader()
    let isLive = reader.isLive
    #expect(isLive)
    let live = try Recording(&reader)
    #expect(firstBitDifference(live.samples, file.samples) == nil)
    #expect(live.damage == file.damage)
    #expect(live.promisedFrameCount == nil)
    return file
  }

  @Test("Whole, the same as from a file in any cuts", arguments: names)
  func cuts(name: String) throws {
    let seed: UInt64 = 910
    var random = SeededGenerator(seed: seed)
    let bytes = try CompressedFileTests.testAudio(name)
    for pieces in [[1], [.max], (0..<100).map { _ in Int.random(in: 1...9_000, using: &random) }] {
      let whole = try both(bytes, pieces: pieces)
      #expect(whole.damage.isEmpty)
      #expect(whole.promisedFrameCount == whole.framesRead)
    }
  }

  @Test("What a page holds is given out before the next page comes", arguments: names)
  func latency(name: String) throws {
    let pages = try Self.pages(name)
    let whole = try Recording(TestAudioTests.folder.appendingPathComponent(name).path)
    let preSkip = name.hasSuffix("opus") ? Int(pages[0][38]) | Int(pages[0][39]) << 8 : 0
    let pipe = LivePipe(endingAfterSeconds: 60)
    let first = try #require(pages.firstIndex { Self.granule($0) > 0 && Self.granule($0) < 1 << 62 })
    pipe.send(pages[...first].joined())
    // Nobody writes while the reader reads: a reader that waited for more would wait for ever.
    var reader = try pipe.reader()
    var samples: [Float] = []
    for (i, page) in pages.enumerated() where i >= first {
      if i > first { pipe.send(page) }
      let due = (Self.granule(page) - preSkip) * whole.channelCount
      while samples.count < due { samples += try reader.block(of: 4_096 * whole.channelCount) }
      #expect(samples.count == due)
    }
    try pipe.end()
    while case let block = try reader.block(of: 4_096 * whole.channelCount), !block.isEmpty { samples += block }
    #expect(firstBitDifference(samples, whole.samples) == nil)
    let damage = reader.damage
    #expect(damage.isEmpty)
  }

  @Test("Cut between pages, or anywhere", arguments: names)
  func truncation(name: String) throws {
    let seed: UInt64 = 911
    var random = SeededGenerator(seed: seed)
    let bytes = try CompressedFileTests.testAudio(name)
    let starts = Self.pageStarts(bytes)
    let whole = try Recording(TestAudioTests.folder.appendingPathComponent(name).path)
    for start in starts.dropFirst(4).dropLast() {
      let cut = try both(Array(bytes[..<start]))
      #expect(
        cut.damage
          == [.truncation(Truncation(promisedFrameCount: nil, frameCount: cut.framesRead, sign: .noEndMark))])
      #expect(firstBitDifference(cut.samples, Array(whole.samples.prefix(cut.samples.count))) == nil)
    }
    for _ in 0..<10 {
      let count = Int.random(in: starts[4] + 4..<bytes.count, using: &random)
      let cut = try both(Array(bytes[..<count]))
      guard !starts.contains(count) else { continue }
      #expect(
        cut.truncation == Truncation(promisedFrameCount: nil, frameCount: cut.framesRead),
        "\(count) bytes, seed \(seed)")
    }
  }

  @Test("Missing pages are told", arguments: names)
  func missingPages(name: String) throws {
    let pages = try Self.pages(name)
    let lost = pages.count / 2
    let whole = try Recording(TestAudioTests.folder.appendingPathComponent(name).path)
    let recording = try both(pages.enumerated().filter { $0.offset != lost }.flatMap(\.element))
    #expect(recording.framesRead < whole.framesRead)
    guard case .missingPages(1, 1, let frame) = recording.damage.first else {
      Issue.record("\(recording.damage)")
      return
    }
    #expect(recording.damage.count == 1)
    #expect(frame <= Self.granule(pages[lost - 1]))
    // A page whose checksum is wrong is as good as missing.
    var bytes = Array(pages.joined())
    bytes[Self.pageStarts(bytes)[lost] + 100] ^= 1
    let damaged = try both(bytes)
    #expect(damaged.damage == recording.damage)
    #expect(firstBitDifference(damaged.samples, recording.samples) == nil)
  }

  @Test("A chain is read to its end", arguments: names)
  func chain(name: String) throws {
    let bytes = try CompressedFileTests.testAudio(name)
    let whole = try Recording(TestAudioTests.folder.appendingPathComponent(name).path)
    let chain = try both(bytes + Self.withSerial(name, 77) + Self.withSerial(name, 78))
    #expect(chain.damage.isEmpty)
    #expect(firstBitDifference(chain.samples, whole.samples + whole.samples + whole.samples) == nil)
    // A radio station's source may break off and begin again.
    let starts = Self.pageStarts(bytes)
    let broken = try both(Array(bytes[..<starts[starts.count - 2]]) + Self.withSerial(name, 77))
    #expect(broken.damage == [.unendedStreams(count: 1, sampleFrame: broken.framesRead - whole.framesRead)])
    #expect(firstBitDifference(Array(broken.samples.suffix(whole.samples.count)), whole.samples) == nil)
    let cut = try both(bytes + Self.withSerial(name, 77).dropLast(10))
    #expect(cut.truncation?.frameCount == cut.framesRead)
  }

  @Test("A chain whose rate or channels change is an error that names the place")
  func changingChain() throws {
    let bytes = try CompressedFileTests.testAudio("mono-48k.opus")
    let whole = try Recording(TestAudioTests.folder.appendingPathComponent("mono-48k.opus").path)
    let other = try CompressedFileTests.testAudio("stereo-44k1.ogg")
    let pipe = LivePipe()
    pipe.feed(bytes + other, pieces: [700])
    var reader = try pipe.reader()
    var count = 0
    let error = try audioFileError {
      while case let block = try reader.block(of: 1_000), !block.isEmpty { count += block.count }
    }
    #expect(count == whole.framesRead)
    guard case .decodingFailed(count, let reason) = error?.problem else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.hasSuffix("it has 44100 Hz and 2 channels, not 48000 Hz and 1"))
  }

  @Test("Other streams beside the one of audio do not matter", arguments: names)
  func multiplexed(name: String) throws {
    let pages = try Self.pages(name)
    let whole = try Recording(TestAudioTests.folder.appendingPathComponent(name).path)
    // A Skeleton, which begins first and ends before there is audio, and something that goes on throughout.
    func foreign(_ packet: [UInt8], serial: UInt32, sequence: UInt32, flags: UInt8) -> [UInt8] {
      let page =
        Array("OggS".utf8) + [0, flags] + MadeFile.little(UInt64(sequence), 8) + [UInt8](repeating: 0, count: 12)
        + [1, UInt8(packet.count)] + packet
      return Self.page(page, serial: serial, sequence: sequence)
    }
    let skeleton = foreign(Array("fishead\0".utf8) + [UInt8](repeating: 0, count: 56), serial: 5, sequence: 0, flags: 2)
    let picture = foreign([0x80] + Array("theora".utf8) + [3, 2, 1], serial: 6, sequence: 0, flags: 2)
    var bytes = skeleton + pages[0] + picture
    for (i, page) in pages.enumerated().dropFirst() {
      bytes += page
      if i == 1 { bytes += foreign([], serial: 5, sequence: 1, flags: 4) }
      bytes += foreign(Array("OggS vorbis".utf8), serial: 6, sequence: UInt32(i), flags: 0)
    }
    let recording = try both(bytes)
    #expect(recording.damage.isEmpty)
    #expect(recording.promisedFrameCount == whole.framesRead)
    #expect(firstBitDifference(recording.samples, whole.samples) == nil)
  }

  @Test("An Ogg stream without an end takes no more memory the longer it is")
  func memory() async throws {
    await #expect(processExitsWith: .success) {
      let pages = try OggTests.pages("mono-48k.opus")
      let pipe = Pipe()
      let thread = Thread {
        let writing = pipe.fileHandleForWriting
        for page in pages[..<2] { writing.write(Data(page)) }
        // The same seconds again and again, numbered on.
        for i in 2..<300 {
          let page = OggTests.page(pages[2 + i % 4], sequence: UInt32(i), flags: 0, granule: 48_000 * (i - 1))
          writing.write(Data(page))
        }
        try? writing.close()
      }
      thread.start()
      var reader = try AudioFileReader(fileDescriptor: pipe.fileHandleForReading.fileDescriptor, name: "pipe")
      for _ in 0..<50 { _ = try reader.block(of: 4_096) }
      let before = peakMemoryInBytes()
      while try !reader.block(of: 4_096).isEmpty {}
      let count = reader.framesRead
      #expect(count > 290 * 48_000)
      let growth = peakMemoryInBytes() - before
      #expect(growth < 1 << 20)
    }
  }
}
