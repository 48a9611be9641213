import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// Signals with planted faults, and the processors that look for them.
@Suite struct MeasurementTests {
  /// Something like a voice: harmonics of a wandering pitch under a changing envelope, with noise far below.
  static func voice(_ rate: Int, seconds: Double = 3, seed: UInt64 = 5) -> [Float] {
    var random = SeededGenerator(seed: seed)
    var phase = 0.0
    return (0..<Int(seconds * Double(rate))).map { i in
      let time = Double(i) / Double(rate)
      phase += 2 * .pi * (130 + 25 * sin(2 * .pi * 0.7 * time)) / Double(rate)
      var sum = 0.0
      for harmonic in 1...8 { sum += sin(Double(harmonic) * phase + Double(harmonic * harmonic)) / Double(harmonic) }
      let envelope = 0.55 + 0.45 * sin(2 * .pi * 2.3 * time)
      return Float(0.22 * envelope * sum) + Float.random(in: -1e-4...1e-4, using: &random)
    }
  }

  /// As 16-bit samples have it.
  static func rounded(_ samples: [Float], bits: Int = 16) -> [Float] {
    let scale = Float(1 << (bits - 1))
    return samples.map { ($0 * scale).rounded().clamped(to: -scale...scale - 1) / scale }
  }

  static let rates = [8_000, 16_000, 44_100, 48_000]

  // MARK: Level

  @Test("Level and offset of known signals", arguments: rates)
  func level(rate: Int) throws {
    var meter = LevelMeter(try SampleRate(rate))
    let samples = sineWave(100, rate: rate, count: rate, amplitude: 0.5).map { $0 + 0.1 } + [.nan]
    meter.process(samples.span)
    let (peak, level, crest, measured) = (Double(meter.peak), meter.rootMeanSquare, meter.crestFactor, meter.offset)
    let (badCount, firstBad) = (meter.nonFiniteCount, meter.firstNonFinite)
    #expect(abs(peak - 0.6) < 1e-3)
    #expect(abs(level - (0.125 + 0.01).squareRoot()) < 1e-4)
    #expect(badCount == 1 && firstBad == rate)
    let offset = try #require(measured)
    #expect(abs(offset.value - 0.1) < 1e-3 && offset.standardError < 1e-3)
    #expect(abs(try #require(crest) - 0.6 / 0.135.squareRoot()) < 1e-2)
  }

  @Test("What is not symmetrical has a mean, and no offset")
  func asymmetry() throws {
    let rate = 16_000
    // Two seconds of pulses of one sign, as of a voice that was cut off, in four of silence.
    let loud = (0..<2 * rate).map { Float($0 % 160 < 20 ? 0.8 : 0) }
    let samples = [Float](repeating: 0, count: 2 * rate) + loud + [Float](repeating: 0, count: 2 * rate)
    var meter = LevelMeter(try SampleRate(rate))
    meter.process(samples.span)
    let (mean, offset) = (meter.mean, meter.offset)
    #expect(mean > 0.03)
    #expect(abs(try #require(offset).value) < 1e-6)
  }

  // MARK: Clipping

  static func clipping(_ samples: [Float], _ rate: Int) throws -> PlaceList {
    var detector = ClippingDetector(try SampleRate(rate))
    detector.process(samples.span)
    return detector.tops
  }

  @Test(
    "Clipping at any level is found, and where it is",
    arguments: rates, [(0.35, 1.0), (0.35, 0.3), (0.2, 1.5), (0.1, 1), (0.1, 0.1)] as [(Float, Float)])
  func clipping(rate: Int, _ cut: (level: Float, gain: Float)) throws {
    var samples = Self.voice(rate)
    let part = rate..<2 * rate
    for i in part { samples[i] = samples[i].clamped(to: -cut.level...cut.level) }
    let tops = try Self.clipping(Self.rounded(samples.map { $0 * cut.gain }), rate)
    #expect(tops.count >= 8, "\(tops.count)")
    for place in tops.places {
      #expect(part.lowerBound - rate / 100 <= place.lowerBound && place.upperBound <= part.upperBound + rate / 100)
    }
  }

  @Test("What was not cut off is not clipped", arguments: rates)
  func noClipping(rate: Int) throws {
    let voice = Self.voice(rate)
    var random = SeededGenerator(seed: 6)
    let peak = voice.map(abs).max() ?? 1
    let many: [(name: String, samples: [Float])] = [
      ("voice", voice), ("at full scale", voice.map { $0 / peak }), ("quiet", voice.map { $0 * 0.02 }),
      ("sine", sineWave(203, rate: rate, count: rate)), ("even sine", sineWave(200, rate: rate, count: rate)),
      ("low sine", sineWave(40, rate: rate, count: rate)),
      ("square", (0..<rate).map { $0 * 440 / rate % 2 == 0 ? 0.5 : -0.5 }),
      ("rounded square", sineWave(200, rate: rate, count: rate).map { tanh(6 * $0) * 0.7 }),
      ("triangle", (0..<rate).map { abs(Float($0 * 300 % (2 * rate)) / Float(rate) - 1) - 0.5 }),
      ("noise", random.samples(rate)), ("quiet noise", random.samples(rate).map { $0 * 1e-4 }),
      ("offset and noise", random.samples(rate).map { $0 * 2e-4 + 0.2 }),
    ]
    for (name, samples) in many {
      for bits in [8, 16] {
        let tops = try Self.clipping(Self.rounded(samples.map { $0 * 0.999 }, bits: bits), rate)
        #expect(tops.count == 0, "\(name), \(bits) bits: \(tops.count)")
      }
      // A few samples at full scale are none either.
      var touched = samples.map { $0 * 0.5 }
      for i in [rate / 3, rate / 2] { touched[i] = 1 }
      #expect(try Self.clipping(touched, rate).count == 0, "\(name), touched")
    }
  }

  @Test("Coarse steps of G.711 are no flat tops", arguments: G711.allCases)
  func companded(law: G711) throws {
    let integers = Self.voice(8_000).map { Int16(($0 * 30_000).clamped(to: -32_768...32_767)) }
    var codes = [UInt8](repeating: 0, count: integers.count)
    var decoded = integers
    var codeSpan = codes.mutableSpan
    law.encode(integers.span, into: &codeSpan)
    var span = decoded.mutableSpan
    law.decode(codes.span, into: &span)
    #expect(try Self.clipping(decoded.map { Float($0) / 32_768 }, 8_000).count == 0)
  }

  @Test("A ceiling is seen in the distribution when the tops are no longer flat")
  func softCeiling() throws {
    let rate = 16_000
    func ceiling(_ samples: [Float]) throws -> ClippingDetector.SoftCeiling? {
      var detector = ClippingDetector(try SampleRate(rate))
      detector.process(samples.span)
      return detector.softCeiling
    }
    // Cut at a fifth of its peak, then tilted so that no two samples are equal, as by a filter.
    let voice = Self.voice(rate)
    #expect(try ceiling(voice) == nil)
    var state: Float = 0
    let cut = voice.map { sample -> Float in
      let clipped = sample.clamped(to: -0.1...0.1) * 4
      state += 0.5 * (clipped - state)
      return state
    }
    let found = try #require(try ceiling(cut))
    #expect((0.3...0.5).contains(found.level) && found.density > 1.3 && found.share > 0.02)
    #expect(try Self.clipping(cut, rate).count == 0)
  }

  // MARK: Dropouts

  static func dropouts(_ samples: [Float], _ rate: Int) throws -> (gaps: PlaceList, repeats: PlaceList) {
    var detector = DropoutDetector(try SampleRate(rate))
    detector.process(samples.span)
    return (detector.gaps, detector.repeats)
  }

  @Test("Zeros and held values are found to the sample", arguments: rates, [6, 20, 60, 400])
  func gaps(rate: Int, milliseconds: Int) throws {
    for isHeld in [false, true] {
      var samples = Self.rounded(Self.voice(rate))
      // Into loud parts, at places that differ in phase.
      var expected: [Range<Int>] = []
      for second in [0.1, 0.55, 1.0, 1.85] {
        let start = Int(second * Double(rate)) + Int(10 * second)
        let place = start..<start + rate * milliseconds / 1_000
        for i in place { samples[i] = isHeld ? samples[start - 1] : 0 }
        expected.append(place)
      }
      let found = try Self.dropouts(samples, rate).gaps
      // An extremum that is held is what clipping looks like, and an edge may lie between two pulses of the voice.
      #expect(found.count >= (isHeld ? 1 : 3), "\(found.places) for \(expected)")
      for place in found.places {
        #expect(
          expected.contains {
            abs($0.lowerBound - place.lowerBound) <= 2 && abs($0.upperBound - place.upperBound) <= 2
          },
          "\(place)")
      }
    }
  }

  @Test("Silence between words is no dropout", arguments: rates)
  func silences(rate: Int) throws {
    // Words that fade in and out within 10 ms, with digital silence between them; at full level and quiet.
    for gain in [1, 0.05] as [Float] {
      var samples = Self.voice(rate)
      let fade = rate / 100
      for start in stride(from: 0, to: samples.count - rate / 2, by: rate / 2) {
        for i in 0..<rate / 4 {
          let edge = min(Float(i), Float(rate / 4 - 1 - i)) / Float(fade)
          // Squared: what is left at an edge has faded, as in a word's end.
          samples[start + i] *= min(1, edge * edge)
        }
        for i in start + rate / 4..<start + rate / 2 { samples[i] = 0 }
      }
      let found = try Self.dropouts(Self.rounded(samples.map { $0 * gain }), rate)
      #expect(found.gaps.count == 0 && found.repeats.count == 0, "\(found.gaps.places)")
    }
    #expect(try Self.dropouts([Float](repeating: 0, count: rate), rate).gaps.count == 0)
  }

  @Test("A packet that was played twice is found; a tone is not", arguments: rates, [10, 20, 30])
  func repeats(rate: Int, milliseconds: Int) throws {
    var samples = Self.rounded(Self.voice(rate))
    let length = rate * milliseconds / 1_000
    let start = rate / 10
    for i in 0..<length { samples[start + i] = samples[start + i - length] }
    let found = try Self.dropouts(samples, rate).repeats
    #expect(found.count == 1)
    let place = try #require(found.places.first)
    #expect(abs(place.lowerBound - start) <= 2 && abs(place.upperBound - start - length) <= 2, "\(place)")
    for frequency in [100.0, 400, 1_000] {
      let tone = Self.rounded(sineWave(frequency, rate: rate, count: rate, amplitude: 0.5))
      #expect(try Self.dropouts(tone, rate).repeats.count == 0)
    }
  }

  // MARK: Hum

  static func hum(_ samples: [Float], _ rate: Int) throws -> HumDetector.Hum? {
    var detector = HumDetector(try SampleRate(rate))
    detector.process(samples.span)
    return detector.hum
  }

  @Test(
    "Hum is found under a voice with pauses, with its frequency and level", arguments: [8_000, 44_100, 192_000],
    [50, 60])
  func hum(rate: Int, mains: Int) throws {
    var random = SeededGenerator(seed: 7)
    let voice = rate > 50_000 ? random.samples(4 * rate).map { $0 * 0.001 } : Self.voice(rate, seconds: 4)
    var samples = voice
    for i in samples.indices {
      let time = Double(i) / Double(rate)
      if time > 1.5, time < 3.2 { samples[i] = Float.random(in: -1e-3...1e-3, using: &random) }
    }
    #expect(try Self.hum(samples, rate) == nil)
    for i in samples.indices {
      // The mains are a little off, as they are.
      let angle = 2 * .pi * Double(mains) * 1.002 * Double(i) / Double(rate)
      samples[i] += Float(0.01 * sin(angle) + 0.005 * sin(2 * angle + 1)) + 0.05
    }
    let found = try #require(try Self.hum(samples, rate))
    #expect(found.mains == mains && found.frequencies.contains(mains))
    #expect(abs(found.level - 10 * log10((1e-4 + 0.25e-4) / 2)) < 2, "\(found.level)")
  }

  // MARK: Band

  @Test(
    "A band's upper edge is found", arguments: [(16_000, 3_400.0), (48_000, 4_000), (48_000, 16_000), (192_000, 7_000)])
  func band(rate: Int, edge: Double) throws {
    var random = SeededGenerator(seed: 8)
    // Noise in bursts, made of tones up to the edge, over a floor.
    let last: [(Double, Double)] = [(edge, 0)]
    let tones: [(Double, Double)] =
      (0..<60).map { _ in
        (Double.random(in: 200...edge, using: &random), Double.random(in: 0...6, using: &random))
      } + last
    let samples = (0..<rate).map { i in
      let time = Double(i) / Double(rate)
      // Bursts of 0.3 s that swell and fade: an abrupt one reaches further up.
      let place = time.truncatingRemainder(dividingBy: 0.5) / 0.3
      let envelope = place < 1 ? 0.01 * pow(sin(.pi * place), 2) : 0
      var sum = 0.0
      if envelope > 0 { for tone in tones { sum += envelope * sin(2 * .pi * tone.0 * time + tone.1) } }
      return Float(sum) + Float.random(in: -3e-5...3e-5, using: &random)
    }
    var meter = BandwidthMeter(try SampleRate(rate))
    meter.process(samples.span)
    let measured = meter.band
    let band = try #require(measured)
    // Five bins are taken together, and the window has a main lobe of eight.
    let width = Double(min(rate, 48_000)) / 512
    #expect(abs(band.upperEdge - edge) <= 7 * width, "\(band.upperEdge)")
    if edge < 15_000 { #expect(band.drop > 12, "\(band.drop)") }
  }

  // MARK: Channels

  static func compare(_ first: [Float], _ second: [Float], _ rate: Int) throws -> (
    alignment: ChannelComparison.Alignment?, correlation: Double?, loss: Double?, difference: Double?
  ) {
    var comparison = ChannelComparison(try SampleRate(rate))
    comparison.process(first.span, second.span)
    return (comparison.alignment, comparison.correlation, comparison.downmixLoss, comparison.levelDifference)
  }

  @Test("Delay, polarity and level of channels", arguments: rates)
  func channels(rate: Int) throws {
    let voice = Self.voice(rate)
    var random = SeededGenerator(seed: 9)
    let noise = random.samples(voice.count).map { $0 * 1e-4 }
    let inverted = try Self.compare(voice, zip(voice, noise).map { -0.5 * $0 + $1 }, rate)
    #expect(try #require(inverted.correlation) < -0.999)
    #expect(abs(try #require(inverted.difference) + 6.02) < 0.1)
    #expect(try #require(try Self.compare(voice, voice.map { -$0 }, rate).loss) > 90)
    #expect(abs(try #require(try Self.compare(voice, voice, rate).loss)) < 1e-9)
    for milliseconds in [-25.0, -2, 0.5, 3, 30] {
      let count = Int(abs(milliseconds) * Double(rate) / 1_000)
      let late = [Float](repeating: 0, count: count) + voice.dropLast(count)
      let found = try Self.compare(milliseconds < 0 ? late : voice, milliseconds < 0 ? voice : late, rate)
      let alignment = try #require(found.alignment)
      #expect(alignment.correlation > 0.9)
      let expected = milliseconds < 0 ? -count : count
      #expect(abs(alignment.delay - expected) <= max(1, rate / 8_000), "\(alignment.delay) for \(expected)")
    }
    let other = random.samples(voice.count).map { $0 * 0.3 }
    #expect(abs(try #require(try Self.compare(voice, other, rate).alignment).correlation) < 0.2)
    #expect(
      abs(try #require(try Self.compare(other, random.samples(voice.count).map { $0 * 0.3 }, rate).loss) - 3.01) < 0.2)
  }

  // MARK: Speech and noise

  @Test("Speech above noise, from scores")
  func speechLevel() {
    var meter = SpeechLevelMeter()
    for frame in 0..<1_000 {
      let isSpeech = frame % 200 < 100
      let level: Float = isSpeech ? -20 : frame % 200 == 150 ? -25 : -50
      meter.process(FrameScore(isSpeech ? 0.9 : 0.1, features: FrameFeatures(energyInDecibels: level)))
    }
    #expect(abs((meter.speechLevel ?? 0) + 20) < 1e-3)
    // The clicks are left out.
    #expect(abs((meter.noiseLevel ?? 0) + 50) < 0.2)
    #expect(abs((meter.signalToNoise ?? 0) - 29.99) < 0.2)
    #expect(meter.speechCount == 500 && !meter.hasSilentPauses)
    meter.reset()
    for frame in 0..<400 {
      meter.process(
        FrameScore(frame < 200 ? 0.9 : 0, features: FrameFeatures(energyInDecibels: frame < 200 ? -20 : -120)))
    }
    #expect(meter.hasSilentPauses && meter.noiseLevel == nil && meter.signalToNoise == nil)
  }
}

extension Comparable {
  fileprivate func clamped(to range: ClosedRange<Self>) -> Self { min(max(self, range.lowerBound), range.upperBound) }
}
