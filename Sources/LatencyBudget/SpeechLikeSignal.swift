import AudioDSP

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#endif

/// Something to measure with that is neither silence nor a tone: a voice-like sound over noise, the same on every
/// machine and in every run.
///
/// Four seconds that repeat. For three of them, syllables at 4 Hz: a fundamental that glides between 100 and 140 Hz
/// with its harmonics up to 4 kHz, falling by 6 dB an octave and bent by two formants, and in between bursts of white
/// noise as fricatives have it. One second of pause. Beneath all of it white noise at -60 dBFS, another one in each
/// channel.
public enum SpeechLikeSignal {
  /// How long the signal is before it repeats.
  public static let seconds = 4

  /// Interleaved samples of ``seconds`` seconds. Allocates.
  ///
  /// - Precondition: `channelCount` is positive.
  public static func interleaved(_ sampleRate: SampleRate, channelCount: Int) -> [Float] {
    precondition(channelCount > 0)
    let rate = Double(sampleRate.hertz)
    let frameCount = sampleRate.hertz * seconds
    var noise = Noise()
    var samples = [Float](repeating: 0, count: frameCount * channelCount)
    var phase = 0.0
    for frame in 0..<frameCount {
      let time = Double(frame) / rate
      let pitch = 120 + 20 * sin(2 * .pi * 0.75 * time)
      phase += 2 * .pi * pitch / rate
      let syllable = time < 3 ? sin(2 * .pi * 4 * time) : 0
      let voice = syllable > 0 ? 0.25 * syllable * harmonics(phase, pitch, below: min(4_000, rate / 2)) : 0
      let hiss = syllable < -0.6 ? 0.05 * noise.next() : 0
      for channel in 0..<channelCount {
        // A uniform value between -a and a has the power a * a / 3.
        samples[frame * channelCount + channel] = Float(voice + hiss + 0.00173 * noise.next())
      }
    }
    return samples
  }

  /// A harmonic tone with peaks around 600 and 1,700 Hz, those of an open vowel.
  private static func harmonics(_ phase: Double, _ pitch: Double, below limit: Double) -> Double {
    // sin((k + 1) p) = 2 cos(p) sin(k p) - sin((k - 1) p) saves a sine for each harmonic.
    let twiceCosine = 2 * cos(phase)
    var (before, present) = (0.0, sin(phase))
    var sum = 0.0
    var harmonic = 1.0
    while harmonic * pitch < limit {
      let frequency = harmonic * pitch
      let first = (frequency - 600) / 200
      let second = (frequency - 1_700) / 300
      sum += present * (0.4 / harmonic + 0.5 / (1 + first * first) + 0.2 / (1 + second * second))
      (before, present) = (present, twiceCosine * present - before)
      harmonic += 1
    }
    return sum
  }

  /// Uniform values between -1 and 1 by a counter through a mixer: SplitMix64 (Steele, Lea, Flood, "Fast splittable
  /// pseudorandom number generators", 2014).
  private struct Noise {
    private var state: UInt64 = 0

    mutating func next() -> Double {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      z ^= z >> 31
      return Double(Int64(bitPattern: z)) * 0x1p-63
    }
  }
}
