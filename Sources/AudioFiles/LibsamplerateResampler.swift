import AudioDSP
import CSampleRate

/// Changes the sample rate of a stream of one channel with libsamplerate's windowed sinc filters.
///
/// A second engine, to compare with and to test against; `Resampler` is the first. However the input is cut into calls,
/// the output is the same, bit for bit. Samples that are not finite are taken as 0 and counted. Equal rates pass
/// samples through, without delay.
///
/// `init` allocates up to about 1 MB; nothing after it allocates, locks or blocks.
public struct LibsamplerateResampler: ~Copyable, @unchecked Sendable, ResamplingEngine {
  // Sendable, because the library's state belongs to one resampler alone, and that cannot be copied.

  /// Which of the library's filters; the figures are what the library says of them.
  public enum Quality: String, Sendable, CaseIterable {
    /// Passes 96 % of the band, 144 dB signal-to-noise ratio.
    case best
    /// Passes 90 %, 121 dB.
    case medium
    /// Passes 80 %, 97 dB.
    case fastest
  }

  /// How many inputs the library gets in one call.
  private static let blockSize = 1024

  public let inputRate: SampleRate
  public let outputRate: SampleRate
  public let latencyInSamples: Int
  /// Samples that were not finite and were taken as 0, since `init` or ``reset()``.
  public private(set) var nonFiniteCount = 0

  /// Nil for equal rates.
  private let converter: Converter?
  /// A block of input, with 0 for what is not finite.
  private var block: [Float]
  /// What the library gave that has not been given out.
  private var given: [Float]
  /// How much of `given` is filled: between calls at most one sample, which the library gave before its time because it
  /// adds up positions in floating point.
  private var givenCount = 0
  private var inputCount = 0
  private var outputCount = 0
  private var isFinished = false

  /// Prepares a filter for a pair of rates.
  ///
  /// - Throws: ``ResamplerError/engineFailed(_:)`` when the library cannot.
  public init(
    from inputRate: SampleRate, to outputRate: SampleRate, quality: Quality
  ) throws(ResamplerError) {
    var block: [Float] = []
    var given: [Float] = []
    var latency = 0
    var converter: Converter?
    if inputRate != outputRate {
      let ratio = Double(outputRate.hertz) / Double(inputRate.hertz)
      let created = try Converter(quality, ratio: ratio)
      block = [Float](repeating: 0, count: Self.blockSize)
      // A block's outputs, those of the input before that waited for it, and one that came before its time.
      given = [Float](repeating: 0, count: Int((Double(Self.blockSize + 1) * ratio).rounded(.up)) + 2)
      // The library does not tell its delay, but shows it: the first output comes with the input that lies it behind.
      var output = given.mutableSpan
      while try created.process(block.span.extracting(first: 1), into: &output) == 0 { latency += 1 }
      created.reset()
      converter = created
    }
    self.inputRate = inputRate
    self.outputRate = outputRate
    self.converter = converter
    self.block = block
    self.given = given
    latencyInSamples = latency
  }

  public func outputCapacity(forInputCount count: Int) -> Int {
    isFinished ? 0 : outputCount(forInputCount: inputCount + count - latencyInSamples) - outputCount
  }

  public var remainingOutputCount: Int {
    isFinished ? 0 : outputCount(forInputCount: inputCount) - outputCount
  }

  /// How many outputs lie before the end of `count` inputs. Overflows after 2^63 / 192,000 samples, eight years at 192
  /// kHz.
  private func outputCount(forInputCount count: Int) -> Int {
    count <= 0 ? 0 : (count * outputRate.hertz + inputRate.hertz - 1) / inputRate.hertz
  }

  /// As the protocol says, and: throws ``ResamplerError/engineFailed(_:)`` when the library fails, which leaves no
  /// usable state but by ``reset()``. Does not allocate.
  public mutating func process(
    _ input: Span<Float>, into output: inout MutableSpan<Float>
  ) throws(ResamplerError) -> Int {
    guard !isFinished else { throw .finished }
    let required = outputCapacity(forInputCount: input.count)
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    guard let converter else {
      nonFiniteCount += Self.copyFinite(input, into: &output)
      inputCount += input.count
      outputCount += input.count
      return input.count
    }
    var taken = 0
    var written = 0
    while taken < input.count {
      let count = min(Self.blockSize, input.count - taken)
      var target = block.mutableSpan
      let replacedCount = Self.copyFinite(input.extracting(taken..<taken + count), into: &target)
      nonFiniteCount += replacedCount
      taken += count
      inputCount += count
      try convert(count, by: converter)
      written += try give(outputCount(forInputCount: inputCount - latencyInSamples), into: &output, at: written)
    }
    return written
  }

  /// As the protocol says, and as ``process(_:into:)``. Does not allocate.
  public mutating func finish(into output: inout MutableSpan<Float>) throws(ResamplerError) -> Int {
    guard !isFinished else { throw .finished }
    let required = remainingOutputCount
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    isFinished = true
    guard let converter else { return 0 }
    var zeros = block.mutableSpan
    zeros.update(repeating: 0)
    let end = outputCount + required
    var silence = latencyInSamples
    var written = 0
    while silence > 0 {
      let count = min(Self.blockSize, silence)
      silence -= count
      try convert(count, by: converter)
      written += try give(min(end, outputCount + givenCount), into: &output, at: written)
      if outputCount == end { break }
    }
    if outputCount < end { throw .engineFailed("it gave \(outputCount) samples where \(end) are due") }
    return written
  }

  public mutating func reset() {
    converter?.reset()
    nonFiniteCount = 0
    givenCount = 0
    inputCount = 0
    outputCount = 0
    isFinished = false
  }

  /// Has the library take the first samples of `block`.
  private mutating func convert(_ count: Int, by converter: Converter) throws(ResamplerError) {
    // Out of `self`, so that the other buffer can be read.
    var given: [Float] = []
    swap(&given, &self.given)
    defer { swap(&given, &self.given) }
    var target = given.mutableSpan
    var rest = target._mutatingExtracting(givenCount...)
    let newCount = try converter.process(block.span.extracting(first: count), into: &rest)
    givenCount += newCount
  }

  /// Gives out what the library gave, up to the output `end` of the stream.
  private mutating func give(
    _ end: Int, into output: inout MutableSpan<Float>, at start: Int
  ) throws(ResamplerError) -> Int {
    let count = end - outputCount
    let total = givenCount
    guard count <= total else { throw .engineFailed("it gave \(outputCount + total) samples where \(end) are due") }
    var source = given.mutableSpan
    for i in 0..<count { output[start + i] = source[i] }
    for i in count..<total { source[i - count] = source[i] }
    givenCount = total - count
    outputCount = end
    return count
  }

  private static func copyFinite(_ input: Span<Float>, into output: inout MutableSpan<Float>) -> Int {
    var replacedCount = 0
    for i in 0..<input.count {
      let sample = input[i]
      output[i] = sample.isFinite ? sample : 0
      if !sample.isFinite { replacedCount += 1 }
    }
    return replacedCount
  }
}

/// The library's state for one stream of one channel.
@safe private final class Converter {
  private let state: OpaquePointer
  private let ratio: Double

  init(_ quality: LibsamplerateResampler.Quality, ratio: Double) throws(ResamplerError) {
    let type =
      switch quality {
      case .best: SRC_SINC_BEST_QUALITY
      case .medium: SRC_SINC_MEDIUM_QUALITY
      case .fastest: SRC_SINC_FASTEST
      }
    var code: Int32 = 0
    guard let state = unsafe src_new(Int32(type), 1, &code) else { throw Self.failure(code) }
    unsafe self.state = state
    self.ratio = ratio
  }

  deinit { _ = unsafe src_delete(state) }

  /// Takes all of `input` and writes what it completes to the start of `output`, which must have room for it.
  ///
  /// - Returns: How many outputs were written.
  func process(_ input: Span<Float>, into output: inout MutableSpan<Float>) throws(ResamplerError) -> Int {
    var taken = 0
    var written = 0
    while taken < input.count {
      var code: Int32 = 0
      var data = unsafe SRC_DATA()
      unsafe data.src_ratio = ratio
      unsafe input.withUnsafeBufferPointer { source in
        unsafe output.withUnsafeMutableBufferPointer { target in
          // Both bases are there: there is input left, and room for its outputs.
          unsafe data.data_in = source.baseAddress! + taken
          unsafe data.input_frames = source.count - taken
          unsafe data.data_out = target.baseAddress! + written
          unsafe data.output_frames = target.count - written
          code = unsafe src_process(state, &data)
        }
      }
      if code != 0 { throw Self.failure(code) }
      if unsafe data.input_frames_used == 0 && data.output_frames_gen == 0 { throw .engineFailed("it takes no input") }
      unsafe taken += data.input_frames_used
      unsafe written += data.output_frames_gen
    }
    return written
  }

  func reset() { _ = unsafe src_reset(state) }

  private static func failure(_ code: Int32) -> ResamplerError {
    .engineFailed(unsafe src_strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)")
  }
}
