import AudioDSP
import AudioFiles
import Foundation

func raised(_ x: Double, _ exponent: Double) -> Double { pow(x, exponent) }

/// A power in dB; -200 for none.
func decibels(_ power: Double) -> Double { power > 1e-20 ? 10 * log10(power) : -200 }

/// What was measured of a recording. Levels in dBFS are of powers: a full-scale sine has -3.01. Nil is what cannot be
/// told: the level of speech where nobody speaks.
struct CheckMeasurements: Sendable {
  struct Channel: Sendable {
    var samplePeak: Double
    var truePeak: Double
    var rootMeanSquare: Double
    var crestFactor: Double?
    /// Of full scale.
    var mean: Double
    var offset: LevelMeter.Offset?
    var clippedTops: PlaceList
    var softCeiling: ClippingDetector.SoftCeiling?
    var gaps: PlaceList
    var repeats: PlaceList
    var hum: HumDetector.Hum?
    var band: BandwidthMeter.Band?
    var speechSeconds: Double
    var speechLevel: Double?
    var noiseLevel: Double?
    var greatestNoiseLevel: Double?
    var hasSilentPauses: Bool
    var signalToNoise: Double?
    /// All stretches of speech.
    var speechPlaces: [Range<Int>]
    /// Those that are long enough for their levels to be compared.
    var segments: [Segment]
    var nonFiniteCount: Int
    var firstNonFinite: Int?
  }

  struct Segment: Sendable {
    var place: Range<Int>
    var level: Double
  }

  struct Pair: Sendable {
    var first: Int
    var second: Int
    var correlation: Double?
    var levelDifference: Double?
    var downmixLoss: Double?
    var alignment: ChannelComparison.Alignment?
    var isIdentical: Bool
    /// Seconds in which somebody speaks and the first channel is louder than the second by 10 dB, and the other way.
    var firstAloneSeconds: Double
    var secondAloneSeconds: Double
  }

  var rate: SampleRate
  var frameCount: Int
  var container: String
  var encoding: String
  /// What of the recording is lost.
  var damage: [Damage]
  var loudness: Double?
  var maximumMomentaryLoudness: Double?
  /// Speech on any channel.
  var speechSeconds: Double
  var channels: [Channel]
  var pairs: [Pair]

  var seconds: Double { rate.seconds(of: frameCount) }

  /// The channel that has the most speech, and of those that have about as much the loudest.
  var bestChannel: Int {
    let most = channels.map(\.speechSeconds).max() ?? 0
    let candidates = channels.indices.filter { channels[$0].speechSeconds >= 0.8 * most }
    return candidates.max { level($0) < level($1) } ?? 0
  }

  private func level(_ channel: Int) -> Double {
    channels[channel].speechLevel ?? channels[channel].rootMeanSquare
  }
}
