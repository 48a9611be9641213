import AudioDSP
import AudioTestSupport
import Testing

@Suite struct InterleavingTests {
  static func interleaved(_ channels: [[Float]]) throws(InterleavingError) -> [Float] {
    let interleaving = try Interleaving(channelCount: channels.count)
    var output = [Float](repeating: 77, count: channels.count * channels[0].count)
    var span = output.mutableSpan
    for (c, channel) in channels.enumerated() { try interleaving.insert(channel.span, asChannel: c, into: &span) }
    return output
  }

  @Test(
    "Every channel is where it belongs, and comes back bit for bit",
    arguments: [1, 2, 3, 5, 7, 64], [0, 1, 2, 31, 480, 1_023])
  func roundTrip(channelCount: Int, frameCount: Int) throws {
    // Any bit pattern: NaN with its payload too.
    var random = SeededGenerator(seed: UInt64(channelCount * 10_000 + frameCount))
    let channels = (0..<channelCount).map { _ in
      (0..<frameCount).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
    }
    let output = try Self.interleaved(channels)
    let expected = (0..<frameCount).flatMap { i in channels.map { $0[i] } }
    #expect(output.map(\.bitPattern) == expected.map(\.bitPattern))

    let interleaving = try Interleaving(channelCount: channelCount)
    #expect(try interleaving.sampleFrameCount(of: output.count) == frameCount)
    for c in 0..<channelCount {
      // With room left over, which stays as it was.
      var channel = [Float](repeating: 77, count: frameCount + 3)
      var span = channel.mutableSpan
      #expect(try interleaving.extract(channel: c, of: output.span, into: &span) == frameCount)
      #expect(channel.dropLast(3).map(\.bitPattern) == channels[c].map(\.bitPattern))
      #expect(channel.suffix(3) == [77, 77, 77])
    }
  }

  @Test("One channel of 16-bit samples, every value")
  func integers() throws {
    let interleaving = try Interleaving(channelCount: 3)
    let values = PCM16Tests.everyValue
    let samples = values.flatMap { [0, $0, -1] as [Int16] }
    var channel = [Float](repeating: 77, count: values.count)
    var span = channel.mutableSpan
    #expect(try interleaving.extract(channel: 1, of: samples.span, into: &span) == values.count)
    #expect(firstDifference(channel, values.map { Float(Double($0) / 32768) }) == nil)
  }

  @Test("Inserting leaves other channels and later sample frames as they are")
  func insertTouchesNothingElse() throws {
    var output = [Float](repeating: 77, count: 11)
    var span = output.mutableSpan
    let samples: [Float] = [1, 2, 3]
    try Interleaving(channelCount: 3).insert(samples.span, asChannel: 1, into: &span)
    #expect(output == [77, 1, 77, 77, 2, 77, 77, 3, 77, 77, 77])
  }

  @Test("What does not fit is refused, and nothing is written")
  func refusals() throws {
    #expect(throws: InterleavingError.noChannels) { try Interleaving(channelCount: 0) }
    #expect(throws: InterleavingError.noChannels) { try Interleaving(channelCount: -2) }
    let interleaving = try Interleaving(channelCount: 2)
    let samples: [Float] = [1, 2, 3, 4, 5, 6]
    let integers: [Int16] = [1, 2, 3, 4, 5, 6]
    let none: [Float] = []
    let odd: [Float] = [1, 2, 3]
    let oddIntegers: [Int16] = [1, 2, 3]
    var output = [Float](repeating: 77, count: 2)
    #expect(throws: InterleavingError.partialSampleFrame(sampleCount: 3, channelCount: 2)) {
      try interleaving.sampleFrameCount(of: 3)
    }
    #expect(throws: InterleavingError.outputTooSmall(required: 12, capacity: 2)) {
      var span = output.mutableSpan
      try interleaving.insert(samples.span, asChannel: 0, into: &span)
    }
    #expect(throws: InterleavingError.outputTooSmall(required: 3, capacity: 2)) {
      var span = output.mutableSpan
      _ = try interleaving.extract(channel: 1, of: samples.span, into: &span)
    }
    #expect(throws: InterleavingError.outputTooSmall(required: 3, capacity: 2)) {
      var span = output.mutableSpan
      _ = try interleaving.extract(channel: 1, of: integers.span, into: &span)
    }
    #expect(throws: InterleavingError.partialSampleFrame(sampleCount: 3, channelCount: 2)) {
      var span = output.mutableSpan
      _ = try interleaving.extract(channel: 1, of: odd.span, into: &span)
    }
    #expect(throws: InterleavingError.partialSampleFrame(sampleCount: 3, channelCount: 2)) {
      var span = output.mutableSpan
      _ = try interleaving.extract(channel: 1, of: oddIntegers.span, into: &span)
    }
    for channel in [-1, 2] {
      #expect(throws: InterleavingError.noSuchChannel(channel, channelCount: 2)) {
        var span = output.mutableSpan
        try interleaving.insert(none.span, asChannel: channel, into: &span)
      }
      #expect(throws: InterleavingError.noSuchChannel(channel, channelCount: 2)) {
        var span = output.mutableSpan
        _ = try interleaving.extract(channel: channel, of: samples.span, into: &span)
      }
    }
    #expect(output == [77, 77])
  }
}
