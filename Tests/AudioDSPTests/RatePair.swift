import AudioDSP
import AudioTestSupport
import Testing

/// Two rates between which audio goes.
struct RatePair: Hashable, Sendable, CustomTestStringConvertible {
  var from: Int
  var to: Int

  var testDescription: String { "\(from) -> \(to) Hz" }

  var inputRate: SampleRate { get throws { try SampleRate(from) } }
  var outputRate: SampleRate { get throws { try SampleRate(to) } }
  var lowerNyquist: Double { Double(min(from, to)) / 2 }

  /// The least numbers of inputs and of outputs that last equally long.
  var cycle: (inputs: Int, outputs: Int) {
    var (a, b) = (from, to)
    while b != 0 { (a, b) = (b, a % b) }
    return (from / a, to / a)
  }

  /// ceil(count * to / from), in whole numbers.
  func outputCount(forInputCount count: Int) -> Int {
    let (quotient, remainder) = (count * to).quotientAndRemainder(dividingBy: from)
    return remainder == 0 ? quotient : quotient + 1
  }

  /// The whole of a stream at the other rate; itself for equal rates.
  func resampled(_ input: [Float]) throws -> [Float] {
    guard from != to else { return input }
    var resampler = Resampler(from: try inputRate, to: try outputRate)
    return try resampler.resample(input)
  }

  /// What files and services have: into the main rate, and out of it for playout.
  static let usual =
    [4_000, 8_000, 11_025, 16_000, 22_050, 32_000, 37_800, 44_100, 48_000, 96_000, 192_000]
    .map { RatePair(from: $0, to: 24_000) }
    + [8_000, 16_000, 44_100, 48_000, 96_000, 192_000].map { RatePair(from: 24_000, to: $0) }
    + [RatePair(from: 48_000, to: 8_000), RatePair(from: 44_100, to: 16_000), RatePair(from: 44_100, to: 8_000)]

  /// Nearly coprime, so that no table holds every phase. From hardly more than the lower rate, straight lines between
  /// phases err the most.
  static let awkward = [44_101, 47_999, 23_999, 24_001, 24_211].map { RatePair(from: $0, to: 24_000) }

  /// The widest ratios that there are, and the narrowest.
  static let extreme = [
    RatePair(from: 4_000, to: 192_000), RatePair(from: 192_000, to: 4_000), RatePair(from: 191_999, to: 4_000),
    RatePair(from: 4_001, to: 192_000), RatePair(from: 191_999, to: 192_000), RatePair(from: 192_000, to: 191_999),
    RatePair(from: 4_000, to: 4_001), RatePair(from: 4_001, to: 4_000),
  ]

  static let all = usual + awkward + extreme

  /// Few pairs that together have each kind of stage: all six tables and a deep one, half-bands, a bank of tabulated
  /// phases and one of many, in either direction, alone and one behind the other.
  static let ofEachKind = [
    RatePair(from: 48_000, to: 24_000), RatePair(from: 24_000, to: 8_000), RatePair(from: 32_000, to: 24_000),
    RatePair(from: 44_100, to: 24_000), RatePair(from: 25_000, to: 24_000), RatePair(from: 44_101, to: 24_000),
    RatePair(from: 192_000, to: 11_025), RatePair(from: 24_000, to: 96_000), RatePair(from: 8_000, to: 24_000),
    RatePair(from: 24_000, to: 32_000), RatePair(from: 22_050, to: 24_000), RatePair(from: 23_999, to: 24_000),
  ]
  static let identities = [4_000, 24_000, 192_000].map { RatePair(from: $0, to: $0) }
}

extension Resampler {
  init(_ pair: RatePair, _ backend: KernelBackend) throws {
    try self.init(from: pair.inputRate, to: pair.outputRate, backend: backend)
  }

  /// Resamples a whole stream in pieces, into outputs of exactly the room asked for. What `process` gives is held
  /// against what `outputCapacity` and `remainingOutputCount` promised.
  mutating func resample(_ input: [Float], cuts: [Range<Int>]? = nil) throws -> [Float] {
    var output: [Float] = []
    for cut in cuts ?? [0..<input.count] {
      output += try piece(input.span.extracting(cut))
    }
    return try output + rest()
  }

  /// What `process` gives for the next inputs.
  mutating func piece(_ input: Span<Float>) throws -> [Float] {
    let due = outputCapacity(forInputCount: input.count)
    var block = [Float](repeating: .nan, count: due)
    var span = block.mutableSpan
    let count = try process(input, into: &span)
    if count != due { Issue.record("\(count) outputs where \(due) were promised") }
    return block
  }

  /// What `finish` gives.
  mutating func rest() throws -> [Float] {
    let due = remainingOutputCount
    var tail = [Float](repeating: .nan, count: due)
    var span = tail.mutableSpan
    let count = try finish(into: &span)
    if count != due { Issue.record("finish gave \(count) outputs where \(due) were promised") }
    return tail
  }
}
