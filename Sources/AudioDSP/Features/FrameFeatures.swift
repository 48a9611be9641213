/// What is measured of every analysis frame.
public struct FrameFeatures: Hashable, Sendable {
  /// The level that stands for digital silence, in dBFS.
  public static let silence: Float = -120

  /// The mean of the squared samples in dBFS: 0 is the energy of a full-scale square wave, so that a full-scale sine
  /// has
  /// -3.01. Not below ``silence``.
  public var energyInDecibels: Float
  /// As ``energyInDecibels``, of the samples less their mean: what is left when an offset of the sound card is taken
  /// away. Exact to 0.01 dB down to 25 dB below an offset's own energy; from 54 dB below it on, rounding hides it.
  public var alternatingEnergyInDecibels: Float
  /// The part of neighbouring pairs of samples between which the signal crosses the running mean of the stream: 0...1.
  /// A tone of `f` Hz has `2 * f / sampleRate`.
  public var zeroCrossingRate: Float

  /// Features that were measured elsewhere.
  public init(
    energyInDecibels: Float = silence, alternatingEnergyInDecibels: Float? = nil, zeroCrossingRate: Float = 0
  ) {
    self.energyInDecibels = energyInDecibels
    self.alternatingEnergyInDecibels = alternatingEnergyInDecibels ?? energyInDecibels
    self.zeroCrossingRate = zeroCrossingRate
  }
}
