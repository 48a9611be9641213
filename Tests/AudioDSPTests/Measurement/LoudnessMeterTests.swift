import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// Against analytic cases: those of EBU Tech 3341 (2016) whose signals are described there in full.
@Suite struct LoudnessMeterTests {
  /// A stereo tone of 1 kHz that changes its level: seconds and dBFS of the peak, as in EBU Tech 3341.
  private static func tone(_ parts: [(seconds: Double, level: Double)], rate: Int, frequency: Double = 1_000) -> [Float]
  {
    var samples: [Float] = []
    for part in parts {
      let amplitude = pow(10, part.level / 20)
      let start = samples.count / 2
      for i in start..<start + Int(part.seconds * Double(rate)) {
        let value = Float(amplitude * sin(2 * .pi * frequency * Double(i) / Double(rate)))
        samples += [value, value]
      }
    }
    return samples
  }

  private static func loudness(_ samples: [Float], rate: Int, channelCount: Int = 2) throws -> Double? {
    var meter = LoudnessMeter(try SampleRate(rate), channelCount: channelCount)
    meter.process(samples.span)
    return meter.integrated
  }

  // Lower rates are the quicker ones in a debug build.
  @Test(
    "EBU Tech 3341: cases 1 to 5", arguments: [8_000, 16_000],
    [
      (-23.0, [(20.0, -23.0)]), (-33.0, [(20.0, -33.0)]),
      (-23.0, [(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)]),
      (-23.0, [(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)]),
      (-23.0, [(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)]),
    ])
  func ebuCases(rate: Int, _ expected: (Double, [(Double, Double)])) throws {
    let measured = try #require(
      try Self.loudness(Self.tone(expected.1.map { (seconds: $0.0, level: $0.1) }, rate: rate), rate: rate))
    // What the recommendation allows is 0.1 LU.
    #expect(abs(measured - expected.0) <= 0.1, "\(measured)")
  }

  @Test("A tone of 997 Hz in one channel is at -3.01 LUFS for full scale, whatever the rate")
  func reference() throws {
    for rate in [4_000, 8_000, 11_025, 16_000, 32_000, 48_000, 96_000, 192_000] {
      let samples = sineWave(997, rate: rate, count: rate)
      let measured = try #require(try Self.loudness(samples, rate: rate, channelCount: 1))
      // At 4 kHz the bilinear transform has bent the shelf by then.
      #expect(abs(measured + 3.01) <= (rate == 4_000 ? 0.6 : 0.1), "\(rate) Hz: \(measured)")
    }
  }

  @Test("Channels of 5.1 count as BS.1770 says")
  func weights() throws {
    let rate = 16_000
    let tone = sineWave(997, rate: rate, count: rate, amplitude: 0.1)
    func level(_ channel: Int) throws -> Double? {
      var samples = [Float](repeating: 0, count: tone.count * 6)
      for i in tone.indices { samples[6 * i + channel] = tone[i] }
      return try Self.loudness(samples, rate: rate, channelCount: 6)
    }
    let front = try #require(try level(0))
    #expect(abs(front + 23.01) < 0.1)
    #expect(try level(3) == nil)
    #expect(abs(try #require(try level(4)) - front - 10 * log10(1.41)) < 1e-6)
  }

  @Test("Silence, and less than a block, have no loudness")
  func nothing() throws {
    #expect(try Self.loudness([Float](repeating: 0, count: 20_000), rate: 8_000) == nil)
    #expect(try Self.loudness(Self.tone([(0.39, -20)], rate: 8_000), rate: 8_000) == nil)
    #expect(try Self.loudness(Self.tone([(0.41, -20)], rate: 8_000), rate: 8_000) != nil)
  }

  @Test("Gated by blocks in one list, as the recommendation has it, noise that changes its level is as loud")
  func againstAllBlocks() throws {
    var random = SeededGenerator(seed: 21)
    let rate = 8_000
    var samples: [Float] = []
    for _ in 0..<40 {
      let level = Float(pow(10, Double.random(in: -3.5 ... -0.5, using: &random)))
      samples += random.samples(rate / 2).map { $0 * level }
    }
    var powers: [Double] = []
    let meterRate = try SampleRate(rate)
    var meter = LoudnessMeter(meterRate, channelCount: 1)
    var previous = 0
    for step in 4...samples.count / (rate / 10) {
      let (start, end) = ((step - 4) * rate / 10, step * rate / 10)
      let lead = max(0, start - rate)
      // A second of lead-in settles the oracle's filter.
      meter.process(samples.span.extracting(previous..<end))
      previous = end
      powers.append(Self.weightedPower(Array(samples[lead..<end]), rate: Double(rate), last: end - start))
    }
    let loud = powers.filter { -0.691 + 10 * log10($0) > -70 }
    let gate = -0.691 + 10 * log10(loud.reduce(0, +) / Double(loud.count)) - 10
    let kept = loud.filter { -0.691 + 10 * log10($0) > gate }
    let expected = -0.691 + 10 * log10(kept.reduce(0, +) / Double(kept.count))
    let integrated = meter.integrated
    #expect(abs(try #require(integrated) - expected) < 0.03)
  }

  /// The mean square of the last samples, K-weighted by plain difference equations in direct form.
  private static func weightedPower(_ samples: [Float], rate: Double, last count: Int) -> Double {
    func filter(_ x: [Double], _ b: [Double], _ a: [Double]) -> [Double] {
      var y = [Double](repeating: 0, count: x.count)
      for n in x.indices {
        var sum = b[0] * x[n]
        for k in 1...2 where n >= k { sum += b[k] * x[n - k] - a[k] * y[n - k] }
        y[n] = sum
      }
      return y
    }
    let f = tan(Double.pi * 1681.974450955533 / rate)
    let (q, high) = (0.7071752369554196, pow(10, 3.999843853973347 / 20))
    let middle = pow(high, 0.4996667741545416)
    let a0 = 1 + f / q + f * f
    let shelf = filter(
      samples.map(Double.init),
      [(high + middle * f / q + f * f) / a0, 2 * (f * f - high) / a0, (high - middle * f / q + f * f) / a0],
      [1, 2 * (f * f - 1) / a0, (1 - f / q + f * f) / a0])
    let g = tan(Double.pi * 38.13547087602444 / rate)
    let p = 0.5003270373238773
    let c0 = 1 + g / p + g * g
    let passed = filter(shelf, [1, -2, 1], [1, 2 * (g * g - 1) / c0, (1 - g / p + g * g) / c0])
    return passed.suffix(count).reduce(0) { $0 + $1 * $1 } / Double(count)
  }

  /// True peaks: EBU Tech 3341, cases 15 to 19, tones at parts of the rate whose samples miss their tops.
  @Test(
    "EBU Tech 3341: true peaks, +0.2 and -0.4 dB",
    arguments: [
      (4.0, 0.0, -6.0), (4.0, 45.0, -6.0), (6.0, 60.0, -6.0), (8.0, 67.5, -6.0), (4.0, 45.0, 3.0),
    ])
  func truePeaks(part: Double, degrees: Double, expected: Double) {
    let amplitude = pow(10, expected / 20)
    var samples = (0..<9_600).map {
      Float(amplitude * sin(2 * .pi * Double($0) / part + degrees * .pi / 180))
    }
    // Faded, because an abrupt start has peaks of its own.
    for i in 0..<480 {
      samples[i] *= Float(i) / 480
      samples[samples.count - 1 - i] *= Float(i) / 480
    }
    var meter = TruePeakMeter()
    meter.process(samples.span)
    meter.finish()
    let measured = 20 * log10(Double(meter.truePeak))
    #expect((expected - 0.4...expected + 0.2).contains(measured), "\(measured)")
    #expect(meter.samplePeak <= meter.truePeak)
  }

  @Test("Between the instants that are looked at, no more is missed than the stated 0.7 dB, and nothing is made up")
  func interpolationError() {
    // From 0.02 to 0.9 of the Nyquist frequency.
    for k in stride(from: 0.02, through: 0.9, by: 0.04) {
      for phase in [0.0, 0.3, 0.7] {
        var samples = (0..<2_000).map { Float(0.5 * sin(.pi * k * Double($0) + phase)) }
        for i in 0..<400 {
          samples[i] *= Float(i) / 400
          samples[samples.count - 1 - i] *= Float(i) / 400
        }
        var meter = TruePeakMeter()
        meter.process(samples.span)
        meter.finish()
        let error = 20 * log10(Double(meter.truePeak) / 0.5)
        #expect(error < 0.05 && error > 20 * log10(cos(.pi * k / 8)) - 0.05, "\(k) \(phase): \(error)")
      }
    }
  }

  @Test("Is as loud as ffmpeg's ebur128 says, on real files of several rates")
  func againstFFmpeg() throws {
    guard
      let ffmpeg = ["/usr/bin/ffmpeg", "/usr/local/bin/ffmpeg", "/opt/homebrew/bin/ffmpeg"].first(where: {
        FileManager.default.isExecutableFile(atPath: $0)
      })
    else {
      print("LoudnessMeterTests: no ffmpeg here: the comparison with its ebur128 filter was left out")
      return
    }
    for name in ["speech.wav", "noisy-10dB-16k.wav", "pcm8-11k025.wav", "pcm24-extensible-24k.wav"] {
      let recording = try TestRecording.named(name)
      let channels = try (0..<recording.channels).map { try recording.waveSamples(channel: $0) }
      var interleaved: [Float] = []
      for i in channels[0].indices { interleaved += channels.map { $0[i] } }
      var meter = LoudnessMeter(try SampleRate(recording.sampleRate), channelCount: recording.channels)
      meter.process(interleaved.span)

      let process = Process()
      process.executableURL = URL(filePath: ffmpeg)
      process.arguments = [
        "-nostdin", "-hide_banner", "-i", TestRecording.folder.appending(path: name).path, "-af", "ebur128", "-f",
        "null", "-",
      ]
      let pipe = Pipe()
      process.standardError = pipe
      try process.run()
      let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      let line = try #require(text.split(separator: "\n").last { $0.contains("I:") && $0.contains("LUFS") })
      let words = line.split(separator: " ")
      let expected = try #require(words.firstIndex(of: "I:").flatMap { Double(words[$0 + 1]) })
      // ffmpeg gives one decimal.
      let integrated = meter.integrated
      #expect(abs(try #require(integrated) - expected) <= 0.1, "\(name): \(expected)")
    }
  }
}
