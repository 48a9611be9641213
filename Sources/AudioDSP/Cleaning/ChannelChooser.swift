/// Makes one channel of several, by what is on them: dead channels are left out, inverted ones turned over, and, as the
/// policy says, copies of a channel counted once or one channel taken alone.
///
/// It starts as the mean of all channels and decides at the end of each block of 10 ms, from what has come until then;
/// there is no latency. What changes is faded over 30 ms, linearly, so that a channel's weight never jumps.
///
/// 1. **Dead** is a channel of digital silence while there is something on another one: at once where nothing ever was
///    on it, after 2 s where something was; and one whose loudest block is 50 dB below that of the loudest channel. It
///    is alive again when this is less than 40 dB. The loudest block is forgotten at 1 dB in a second, so that the
///    second caller is not dead while the first one speaks.
/// 2. **Inverted** is a channel whose correlation with the first one that is alive, where there is sound on both, falls
///    below -0.8, from 50 ms of sound on; it is taken as upright again above 0. Where only one of them has sound, the
///    decision stands. The two channels of a conversation are not correlated.
/// 3. **A copy** is a channel whose correlation is above 0.98, turned over or not, until it falls below 0.9.
///
/// However the stream is cut into calls, what comes out is the same, bit for bit. Samples that are not finite are taken
/// as 0. Nothing allocates after `init`.
public struct ChannelChooser: ~Copyable, Sendable {
  /// What becomes of the channels that are alive.
  public enum Policy: Hashable, Sendable, CaseIterable {
    /// The mean of all of them, those that are copies of the first one left out.
    case automatic
    /// The mean of all of them.
    case mean
    /// The one whose loudest block stands out the most of its quietest ones, once there was half a second of sound;
    /// before that the mean. Another one takes its place when it has been better by 6 dB for a second of sound.
    case best
  }

  /// What has been found about a channel.
  public struct ChannelState: Hashable, Sendable {
    /// Whether there is nothing on it.
    public var isDead = false
    /// Whether it is the wrong way round, against the first channel that is alive.
    public var isInverted = false
    /// Whether it has what the first channel that is alive has.
    public var isCopy = false
    /// What its samples are multiplied by once the present change is complete.
    public var weight: Float = 0
  }

  private static let blocksPerSecond = 100
  private static let fadeMilliseconds = 30
  /// -70 dBFS, and 35 dB below the loudest of the channel: what is quieter is no sound to compare by.
  private static let leastPower = 1e-7
  private static let leastShareOfLoudest = 3.2e-4
  /// -1 dB in a second.
  private static let loudestDecay = 0.99770
  private static let deadRatio = 1e-5
  private static let aliveRatio = 1e-4
  private static let deadBlocks = 200
  /// Of the sums for a correlation: half a second of sound.
  private static let correlationDecay = 0.98
  private static let leastComparedBlocks = 5
  private static let inverted = (below: -0.8, above: 0.0)
  private static let copy = (above: 0.98, below: 0.9)
  /// For the best channel: the floor rises by 1 dB in a second, and is not below -100 dBFS.
  private static let floorRise = 1.00231
  private static let leastFloor = 1e-10
  private static let firstChoiceBlocks = 50
  private static let changeBlocks = 100
  private static let betterRatio = 4.0
  /// Channels that differ by less than 1 dB are equally good: the first one is taken.
  private static let notEqualRatio = 1.26

  public let sampleRate: SampleRate
  public let channelCount: Int
  public let policy: Policy
  /// 0.
  public var latencyInSamples: Int { 0 }
  /// How many sample frames have come.
  public private(set) var sampleFrameCount = 0

  private let kernels: Kernels
  private let blockLength: Int
  private let fadeLength: Int

  /// What a channel remembers.
  private struct Channel: Sendable {
    var state = ChannelState()
    var power = 0.0
    var product = 0.0
    var loudest = 0.0
    var floor = Double.infinity
    var silentBlocks = 0
    var energy = 0.0
    var referenceEnergy = 0.0
    var sharedEnergy = 0.0
    var comparedBlocks = 0
    /// How long it has been better than the one that is taken.
    var betterBlocks = 0
    /// Weights before and after the present change.
    var from: Float = 0
    var to: Float = 0
  }

  private var channels: [Channel]
  private var reference = 0
  private var chosen: Int?
  private var soundBlocks = 0
  private var inBlock = 0
  private var faded: Int
  private var plan = Plan.mean

  /// How the present samples are made where there is no change going on.
  private enum Plan: Hashable { case mean, channel(Int), weighted }

  /// A chooser at the start of a stream.
  ///
  /// - Throws: ``DownmixError/noChannels``
  public init(_ sampleRate: SampleRate, channelCount: Int, policy: Policy = .automatic) throws(DownmixError) {
    guard channelCount > 0 else { throw .noChannels }
    self.sampleRate = sampleRate
    self.channelCount = channelCount
    self.policy = policy
    kernels = .active
    blockLength = sampleRate.hertz / Self.blocksPerSecond
    fadeLength = sampleRate.hertz * Self.fadeMilliseconds / 1_000
    faded = fadeLength
    channels = [Channel](repeating: Channel(), count: channelCount)
    start()
  }

  /// What has been found about a channel, counted from 0.
  ///
  /// - Precondition: There is one.
  public func state(ofChannel channel: Int) -> ChannelState {
    var state = channels[channel].state
    state.weight = channels[channel].to
    return state
  }

  /// Writes one sample per sample frame to the start of `mono`. Does not allocate.
  ///
  /// - Parameter interleaved: `interleaved[i * channelCount + c]` is channel `c` of sample frame `i`.
  /// - Returns: How many of the samples, of all channels, were not finite.
  /// - Throws: ``DownmixError`` when the counts do not fit, having written nothing.
  public mutating func process(
    _ interleaved: Span<Float>, into mono: inout MutableSpan<Float>
  ) throws(DownmixError) -> Int {
    let (frameCount, rest) = interleaved.count.quotientAndRemainder(dividingBy: channelCount)
    guard rest == 0 else {
      throw .partialSampleFrame(sampleCount: interleaved.count, channelCount: channelCount)
    }
    guard mono.count >= frameCount else { throw .outputTooSmall(required: frameCount, capacity: mono.count) }
    if channelCount == 1 {
      sampleFrameCount += frameCount
      return kernels.downmix(interleaved, channelCount: 1, channel: 0, into: &mono)
    }
    var replaced = 0
    var taken = 0
    while taken < frameCount {
      var count = min(frameCount - taken, blockLength - inBlock)
      if faded < fadeLength { count = min(count, fadeLength - faded) }
      let part = interleaved.extracting(taken * channelCount..<(taken + count) * channelCount)
      var target = mono._mutatingExtracting(taken..<taken + count)
      replaced += Self.measure(part, &channels, reference: reference)
      mix(part, into: &target)
      taken += count
      inBlock += count
      if inBlock == blockLength {
        inBlock = 0
        endBlock()
      }
    }
    sampleFrameCount += frameCount
    return replaced
  }

  /// Makes the chooser as it was after `init`.
  public mutating func reset() {
    for i in 0..<channelCount { channels[i] = Channel() }
    sampleFrameCount = 0
    reference = 0
    chosen = nil
    soundBlocks = 0
    inBlock = 0
    faded = fadeLength
    start()
  }

  private mutating func start() {
    for i in 0..<channelCount {
      channels[i].to = 1 / Float(channelCount)
      channels[i].from = channels[i].to
    }
    plan = .mean
  }

  // MARK: Samples

  /// Adds up powers, and products with the reference; returns how many samples were not finite.
  private static func measure(_ interleaved: Span<Float>, _ channels: inout [Channel], reference: Int) -> Int {
    let channelCount = channels.count
    var replaced = 0
    for c in 0..<channelCount {
      var (power, product) = (channels[c].power, channels[c].product)
      var place = 0
      while place < interleaved.count {
        let sample = interleaved[place + c]
        let other = interleaved[place + reference]
        if sample.isFinite {
          let x = Double(sample)
          power += x * x
          product += other.isFinite ? x * Double(other) : 0
        } else {
          replaced += 1
        }
        place += channelCount
      }
      channels[c].power = power
      channels[c].product = product
    }
    return replaced
  }

  private mutating func mix(_ interleaved: Span<Float>, into mono: inout MutableSpan<Float>) {
    let count = mono.count
    if faded == fadeLength {
      switch plan {
      case .mean:
        _ = kernels.downmix(interleaved, channelCount: channelCount, channel: nil, into: &mono)
        return
      case .channel(let channel):
        _ = kernels.downmix(interleaved, channelCount: channelCount, channel: channel, into: &mono)
        return
      case .weighted: break
      }
    }
    for i in 0..<count {
      let share = faded < fadeLength ? Double(faded + i + 1) / Double(fadeLength) : 1
      var sum = 0.0
      for c in 0..<channelCount {
        let sample = interleaved[i * channelCount + c]
        let weight = Double(channels[c].from) + (Double(channels[c].to) - Double(channels[c].from)) * share
        sum += sample.isFinite ? Double(sample) * weight : 0
      }
      // Rounding of the weights must not make the largest floats infinite.
      let greatest = Double(Float.greatestFiniteMagnitude)
      mono[i] = Float(min(greatest, max(-greatest, sum)))
    }
    if faded < fadeLength {
      faded += count
      if faded == fadeLength {
        for c in 0..<channelCount { channels[c].from = channels[c].to }
      }
    }
  }

  // MARK: Decisions

  private mutating func endBlock() {
    var loudest = 0.0
    for c in 0..<channelCount {
      let power = channels[c].power / Double(blockLength)
      channels[c].loudest = max(power, channels[c].loudest * Self.loudestDecay)
      channels[c].floor = max(Self.leastFloor, min(power, channels[c].floor * Self.floorRise))
      loudest = max(loudest, channels[c].loudest)
    }
    findDead(loudest)
    compare()
    if policy == .best { choose() }
    for c in 0..<channelCount {
      channels[c].power = 0
      channels[c].product = 0
    }
    updateReference()
    if faded == fadeLength { updateWeights() }
  }

  private func isSound(_ channel: Channel) -> Bool {
    channel.power >= Double(blockLength) * max(Self.leastPower, Self.leastShareOfLoudest * channel.loudest)
  }

  private mutating func findDead(_ loudest: Double) {
    // Silence everywhere tells nothing.
    guard loudest > 0 else { return }
    var isSomething = false
    for c in 0..<channelCount where channels[c].power > 0 { isSomething = true }
    for c in 0..<channelCount {
      var channel = channels[c]
      if channel.power > 0 {
        channel.silentBlocks = 0
      } else if isSomething {
        channel.silentBlocks += 1
      }
      let ratio = channel.loudest / loudest
      if channel.state.isDead {
        channel.state.isDead = channel.power == 0 || ratio < Self.aliveRatio
      } else if channel.loudest == 0 || channel.silentBlocks >= Self.deadBlocks {
        channel.state.isDead = true
        // What was on it before does not make it alive again.
        channel.loudest = 0
      } else if loudest >= Self.leastPower, ratio < Self.deadRatio {
        channel.state.isDead = true
      }
      channels[c] = channel
    }
  }

  private mutating func compare() {
    let first = channels[reference]
    guard isSound(first) else { return }
    soundBlocks += 1
    for c in 0..<channelCount where c != reference && !channels[c].state.isDead {
      var channel = channels[c]
      guard isSound(channel) else { continue }
      channel.energy = Self.correlationDecay * channel.energy + channel.power
      channel.referenceEnergy = Self.correlationDecay * channel.referenceEnergy + first.power
      channel.sharedEnergy = Self.correlationDecay * channel.sharedEnergy + channel.product
      channel.comparedBlocks += 1
      let scale = channel.energy.squareRoot() * channel.referenceEnergy.squareRoot()
      if channel.comparedBlocks >= Self.leastComparedBlocks, scale > 0 {
        let correlation = channel.sharedEnergy / scale
        let isOpposite = channel.state.isInverted != first.state.isInverted
        let willBeOpposite = isOpposite ? correlation < Self.inverted.above : correlation < Self.inverted.below
        channel.state.isInverted = willBeOpposite != first.state.isInverted
        channel.state.isCopy = abs(correlation) > (channel.state.isCopy ? Self.copy.below : Self.copy.above)
      }
      channels[c] = channel
    }
  }

  /// The first channel that is alive is what the others are compared with.
  private mutating func updateReference() {
    var first = 0
    while first < channelCount, channels[first].state.isDead { first += 1 }
    guard first < channelCount, first != reference else { return }
    reference = first
    for c in 0..<channelCount {
      // Which of them are the wrong way round stays: the others are as they are.
      channels[c].state.isCopy = false
      channels[c].energy = 0
      channels[c].referenceEnergy = 0
      channels[c].sharedEnergy = 0
      channels[c].comparedBlocks = 0
    }
  }

  private mutating func choose() {
    var best: Int?
    for c in 0..<channelCount where !channels[c].state.isDead {
      if let known = best, clarity(c) <= Self.notEqualRatio * clarity(known) { continue }
      best = c
    }
    guard let best else { return }
    guard let present = chosen, !channels[present].state.isDead else {
      if soundBlocks >= Self.firstChoiceBlocks || chosen != nil { chosen = best }
      return
    }
    for c in 0..<channelCount {
      let isBetter = c == best && clarity(c) > Self.betterRatio * clarity(present)
      if !isBetter {
        channels[c].betterBlocks = 0
      } else if isSound(channels[c]) {
        channels[c].betterBlocks += 1
      }
    }
    if channels[best].betterBlocks >= Self.changeBlocks {
      chosen = best
      channels[best].betterBlocks = 0
    }
  }

  /// How far the loudest block stands out of the quietest ones.
  private func clarity(_ channel: Int) -> Double { channels[channel].loudest / channels[channel].floor }

  private mutating func updateWeights() {
    var count = 0
    for c in 0..<channelCount where isTaken(c) { count += 1 }
    guard count > 0 else { return }
    var isChanged = false
    var next = Plan.mean
    for c in 0..<channelCount {
      let magnitude: Float = isTaken(c) ? 1 / Float(count) : 0
      channels[c].to = channels[c].state.isInverted ? -magnitude : magnitude
      if channels[c].to != channels[c].from { isChanged = true }
      if channels[c].to == 1 {
        next = .channel(c)
      } else if channels[c].to != 1 / Float(channelCount), next == .mean {
        next = .weighted
      }
    }
    if count == 1 {
      next = .weighted
      for c in 0..<channelCount where channels[c].to == 1 { next = .channel(c) }
    }
    plan = next
    if isChanged { faded = 0 }
  }

  private func isTaken(_ channel: Int) -> Bool {
    if channels[channel].state.isDead { return false }
    if let chosen { return channel == chosen }
    return policy != .automatic || channel == reference || !channels[channel].state.isCopy
  }
}
