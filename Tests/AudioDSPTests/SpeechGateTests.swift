import AudioDSP
import AudioTestSupport
import Testing

/// The gate by itself; what it does behind a detector is tested with ``SpeechChunker``.
@Suite struct SpeechGateTests {
  /// A piece of output, as 16-bit values.
  struct Piece: Equatable {
    var offset: Int
    var values: [Int]
  }

  private static func gate(isDetecting: Bool, padsLastChunk: Bool = false) -> SpeechGate {
    SpeechGate(
      from: .hz8000, to: .hz8000, chunkSampleCount: 100, isDetecting: isDetecting, heldInputCount: 300,
      boundaryCapacity: 1, padsLastChunk: padsLastChunk, ditherSeed: nil)
  }

  /// Sample k of the stream has the value k.
  private static func append(_ range: Range<Int>, to gate: inout SpeechGate) {
    let samples = range.map { Float($0) / 32_768 }
    gate.append(samples.span)
  }

  private static func pieces(_ gate: inout SpeechGate) -> [Piece] {
    var pieces: [Piece] = []
    while let output = gate.next() {
      switch output {
      case .chunk(let place, let offset):
        pieces.append(Piece(offset: offset, values: place.map { Int(gate.samples[$0]) }))
      case .paddedChunk(let offset): pieces.append(Piece(offset: offset, values: gate.paddedChunk.map { Int($0) }))
      case .event: break
      }
    }
    return pieces
  }

  @Test("Without a detector, everything comes in chunks, however it is cut", arguments: 0..<8)
  func everything(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var gate = Self.gate(isDetecting: false)
    var pieces: [Piece] = []
    let count = 20_050
    var end = 0
    while end < count {
      let next = min(count, end + Int.random(in: 0...310, using: &random))
      Self.append(end..<next, to: &gate)
      end = next
      pieces += Self.pieces(&gate)
      // What waits for its chunk to be full is known to go into one.
      #expect(gate.keptCount == end && gate.end == end)
    }
    gate.settleAll()
    pieces += Self.pieces(&gate)
    #expect(pieces.map(\.offset) == stride(from: 0, to: count, by: 100).map { $0 }, "seed \(seed)")
    #expect(pieces.flatMap(\.values) == Array(0..<count), "seed \(seed)")
    #expect(gate.keptCount == count)
  }

  @Test("Of a segment, all is kept and nothing else", arguments: [false, true])
  func segment(padded: Bool) {
    var gate = Self.gate(isDetecting: true, padsLastChunk: padded)
    Self.append(0..<250, to: &gate)
    gate.settle(untilInput: 120)
    #expect(Self.pieces(&gate).isEmpty)
    #expect(gate.keptCount == 0)

    gate.note(.started(at: 180, paddedStart: 130, decidedAt: 250))
    gate.settle(untilInput: 250)
    #expect(Self.pieces(&gate) == [Piece(offset: 130, values: Array(130..<230))])
    // 230 to 250 waits.
    #expect(gate.keptCount == 120)

    gate.note(.ended(at: 240, claimedEnd: 270, decidedAt: 300))
    gate.settle(untilInput: 300)
    #expect(Self.pieces(&gate).isEmpty)
    Self.append(250..<300, to: &gate)
    let values = Array(230..<270) + [Int](repeating: 0, count: padded ? 60 : 0)
    #expect(Self.pieces(&gate) == [Piece(offset: 230, values: values)])
    #expect(gate.keptCount == 140)
    gate.settleAll()
    #expect(Self.pieces(&gate).isEmpty)
    #expect(gate.keptCount == 140 && gate.end == 300)

    gate.reset()
    #expect(gate.keptCount == 0 && gate.end == 0)
    Self.append(0..<150, to: &gate)
    #expect(Self.pieces(&gate).isEmpty)
  }
}
