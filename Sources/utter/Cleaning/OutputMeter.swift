import AudioDSP
import AudioFiles

/// What is measured of the samples that are written: how loud they are, where a loudness was asked for, and how many are
/// beyond full scale, where they are made integers.
final class OutputMeter {
  /// Half a step of 16 bits over full scale: what rounds to full scale, as the greatest sample of a file does, is not cut
  /// off.
  private static let limit: Float = 1 + 0x1p-16
  private static let sliceCount = 4096

  /// How many samples could not be kept as they were.
  private(set) var beyondCount = 0
  private var meter: LoudnessMeter?
  private let isInteger: Bool
  private var slice: [Float] = []

  /// - Parameter encoding: What is written.
  init(_ rate: SampleRate, _ encoding: AudioEncoding, measuresLoudness: Bool) {
    isInteger = encoding != .float32
    if measuresLoudness {
      meter = LoudnessMeter(rate, channelCount: 1)
      slice = [Float](repeating: 0, count: Self.sliceCount)
    }
  }

  /// In LUFS; nil where none was asked for, or too little or nothing but silence has come.
  var loudness: Double? {
    switch meter {
    case .some(let meter): meter.integrated
    case .none: nil
    }
  }

  func process(_ samples: Span<Float>) {
    if isInteger { beyondCount += Self.countBeyond(samples) }
    meter?.process(samples)
  }

  /// Takes what is 16 bits already.
  func process(_ samples: Span<Int16>) {
    guard meter != nil else { return }
    var taken = 0
    while taken < samples.count {
      let count = min(Self.sliceCount, samples.count - taken)
      Self.convert(samples.extracting(taken..<taken + count), into: &slice)
      let slice = slice
      meter?.process(slice.span.extracting(..<count))
      taken += count
    }
  }

  private static func convert(_ samples: Span<Int16>, into slice: inout [Float]) {
    var target = slice.mutableSpan
    PCM16.convert(samples, into: &target)
  }

  private static func countBeyond(_ samples: Span<Float>) -> Int {
    var count = 0
    for i in samples.indices { count &+= samples[i].magnitude > limit ? 1 : 0 }
    return count
  }
}
