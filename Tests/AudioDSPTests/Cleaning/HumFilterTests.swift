import AudioDSP
import AudioTestSupport
import Foundation
import Testing

@Suite struct HumFilterTests {
  @Test("Within the tolerance it attenuates by 30 dB; beside it nothing", arguments: HumFilter.Mains.allCases)
  func notches(mains: HumFilter.Mains) throws {
    for rate in [4_000, 11_025, 48_000] {
      let filter = try HumFilter(try SampleRate(rate), mains: mains)
      let impulse = impulseResponse(filter, seconds: 4)
      for harmonic in 1...6 {
        let frequency = Double(mains.rawValue * harmonic)
        func level(_ deviation: Double) -> Double {
          decibels(response(impulse, at: frequency * (1 + deviation), rate: rate).magnitude)
        }
        for deviation in [-0.0025, -0.002, -0.001, 0, 0.001, 0.002, 0.0025] {
          #expect(level(deviation) < -29.9, "\(rate) Hz: \(frequency) Hz, \(deviation): \(level(deviation))")
        }
        // Neighbouring notches add a little.
        for side in [-1.0, 1] {
          #expect(abs(level(side * 0.0025 * 4.03) + 3.01) < 0.15, "\(level(side * 0.0025 * 4.03))")
        }
        #expect(abs(level(0.5 / Double(harmonic))) < 0.03, "\(level(0.5 / Double(harmonic)))")
      }
      #expect(abs(decibels(response(impulse, at: 1, rate: rate).magnitude)) < 0.01)
      #expect(abs(decibels(response(impulse, at: Double(rate) * 0.45, rate: rate).magnitude)) < 0.01)
    }
  }

  @Test("The highest rate, the narrowest and the widest", arguments: [0.0005, 0.0025, 0.02])
  func extremes(tolerance: Double) throws {
    for (rate, mains) in [(192_000, HumFilter.Mains.hz50), (4_000, .hz60)] {
      // Steady state, by tones: an impulse response of the narrowest notch is long.
      let settled = Int(Double(rate) * 0.03 / tolerance)
      for frequency in [Double(mains.rawValue), Double(mains.rawValue * 20)] {
        var filter = try HumFilter(try SampleRate(rate), mains: mains, harmonicCount: 20, tolerance: tolerance)
        let count = min(settled, 12 * rate) / Int(frequency / Double(mains.rawValue)) + rate / 5
        var peak: Float = 0
        var phase = 0
        for start in stride(from: 0, to: count, by: 20_000) {
          let length = min(20_000, count - start)
          let tone = (0..<length).map {
            Float(sin(2 * .pi * frequency * (1 + 0.9 * tolerance) * Double(phase + $0) / Double(rate)))
          }
          phase += length
          let output = aligned(tone, by: &filter)
          if start + length == count { peak = output.suffix(rate / 50).map(abs).max() ?? 1 }
        }
        let isBeyond = frequency > 0.45 * Double(rate)
        #expect(isBeyond || peak < 0.04, "\(rate) Hz: \(frequency) Hz: \(peak)")
      }
    }
  }

  @Test("Hum goes from speech, also where the mains is off by 0.2 %", arguments: [-0.002, 0, 0.002])
  func humInSpeech(deviation: Double) throws {
    let recording = try TestRecording.named("clean-mono-16k.wav")
    let (speech, rate) = (try recording.waveSamples(), recording.sampleRate)
    let hum = speech.indices.map { i in
      (1...6).reduce(Float(0)) { sum, harmonic in
        let angle = 2 * .pi * 50 * (1 + deviation) * Double(harmonic) * Double(i) / Double(rate)
        return sum + Float(0.03 / Double(harmonic) * sin(angle + Double(harmonic)))
      }
    }
    var filter = try HumFilter(try SampleRate(rate), mains: .hz50)
    let cleaned = aligned(zip(speech, hum).map { $0 + $1 }, by: &filter)
    filter.reset()
    let without = aligned(speech, by: &filter)
    func power(_ samples: [Float], _ range: Range<Int>) -> Double {
      range.reduce(0) { $0 + Double(samples[$1] * samples[$1]) } / Double(range.count)
    }
    let left = zip(cleaned, without).map { $0 - $1 }
    let steady = 2 * rate..<speech.count
    #expect(10 * log10(power(hum, steady) / power(left, steady)) > 25)
    // 20 dB less within the second second.
    let second = rate..<2 * rate
    #expect(10 * log10(power(hum, second) / power(left, second)) > 20)

    let changed = zip(speech, without).map { $0 - $1 }
    let all = speech.indices
    let ratio = 10 * log10(power(speech, all) / power(changed, all))
    #expect(ratio > Self.leastSpeechRatio, "\(ratio)")
    #expect(abs(10 * log10(power(without, all) / power(speech, all))) < 0.3)
    if deviation == 0 { print("hum filter: speech to what is changed of it: \(ratio) dB") }
  }

  static let leastSpeechRatio = 12.0

  @Test("What is outside of the ranges is refused")
  func refused() {
    for count in [0, -1, 21] {
      #expect(throws: FilterError.harmonicCount(count, valid: 1...20)) {
        _ = try HumFilter(.hz48000, mains: .hz50, harmonicCount: count)
      }
    }
    for tolerance in [0.0004, 0, -1, .nan, 0.021] {
      #expect(throws: FilterError.self) { _ = try HumFilter(.hz48000, mains: .hz60, tolerance: tolerance) }
    }
    #expect(!FilterError.harmonicCount(0, valid: 1...20).description.isEmpty)
    #expect(!FilterError.tolerance(0, valid: 0...1).description.isEmpty)
  }
}
