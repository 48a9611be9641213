import AudioDSP
import AudioTestSupport
import Foundation
import Testing

@Suite struct HighPassFilterTests {
  static func corners(_ rate: Int) throws -> [Double] {
    let valid = HighPassFilter.cornerFrequencies(at: try SampleRate(rate))
    return [valid.lowerBound, 20, 80, 100, valid.upperBound]
  }

  static let rates = FilterPart.rates + [4_001, 22_050, 32_000, 96_000, 176_400]

  @Test("The corner is where it should be, and a quarter of it is 36 dB down", arguments: rates)
  func corner(rate: Int) throws {
    for corner in try Self.corners(rate) {
      let filter = try HighPassFilter(try SampleRate(rate), cornerFrequency: corner)
      #expect(filter.cornerFrequency == corner)
      let impulse = impulseResponse(filter, seconds: 8 / corner + 0.01)
      func level(_ frequency: Double) -> Double { decibels(response(impulse, at: frequency, rate: rate).magnitude) }
      #expect(abs(level(corner) + 10 * log10(2)) < 0.002, "\(corner) Hz: \(level(corner))")
      #expect(level(corner - 1) < -3.011 && level(corner + 1) > -3.010, "\(corner) Hz")
      #expect(level(corner / 4) < -36, "\(corner) Hz: \(level(corner / 4))")
    }
  }

  /// The analogue prototype, s^3 / ((s + 1) (s^2 + s + 1)), at the frequency that the bilinear transform makes of it:
  /// written out from the definition, not from sections.
  @Test("The response is Butterworth's, in magnitude and phase", arguments: FilterPart.rates)
  func butterworth(rate: Int) throws {
    for corner in try Self.corners(rate) {
      let impulse = impulseResponse(
        try HighPassFilter(try SampleRate(rate), cornerFrequency: corner), seconds: 8 / corner + 0.01)
      for multiple in [0.3, 0.5, 0.9, 1.3, 2, 3, 3.9] {
        let frequency = corner * multiple
        let omega = tan(.pi * frequency / Double(rate)) / tan(.pi * corner / Double(rate))
        let magnitude = pow(omega, 3) / (1 + pow(omega, 6)).squareRoot()
        // (1 + j w)(1 - w^2 + j w) = 1 - 2 w^2 + j (2 w - w^3), and (j w)^3 turns by three quarters.
        let phase = 1.5 * Double.pi - atan2(2 * omega - pow(omega, 3), 1 - 2 * omega * omega)
        let found = response(impulse, at: frequency, rate: rate)
        #expect(abs(decibels(found.magnitude / magnitude)) < 0.005, "\(corner) Hz, at \(frequency) Hz")
        let difference = remainder(found.phase - phase, 2 * .pi)
        #expect(abs(difference) < 0.001, "\(corner) Hz, at \(frequency) Hz: \(difference)")
      }
    }
  }

  @Test("Tones above come through as they were, those below do not", arguments: [8_000, 48_000])
  func tones(rate: Int) throws {
    for (frequency, least, greatest) in [
      (20.0, 0.0, 0.0157), (80, 0.70, 0.715), (200, 0.99, 1.001), (1_000, 0.999, 1.001),
    ] {
      var filter = try HighPassFilter(try SampleRate(rate))
      let output = aligned(sineWave(frequency, rate: rate, count: rate), by: &filter)
      let fit = SineFit(output, in: rate / 2..<rate, frequency: frequency / Double(rate))
      #expect((least...greatest).contains(fit.amplitude), "\(frequency) Hz: \(fit.amplitude)")
    }
  }

  @Test("Corners outside of the range are refused", arguments: [9.99, 0, -80, .nan, .infinity, 1_000.1] as [Double])
  func refused(corner: Double) throws {
    #expect(throws: FilterError.self) { _ = try HighPassFilter(.hz48000, cornerFrequency: corner) }
    let low = try SampleRate(4_000)
    #expect(throws: FilterError.cornerFrequency(501, valid: 10...500)) {
      _ = try HighPassFilter(low, cornerFrequency: 501)
    }
    #expect(!FilterError.cornerFrequency(1, valid: 10...500).description.isEmpty)
  }

  /// Whatever came long ago, and every rounding since, is forgotten: after minutes of loud noise about an offset, the
  /// filter gives what one gives that has only heard the last second. So a day can do no more than a minute does.
  @Test("Nothing adds up", arguments: [(192_000, 10.0), (192_000, 20), (4_000, 10), (4_000, 500), (44_100, 80)])
  func stability(rate: Int, corner: Double) throws {
    let sampleRate = try SampleRate(rate)
    var old = try HighPassFilter(sampleRate, cornerFrequency: corner)
    var random = SeededGenerator(seed: 20)
    let noise = random.samples(100_003, in: -0.5...1)
    // Half a minute at the highest rate and corner of interest, a quarter of an hour at the lowest.
    for _ in 0..<60 {
      var block = noise
      var span = block.mutableSpan
      old.process(&span)
      #expect(block.allSatisfy { abs($0) < 3 })
    }
    var fresh = try HighPassFilter(sampleRate, cornerFrequency: corner)
    let last = random.samples(2 * rate, in: -0.5...1)
    let (expected, found) = (aligned(last, by: &fresh), aligned(last, by: &old))
    let compared = rate..<2 * rate
    let difference = compared.reduce(Float(0)) { max($0, abs(expected[$1] - found[$1])) }
    #expect(difference < 1e-6, "\(difference)")
  }
}

@Suite struct DCFilterTests {
  @Test("A constant offset makes no thump", arguments: FilterPart.rates, [1, -0.3, 1e-4] as [Float])
  func thump(rate: Int, offset: Float) throws {
    var filter = try DCFilter(try SampleRate(rate))
    #expect(aligned([Float](repeating: offset, count: rate), by: &filter).allSatisfy { $0 == 0 })
  }

  @Test("Speech about an offset comes out as speech without one does", arguments: [8_000, 48_000])
  func speech(rate: Int) throws {
    let voice = MeasurementTests.voice(rate, seconds: 2)
    var filter = try DCFilter(try SampleRate(rate))
    let expected = aligned(voice, by: &filter)
    filter.reset()
    let found = aligned(voice.map { $0 + 0.25 }, by: &filter)
    let difference = voice.indices.reduce(Float(0)) { max($0, abs(expected[$1] - found[$1])) }
    #expect(difference < 1e-6, "\(difference)")
  }

  @Test("A later step is gone within half a second", arguments: FilterPart.rates)
  func step(rate: Int) throws {
    var filter = try DCFilter(try SampleRate(rate))
    let step = [Float](repeating: 0, count: rate) + [Float](repeating: 0.5, count: rate)
    let output = aligned(step, by: &filter)
    #expect(output[rate] > 0.49)
    // To 1 % after 0.244 s, to a ten-thousandth within 0.5 s, and exactly 0 in the end.
    #expect(abs(output[rate + rate * 244 / 1_000]) < 0.0053 && abs(output[rate + rate * 244 / 1_000]) > 0.0049)
    #expect(abs(output[rate + rate / 2]) < 0.5e-4)
  }

  @Test("The corner is where it should be, and the phase of voices stays", arguments: FilterPart.rates)
  func corner(rate: Int) throws {
    for corner in [1.0, 3, 5, 20] {
      // A second of silence first: until then the corner is still coming down.
      var filter = try DCFilter(try SampleRate(rate), cornerFrequency: corner)
      _ = aligned([Float](repeating: 0, count: rate), by: &filter)
      let impulse = impulseResponse(filter, seconds: 3 / corner + 0.02)
      let atCorner = response(impulse, at: corner, rate: rate)
      #expect(abs(decibels(atCorner.magnitude) + 10 * log10(2)) < 0.005, "\(corner): \(decibels(atCorner.magnitude))")
      let voice = response(impulse, at: 100, rate: rate)
      #expect(abs(voice.phase * 180 / .pi - atan(corner / 100) * 180 / .pi) < 0.6, "\(corner) Hz")
      #expect(abs(decibels(voice.magnitude)) < 0.3, "\(corner) Hz")
    }
  }

  @Test("Corners outside of the range are refused", arguments: [0.99, 0, -1, .nan, 20.1] as [Double])
  func refused(corner: Double) {
    #expect(throws: FilterError.self) { _ = try DCFilter(.hz48000, cornerFrequency: corner) }
  }
}
