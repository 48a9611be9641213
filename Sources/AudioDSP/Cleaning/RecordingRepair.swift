/// What is done to each channel as it was recorded, before any mixing or change of rate: ``ClippingRepair``, then
/// ``DCFilter``.
///
/// Only there are the tops that were cut off flat, and is an offset constant from the first sample to the last: the mean
/// of two channels has no rails of its own, a filter makes a click of an offset that starts, and a mix of channels whose
/// weights change makes steps of their offsets.
///
/// Sample frames come in slices and go out in step with the input: the delay of the repair is taken off at the start,
/// and ``finish(into:)`` gives what it holds back. The silence that drives it out does not come to the ``DCFilter``, for
/// which it would be a step. However the stream is cut, what comes out is the same, bit for bit. Nothing allocates after
/// `init`.
struct RecordingRepair: ~Copyable {
  /// How far the output stays behind the input, in sample frames: 5 ms with a repair of clipping, else 0.
  let latencyInSamples: Int

  private let interleaving: Interleaving
  private let channels: [Channel]
  /// A slice of one channel.
  private var samples: [Float]
  /// How many sample frames before the stream's start are still to come.
  private var leadCount: Int
  /// How many sample frames of silence are still to be passed at the end.
  private var silenceCount: Int

  /// The processors of one channel: an array cannot hold values that are not copyable.
  private final class Channel {
    let index: Int
    private var clipping: ClippingRepair?
    private var offset: DCFilter?

    init(_ index: Int, _ sampleRate: SampleRate, _ cleaning: CleaningConfiguration) {
      self.index = index
      if cleaning.repairsClipping { clipping = ClippingRepair(sampleRate) }
      guard cleaning.removesOffset else { return }
      do throws(FilterError) {
        offset = try DCFilter(sampleRate, cornerFrequency: CleaningConfiguration.offsetCorner)
      } catch {
        preconditionFailure("\(error)")
      }
    }

    /// Processes the samples in place, the first `lead` of which lie before the stream's start.
    func process(_ samples: inout MutableSpan<Float>, lead: Int) {
      clipping?.process(&samples)
      var recorded = samples._mutatingExtracting(lead...)
      offset?.process(&recorded)
    }

    func reset() {
      clipping?.reset()
      offset?.reset()
    }
  }

  /// A repair at the start of a stream.
  ///
  /// - Parameters:
  ///   - downmix: What the sample frames are for: of one channel's, only that channel is processed.
  ///   - cleaning: Says which of the two is done.
  ///   - sliceCount: The most sample frames that come or go at once.
  /// - Precondition: There are channels, and the chosen one.
  init(
    _ sampleRate: SampleRate, channelCount: Int, downmix: Downmix, cleaning: CleaningConfiguration, sliceCount: Int
  ) {
    precondition(sliceCount > 0)
    do throws(InterleavingError) {
      interleaving = try Interleaving(channelCount: channelCount)
    } catch {
      preconditionFailure("\(error)")
    }
    let used: Range<Int>
    switch downmix {
    case .mean, .automatic: used = 0..<channelCount
    case .channel(let channel): used = channel..<channel + 1
    }
    channels = used.map { Channel($0, sampleRate, cleaning) }
    samples = [Float](repeating: 0, count: sliceCount)
    latencyInSamples = cleaning.repairsClipping ? ClippingRepair(sampleRate).latencyInSamples : 0
    leadCount = latencyInSamples
    silenceCount = latencyInSamples
  }

  /// Takes all of `interleaved` and writes the sample frames that are due to the start of `output`. Channels that are
  /// not used are left there as they are.
  ///
  /// - Returns: How many sample frames were written.
  /// - Precondition: Whole sample frames, no more than a slice, and room for as many.
  mutating func process(_ interleaved: Span<Float>, into output: inout MutableSpan<Float>) -> Int {
    do throws(InterleavingError) {
      let count = try interleaving.sampleFrameCount(of: interleaved.count)
      let lead = min(leadCount, count)
      for i in 0..<channels.count {
        let channel = channels[i]
        try Self.extract(channel.index, interleaving, interleaved, into: &samples)
        try Self.process(&samples, count: count, lead: lead, by: channel, interleaving, into: &output)
      }
      leadCount -= lead
      return count - lead
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// Writes the next of the last sample frames to the start of `output`, a slice at the most.
  ///
  /// - Returns: How many were written; nil when none are left.
  mutating func finish(into output: inout MutableSpan<Float>) -> Int? {
    guard silenceCount > 0 else { return nil }
    let count = min(silenceCount, samples.count)
    let lead = min(leadCount, count)
    do throws(InterleavingError) {
      for i in 0..<channels.count {
        let channel = channels[i]
        Kernels.fill(&samples, in: 0..<count, with: 0)
        try Self.process(&samples, count: count, lead: lead, by: channel, interleaving, into: &output)
      }
    } catch {
      preconditionFailure("\(error)")
    }
    silenceCount -= count
    leadCount -= lead
    return count - lead
  }

  /// Makes the repair as it was after `init`.
  mutating func reset() {
    for i in 0..<channels.count { channels[i].reset() }
    leadCount = latencyInSamples
    silenceCount = latencyInSamples
  }

  // Static, so that each names exactly the state that it changes.

  private static func extract(
    _ channel: Int, _ interleaving: Interleaving, _ interleaved: Span<Float>, into samples: inout [Float]
  ) throws(InterleavingError) {
    var target = samples.mutableSpan
    _ = try interleaving.extract(channel: channel, of: interleaved, into: &target)
  }

  private static func process(
    _ samples: inout [Float], count: Int, lead: Int, by channel: Channel, _ interleaving: Interleaving,
    into output: inout MutableSpan<Float>
  ) throws(InterleavingError) {
    var all = samples.mutableSpan
    var slice = all._mutatingExtracting(..<count)
    channel.process(&slice, lead: lead)
    try interleaving.insert(samples.span.extracting(lead..<count), asChannel: channel.index, into: &output)
  }
}
