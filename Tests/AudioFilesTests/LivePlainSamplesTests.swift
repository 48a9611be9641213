import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// Plain samples in a pipe are read as they come.
@Suite struct LivePlainSamplesTests {
  @Test("In any cuts, the same as from a file", arguments: TruncationTests.plain)
  func cuts(format: TruncationTests.Format) throws {
    let seed: UInt64 = 900
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    let frameCount = 20_001
    try write(
      random.integers(frameCount * format.channelCount), to: folder["file"], container: format.container,
      encoding: format.encoding, channelCount: format.channelCount)
    let bytes = try folder.bytes("file")
    let file = try Recording(folder["file"])
    for largest in [3, 500, 70_000] {
      let pieces = (0..<200).map { _ in Int.random(in: 1...largest, using: &random) }
      let pipe = LivePipe()
      pipe.feed(bytes, pieces: pieces)
      var reader = try pipe.reader()
      let isLive = reader.isLive
      #expect(isLive)
      let recording = try Recording(&reader, blockSizes: [1, 77, 4_096])
      #expect(recording.promisedFrameCount == frameCount)
      #expect(recording.frameCount == nil)
      #expect(recording.damage.isEmpty)
      #expect(firstBitDifference(recording.samples, file.samples) == nil, "pieces up to \(largest), seed \(seed)")
    }
  }

  @Test("One byte at a time", arguments: TruncationTests.plain)
  func bytewise(format: TruncationTests.Format) throws {
    var random = SeededGenerator(seed: 901)
    let folder = try TemporaryFolder()
    try write(
      random.integers(501 * format.channelCount), to: folder["file"], container: format.container,
      encoding: format.encoding, channelCount: format.channelCount)
    let recording = try LivePipe.recording(folder.bytes("file"), pieces: [1])
    #expect(try firstBitDifference(recording.samples, Recording(folder["file"]).samples) == nil)
    #expect(recording.damage.isEmpty)
  }

  @Test("What has come is given out before more comes", arguments: TruncationTests.plain)
  func latency(format: TruncationTests.Format) throws {
    var random = SeededGenerator(seed: 902)
    let folder = try TemporaryFolder()
    try write(
      random.integers(3_000 * format.channelCount), to: folder["file"], container: format.container,
      encoding: format.encoding, channelCount: format.channelCount)
    let bytes = try folder.bytes("file")
    let file = try Recording(folder["file"]).samples
    let isPadded = [.wav, .aiff, .rf64].contains(format.container) && 3_000 * format.frameSize % 2 == 1
    let dataStart = bytes.count - 3_000 * format.frameSize - (isPadded ? 1 : 0)
    let pipe = LivePipe(endingAfterSeconds: 60)
    // Nobody writes while the reader reads: a reader that waited for more would wait for ever.
    pipe.send(bytes[..<(dataStart + 10 * format.frameSize + format.frameSize / 2)])
    var reader = try pipe.reader()
    var samples = try reader.block(of: 4_096 * format.channelCount)
    #expect(samples.count == 10 * format.channelCount)
    // All that has come, though it came in pieces.
    let next = dataStart + 10 * format.frameSize + format.frameSize / 2
    pipe.send(bytes[next..<next + 700])
    pipe.send(bytes[next + 700..<next + 901])
    let block = try reader.block(of: 4_096 * format.channelCount)
    #expect(block.count == (format.frameSize / 2 + 901) / format.frameSize * format.channelCount)
    samples += block
    pipe.send(bytes[(next + 901)...])
    try pipe.end()
    while case let block = try reader.block(of: 4_096 * format.channelCount), !block.isEmpty { samples += block }
    #expect(firstBitDifference(samples, file) == nil)
  }

  @Test("Fields of a header that lie across the end of what is kept in memory", arguments: [1 << 16, 1 << 17])
  func fieldsAcrossTheLimit(limit: Int) throws {
    let data = MadeFile.samples((0..<100).map { Int16($0) })
    for place in stride(from: limit - 24, through: limit + 2, by: 2) {
      // Behind 12 bytes of RIFF and the 8 of the list's own head.
      let list = MadeFile.chunk("LIST", [UInt8](repeating: 1, count: place - 20))
      let content =
        MadeFile.mark("WAVE") + list + MadeFile.chunk("fmt ", MadeFile.waveFormat()) + MadeFile.chunk("data", data)
      let bytes = MadeFile.mark("RIFF") + MadeFile.little(UInt64(content.count), 4) + content
      let recording = try LivePipe.recording(bytes)
      #expect(recording.framesRead == 100, "fmt chunk at \(place)")
    }
  }

  @Test("Blocks are handed on at once")
  func blocks() throws {
    let pipe = LivePipe(endingAfterSeconds: 60)
    let bytes = MadeFile.wav(data: MadeFile.samples((0..<100).map { Int16($0) }))
    pipe.send(bytes[..<(44 + 60)])
    var reader = try pipe.reader()
    var counts: [Int] = []
    try reader.forEachBlock { block in
      counts.append(block.count)
      // The rest comes only once this block is here.
      if counts == [30] {
        pipe.send(bytes[(44 + 60)...])
        try pipe.end()
      }
    }
    #expect(counts == [30, 70])
  }

  @Test("A promised size and a placeholder", arguments: TruncationTests.toTheEndFiles)
  func placeholders(_ file: TruncationTests.Unknown) throws {
    let recording = try LivePipe.recording(file.bytes, pieces: [7])
    #expect(recording.promisedFrameCount == nil)
    #expect(recording.damage.isEmpty)
    #expect(recording.samples == TruncationTests.ramp.map { Float($0) / 32768 })
  }

  @Test("What follows the samples is not read, and its writer can write it", arguments: TruncationTests.followedFiles)
  func whatFollows(_ file: TruncationTests.Unknown) throws {
    let recording = try LivePipe.recording(file.bytes, pieces: [11])
    #expect(recording.promisedFrameCount == TruncationTests.ramp.count)
    #expect(recording.damage.isEmpty)
    #expect(recording.samples == TruncationTests.ramp.map { Float($0) / 32768 })
  }

  @Test("A long tail is read away")
  func tail() throws {
    let pipe = Pipe()
    let bytes = Data(
      MadeFile.wav(
        data: MadeFile.samples([1, 2, 3]), after: MadeFile.chunk("LIST", [UInt8](repeating: 7, count: 1 << 20))))
    let thread = Thread {
      pipe.fileHandleForWriting.write(bytes)
      try? pipe.fileHandleForWriting.close()
    }
    thread.start()
    var reader = try AudioFileReader(fileDescriptor: pipe.fileHandleForReading.fileDescriptor, name: "pipe")
    #expect(try Recording(&reader).samples == [1, 2, 3].map { $0 / 32768 })
    #expect(try pipe.fileHandleForReading.readToEnd() ?? Data() == Data())
  }

  @Test("Only an AIFF file whose samples come before their description is copied first")
  func soundFirst() throws {
    var random = SeededGenerator(seed: 905)
    let samples = random.integers(100_000)
    for isSoundFirst in [false, true] {
      let pipe = LivePipe()
      let data = MadeFile.samples(samples, isBigEndian: true)
      pipe.feed(MadeFile.aiff(commonFrames: 100_000, data: data, isSoundFirst: isSoundFirst), pieces: [5_000])
      var reader = try pipe.reader()
      let isLive = reader.isLive
      #expect(isLive == !isSoundFirst)
      #expect(try Recording(&reader).samples == samples.map { Float($0) / 32768 })
    }
  }

  @Test("Cut off at ten places, as file and as pipe", arguments: TruncationTests.plain)
  func truncation(format: TruncationTests.Format) throws {
    let seed: UInt64 = 903
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    try write(
      random.integers(400 * format.channelCount), to: folder["file"], container: format.container,
      encoding: format.encoding, channelCount: format.channelCount)
    let bytes = try folder.bytes("file")
    let dataStart = bytes.count - 400 * format.frameSize - 1
    for _ in 0..<10 {
      let cut = Int.random(in: dataStart + format.frameSize + 1..<bytes.count - 1, using: &random)
      let file = try Recording(folder.write("cut", Array(bytes[..<cut])))
      let pipe = try LivePipe.recording(Array(bytes[..<cut]), pieces: [13])
      #expect(pipe.truncation == Truncation(promisedFrameCount: 400, frameCount: pipe.framesRead), "seed \(seed)")
      #expect(pipe.damage == file.damage)
      #expect(firstBitDifference(pipe.samples, file.samples) == nil)
    }
  }

  @Test("Half a sample frame at an end that no header promises is told", arguments: [4, 5, 6, 7])
  func partialFrame(count: Int) throws {
    let format = MadeFile.waveFormat(channels: 2, blockAlign: 4)
    let bytes = MadeFile.wav(format: format, data: [UInt8](repeating: 1, count: count), dataSize: 0xFFFF_FFFF)
    let expected =
      count == 4
      ? [] : [Damage.truncation(Truncation(promisedFrameCount: nil, frameCount: 1, sign: .incompleteSampleFrame))]
    let folder = try TemporaryFolder()
    #expect(try LivePipe.recording(bytes).damage == expected)
    #expect(try Recording(folder.write("file", bytes)).damage == expected)
  }

  @Test("A padding byte is no half sample frame")
  func padding() throws {
    let format = MadeFile.waveFormat(blockAlign: 3, bits: 24)
    let folder = try TemporaryFolder()
    for (last, isCut) in [(0, false), (1, true)] as [(UInt8, Bool)] {
      let bytes = MadeFile.wav(format: format, data: [1, 2, 3, last], dataSize: 0xFFFF_FFFF)
      #expect(try LivePipe.recording(bytes).damage.isEmpty == !isCut)
      #expect(try Recording(folder.write("file", bytes)).damage.isEmpty == !isCut)
    }
  }

  @Test("A bad file is as bad in a pipe", arguments: BadFileTests.cases)
  func badFiles(_ bad: BadFileTests.Case) throws {
    let error = try #require(try audioFileError { _ = try LivePipe.recording(bad.bytes, pieces: [9]) })
    switch (bad.problem, error.problem) {
    // What a stream's size fields are worth is not known while it comes.
    case (.noSampleFrames(promised: 0), .noSampleFrames(promised: nil)): break
    default: #expect(error.problem == bad.problem)
    }
  }

  @Test("A chunk before the samples is passed over in little memory, of 1 GB as of one byte")
  func longChunk() async throws {
    await #expect(processExitsWith: .success) {
      let pipe = Pipe()
      let thread = Thread {
        let writing = pipe.fileHandleForWriting
        let head = MadeFile.wav(before: MadeFile.mark("junk") + MadeFile.little(1 << 30, 4), data: [])
        writing.write(Data(head.prefix(44)))
        let block = Data(repeating: 1, count: 1 << 16)
        for _ in 0..<(1 << 14) { writing.write(block) }
        writing.write(Data(MadeFile.chunk("data", MadeFile.samples([1, 2, 3]))))
        try? writing.close()
      }
      thread.start()
      let before = peakMemoryInBytes()
      // The temporary folder is not there: nothing may be copied to it.
      setenv("TMPDIR", "/nowhere", 1)
      var reader = try AudioFileReader(fileDescriptor: pipe.fileHandleForReading.fileDescriptor, name: "pipe")
      let samples = try Recording(&reader).samples
      #expect(samples == [1, 2, 3].map { $0 / 32768 })
      let growth = peakMemoryInBytes() - before
      #expect(growth < 4 << 20)
    }
  }

  @Test("A pipe that does not block is waited for")
  func nonblocking() throws {
    let pipe = LivePipe()
    try #require(fcntl(pipe.descriptor, F_SETFL, O_NONBLOCK) == 0)
    var random = SeededGenerator(seed: 904)
    let folder = try TemporaryFolder()
    try write(random.integers(50_000), to: folder["a.wav"])
    let bytes = try folder.bytes("a.wav")
    let started = DispatchSemaphore(value: 0)
    let thread = Thread {
      started.signal()
      pipe.send(bytes)
      try? pipe.end()
    }
    thread.start()
    started.wait()
    var reader = try pipe.reader()
    #expect(try Recording(&reader, blockSizes: [100]).samples == Recording(folder["a.wav"]).samples)
  }
}
