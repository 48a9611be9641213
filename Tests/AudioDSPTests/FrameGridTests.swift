import AudioDSP
import AudioTestSupport
import Testing

@Suite struct FrameGridTests {
  static let rates = [4_000, 8_000, 11_025, 16_000, 22_050, 24_000, 37_800, 44_100, 44_101, 48_000, 96_000, 192_000]

  /// Where a frame starts, by counting hundredths of samples and no division.
  private static func starts(rate: Int, count: Int) -> [Int] {
    var starts: [Int] = []
    var (sample, hundredths) = (0, 0)
    for _ in 0..<count {
      starts.append(sample)
      hundredths += rate
      while hundredths >= 100 {
        hundredths -= 100
        sample += 1
      }
    }
    return starts
  }

  @Test("Frames lie one behind the other, a second starts a frame", arguments: rates)
  func frames(hertz: Int) throws {
    let grid = FrameGrid(try SampleRate(hertz))
    let starts = Self.starts(rate: hertz, count: 1_001)
    for frame in 0..<1_000 {
      try #require(grid.start(ofFrame: frame) == starts[frame])
      try #require(grid.samples(ofFrame: frame) == starts[frame]..<starts[frame + 1])
    }
    let lengths = (0..<100).map { grid.samples(ofFrame: $0).count }
    #expect(lengths.max() == grid.longestFrame)
    #expect(lengths.max()! - lengths.min()! == (hertz % 100 == 0 ? 0 : 1))
    #expect(lengths.reduce(0, +) == hertz)
  }

  @Test("Ten hours later nothing has drifted", arguments: rates)
  func tenHours(hertz: Int) throws {
    let grid = FrameGrid(try SampleRate(hertz))
    for hour in 1...10 {
      #expect(grid.start(ofFrame: hour * 360_000) == hour * 3_600 * hertz)
      #expect(grid.frameCount(inSampleCount: hour * 3_600 * hertz) == hour * 360_000)
      #expect(grid.frameCount(inSampleCount: hour * 3_600 * hertz - 1) == hour * 360_000 - 1)
    }
  }

  @Test("The frame count is the number of frames that have ended", arguments: rates)
  func frameCount(hertz: Int) throws {
    let grid = FrameGrid(try SampleRate(hertz))
    let starts = Self.starts(rate: hertz, count: 130)
    var ended = 0
    for count in 0..<starts[120] {
      while starts[ended + 1] <= count { ended += 1 }
      try #require(grid.frameCount(inSampleCount: count) == ended, "\(count) samples")
    }
  }

  @Test("Start and frame count at random rates and places", arguments: [1, 2, 3] as [UInt64])
  func randomPlaces(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<5_000 {
      let hertz = Int.random(in: SampleRate.range, using: &random)
      let grid = FrameGrid(try SampleRate(hertz))
      let frame = Int.random(in: 0...4_000_000, using: &random)
      let start = grid.start(ofFrame: frame)
      try #require(grid.frameCount(inSampleCount: start) == frame, "\(hertz) Hz, frame \(frame), seed \(seed)")
      // Sample 0 ends no frame.
      let before = grid.frameCount(inSampleCount: start + grid.samples(ofFrame: frame).count - 1)
      try #require(before == frame, "\(hertz) Hz, frame \(frame), seed \(seed)")
      try #require((grid.longestFrame - 1...grid.longestFrame).contains(grid.samples(ofFrame: frame).count))
    }
  }

  @Test("Durations round to the nearest frame")
  func durations() {
    let grid = FrameGrid(.hz16000)
    for microseconds in stride(from: 0, through: 100_000, by: 250) {
      let nearest = Int((Double(microseconds) / 10_000).rounded(.toNearestOrAwayFromZero))
      #expect(grid.frameCount(in: .microseconds(microseconds)) == nearest, "\(microseconds) us")
    }
    #expect(grid.frameCount(in: .nanoseconds(4_999_999)) == 0)
    #expect(grid.frameCount(in: .seconds(86_400)) == 8_640_000)
    #expect(grid.frameCount(in: .seconds(2) + .milliseconds(345)) == 235)
  }
}
