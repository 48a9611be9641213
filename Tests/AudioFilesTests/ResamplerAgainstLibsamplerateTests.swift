import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// libsamplerate's best converter as an oracle: another filter, from another hand, that agrees inside of the passband.
@Suite struct ResamplerAgainstLibsamplerateTests {
  private static func output<Engine: ResamplingEngine & ~Copyable>(
    of engine: consuming Engine, _ input: [Float]
  ) throws -> [Float] {
    var engine = engine
    var output = [Float](repeating: 0, count: engine.outputCapacity(forInputCount: input.count))
    var span = output.mutableSpan
    let count = try engine.process(input.span, into: &span)
    var rest = [Float](repeating: 0, count: engine.remainingOutputCount)
    var tail = rest.mutableSpan
    _ = try engine.finish(into: &tail)
    return output.prefix(count) + rest
  }

  @Test(arguments: [8_000, 11_025, 16_000, 37_800, 44_100, 44_101, 48_000, 96_000], KernelBackend.available)
  func bothGiveTheSame(rate: Int, backend: KernelBackend) throws {
    // Tones up to 0.8 of the lower Nyquist frequency under a bell, so that neither end matters.
    let inputRate = try SampleRate(rate)
    let nyquist = Double(min(rate, 24_000)) / 2
    let count = rate / 4
    let tones = [0.03, 0.11, 0.29, 0.47, 0.8].map { $0 * nyquist }
    let input = (0..<count).map { i in
      let time = Double(i) / Double(rate)
      let bell = 0.5 - 0.5 * cos(2 * .pi * Double(i) / Double(count))
      return Float(tones.reduce(0) { $0 + 0.15 * bell * cos(2 * .pi * $1 * time) })
    }
    let ours = try Self.output(of: Resampler(from: inputRate, to: .hz24000, backend: backend), input)
    let theirs = try Self.output(of: LibsamplerateResampler(from: inputRate, to: .hz24000, quality: .best), input)
    #expect(ours.count == theirs.count)
    let worst = zip(ours, theirs).map { abs($0 - $1) }.max() ?? 1
    // Tones of 0.75 together, through a passband that keeps within 0.01 dB, which is a part of 0.0012.
    #expect(worst < 0.75 * 0.0012, "differs by \(worst)")
    // The comparison sees a shift by a sample.
    let shifted = zip(ours.dropFirst(), theirs).map { abs($0 - $1) }.max() ?? 0
    #expect(shifted > 0.01)
  }
}
