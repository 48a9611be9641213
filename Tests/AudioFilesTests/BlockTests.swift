import AudioFiles
import AudioTestSupport
import Testing

@Suite struct BlockTests {
  struct Stop: Error {}

  @Test("Blocks are as long as asked for, but for the last", arguments: [1, 2, 101, 1_000, 16_384])
  func blocks(size: Int) throws {
    var random = SeededGenerator(seed: 800)
    let folder = try TemporaryFolder()
    let samples = random.integers(2 * 2_500)
    try write(samples, to: folder["a.wav"], channelCount: 2)
    var reader = try AudioFileReader(path: folder["a.wav"])
    var read: [Float] = []
    var counts: [Int] = []
    try reader.forEachBlock(of: size) { block in
      counts.append(block.count)
      for i in block.indices { read.append(block[i]) }
    }
    #expect(read == samples.map { Float($0) / 32768 })
    // Two channels.
    #expect(counts.dropLast().allSatisfy { $0 == max(2, size / 2 * 2) })
    let isAtEnd = reader.isAtEnd
    #expect(isAtEnd)
  }

  @Test("An error of the body's ends the reading, which can go on behind the block")
  func stopping() throws {
    let folder = try TemporaryFolder()
    try write((0..<1_000).map { Int16($0) }, to: folder["a.wav"])
    var reader = try AudioFileReader(path: folder["a.wav"])
    #expect(throws: Stop.self) { try reader.forEachBlock(of: 100) { _ in throw Stop() } }
    #expect(try reader.block(of: 1) == [100.0 / 32768])
  }
}
