/// The K-weighting of ITU-R BS.1770: a shelf that lifts what is above 2 kHz by 4 dB, as a head does, and a high-pass
/// at 38 Hz.
///
/// The recommendation gives coefficients for 48 kHz only. These are derived for any rate by the bilinear transform from
/// the analogue filters that those coefficients stand for (B. De Man, "Evaluation of implementations of the EBU R128
/// loudness measurement", 2018); at 48 kHz they are the recommendation's. As there, the high-pass has the numerator
/// 1, -2, 1 at every rate, as other implementations have it. Against 192 kHz, the response then differs by up to 0.2 dB
/// at 16 kHz, by up to 0.5 dB at 8 kHz, and at 4 kHz by up to 0.7 dB below 1.5 kHz.
struct KWeighting: Sendable {
  /// A second-order section, `a0` being 1.
  struct Section: Sendable {
    let b0, b1, b2, a1, a2: Double
  }

  let shelf: Section
  let highPass: Section

  init(_ sampleRate: SampleRate) {
    let rate = Double(sampleRate.hertz)
    do {
      let k = tangent(.pi * 1681.974450955533 / rate)
      let quality = 0.7071752369554196
      let high = raised(10, 3.999843853973347 / 20)
      let middle = raised(high, 0.4996667741545416)
      let a0 = 1 + k / quality + k * k
      shelf = Section(
        b0: (high + middle * k / quality + k * k) / a0, b1: 2 * (k * k - high) / a0,
        b2: (high - middle * k / quality + k * k) / a0, a1: 2 * (k * k - 1) / a0, a2: (1 - k / quality + k * k) / a0)
    }
    do {
      let k = tangent(.pi * 38.13547087602444 / rate)
      let quality = 0.5003270373238773
      let a0 = 1 + k / quality + k * k
      highPass = Section(b0: 1, b1: -2, b2: 1, a1: 2 * (k * k - 1) / a0, a2: (1 - k / quality + k * k) / a0)
    }
  }

  /// What the two sections remember of a channel.
  struct State: Sendable {
    fileprivate var shelf1 = 0.0
    fileprivate var shelf2 = 0.0
    fileprivate var pass1 = 0.0
    fileprivate var pass2 = 0.0
  }

  /// Filters `samples` and returns `energy` plus the sum of the squares of what comes out, added one by one. Samples
  /// must be finite.
  func energy(of samples: Span<Float>, addedTo energy: Double, state: inout State) -> Double {
    var (s1, s2, p1, p2) = (state.shelf1, state.shelf2, state.pass1, state.pass2)
    var sum = energy
    let (shelf, highPass) = (shelf, highPass)
    for i in samples.indices {
      let x = Double(samples[i])
      let y = shelf.b0 * x + s1
      s1 = shelf.b1 * x - shelf.a1 * y + s2
      s2 = shelf.b2 * x - shelf.a2 * y
      // The high-pass has the numerator 1, -2, 1.
      let z = y + p1
      p1 = p2 - 2 * y - highPass.a1 * z
      p2 = y - highPass.a2 * z
      sum += z * z
    }
    // What decays towards 0 would otherwise do so through subnormal numbers, which are a hundred times slower.
    let least = 1e-30
    state.shelf1 = abs(s1) < least ? 0 : s1
    state.shelf2 = abs(s2) < least ? 0 : s2
    state.pass1 = abs(p1) < least ? 0 : p1
    state.pass2 = abs(p2) < least ? 0 : p2
    return sum
  }
}
