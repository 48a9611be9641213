import AudioDSP
import AudioFiles

/// The samples of a stream that have come and of which is not settled what becomes of them.
///
/// Where the file's samples are made of 16 bits, they are rounded, and dithered, as they come: what a piece holds is then
/// what a file of the whole stream would hold there.
struct HeldSamples {
  private static let blockCount = 4096

  /// Where in the stream the first sample stands, and one past the last.
  private(set) var start = 0
  private(set) var end = 0
  private let isRounded: Bool
  private var dither: DitheredPCM16Converter?
  /// The samples, from the one at `head` on: in one of the two.
  private var shorts: [Int16] = []
  private var floats: [Float] = []
  private var head = 0
  private var block: [Int16]

  init(for encoding: AudioEncoding, ditherSeed: UInt64?) {
    isRounded = encoding != .float32 && encoding != .pcm24
    dither = ditherSeed.map { DitheredPCM16Converter(seed: $0) }
    block = [Int16](repeating: 0, count: Self.blockCount)
  }

  /// Takes the next samples of the stream.
  mutating func append(_ samples: Span<Float>) {
    removeGone()
    end += samples.count
    guard isRounded else {
      // As a whole, which a loop is not.
      return unsafe samples.withUnsafeBufferPointer { unsafe floats.append(contentsOf: $0) }
    }
    var taken = 0
    while taken < samples.count {
      let count = min(Self.blockCount, samples.count - taken)
      Self.round(samples.extracting(taken..<taken + count), &dither, into: &block)
      shorts.append(contentsOf: block[..<count])
      taken += count
    }
  }

  /// Forgets what lies before a place.
  mutating func drop(until place: Int) {
    let count = min(place, end) - start
    guard count > 0 else { return }
    head += count
    start += count
  }

  /// Writes what lies before a place, and forgets it.
  ///
  /// - Returns: How many samples that is.
  mutating func write(until place: Int, to writer: inout AudioFileWriter) throws(AudioFileError) -> Int {
    let count = min(place, end) - start
    guard count > 0 else { return 0 }
    if isRounded {
      try Self.write(shorts, head..<head + count, to: &writer)
    } else {
      try Self.write(floats, head..<head + count, to: &writer)
    }
    drop(until: place)
    return count
  }

  /// Makes room. No more samples are moved than have gone, so that each is moved once, on the average.
  private mutating func removeGone() {
    guard head > 0, head >= end - start else { return }
    if isRounded { shorts.removeFirst(head) } else { floats.removeFirst(head) }
    head = 0
  }

  // Static, so that each names exactly the state that it changes.

  private static func round(_ samples: Span<Float>, _ dither: inout DitheredPCM16Converter?, into block: inout [Int16])
  {
    var target = block.mutableSpan
    if dither == nil { PCM16.convert(samples, into: &target) } else { dither?.convert(samples, into: &target) }
  }

  private static func write(
    _ samples: [Int16], _ range: Range<Int>, to writer: inout AudioFileWriter
  ) throws(AudioFileError) {
    try writer.write(samples.span.extracting(range))
  }

  private static func write(
    _ samples: [Float], _ range: Range<Int>, to writer: inout AudioFileWriter
  ) throws(AudioFileError) {
    try writer.write(samples.span.extracting(range))
  }
}
