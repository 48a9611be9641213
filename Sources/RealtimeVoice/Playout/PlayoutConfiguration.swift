/// How answers are played: what a ``PlayoutQueue`` waits for, holds and fades.
public struct PlayoutConfiguration: Hashable, Sendable {
  /// The audio that must be there before an item starts, and before it goes on after it has starved; an item that is
  /// complete starts with less. Services send faster than real time, so what is to be bridged is the distance between
  /// two messages of the network: 20 ms, the usual length of a packet of speech.
  public var jitterBuffer: Duration
  /// How long after it was pulled audio is heard: the device's buffer. It is taken off what counts as heard. Zero, since
  /// only the owner knows the device.
  public var outputLatency: Duration
  /// The most that waits: beyond it ``PlayoutQueue/isFull`` asks the owner to read no more. Twice as much is taken, since
  /// what is on its way arrives all the same. 10 min are more than the longest answer of a service (4,096 tokens of 50 ms
  /// are 205 s) and 29 MB at 24 kHz.
  public var capacity: Duration
  /// The level of audio that is ducked, in dB: 20 dB down is clearly behind a voice, yet heard.
  public var duckingGainInDecibels: Double
  /// How long the way down takes: 10 ms, short beside a syllable and long enough to make no click.
  public var duckingRamp: Duration
  /// How long the way back takes: 50 ms, since a fast rise sounds like an onset.
  public var restoringRamp: Duration
  /// How long audio fades that is stopped: 5 ms, the least without a click, so that little is heard after a stop.
  public var stoppingFade: Duration

  public init(
    jitterBuffer: Duration = .milliseconds(20), outputLatency: Duration = .zero, capacity: Duration = .seconds(600),
    duckingGainInDecibels: Double = -20, duckingRamp: Duration = .milliseconds(10),
    restoringRamp: Duration = .milliseconds(50), stoppingFade: Duration = .milliseconds(5)
  ) {
    self.jitterBuffer = jitterBuffer
    self.outputLatency = outputLatency
    self.capacity = capacity
    self.duckingGainInDecibels = duckingGainInDecibels
    self.duckingRamp = duckingRamp
    self.restoringRamp = restoringRamp
    self.stoppingFade = stoppingFade
  }
}
