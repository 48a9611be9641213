import AudioDSP
import Foundation

/// What measurements mean for recognition: the thresholds, each with its reason.
struct CheckRules {
  let measured: CheckMeasurements
  private(set) var findings: [Finding] = []

  /// All findings, the gravest first, and those of one gravity in the order of their kinds.
  static func findings(of measured: CheckMeasurements) -> [Finding] {
    var rules = CheckRules(measured: measured)
    rules.judgeFile()
    if rules.judgePresence() {
      for channel in measured.channels.indices { rules.judgeChannel(channel) }
      rules.judgeLevels()
      rules.judgeNoise()
      rules.judgeBand()
      rules.judgePairs()
    }
    return rules.findings.enumerated().sorted {
      ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset)
    }.map(\.element)
  }

  private init(measured: CheckMeasurements) {
    self.measured = measured
  }

  private mutating func add(
    _ kind: Finding.Kind, _ severity: Finding.Severity, channel: Int? = nil, places: [Range<Int>] = [],
    value: Double? = nil, unit: String? = nil, _ words: String, remedy: String, helps: [String] = []
  ) {
    findings.append(
      Finding(
        kind: kind, severity: severity, channel: channel, places: places, value: value, unit: unit, words: words,
        remedy: remedy, helps: helps))
  }

  /// ", on channel 1" where there are several.
  private func on(_ channel: Int) -> String { measured.channels.count > 1 ? " on channel \(channel)" : "" }

  private func text(_ value: Double, _ decimals: Int = 0) -> String { String(format: "%.\(decimals)f", value) }

  // MARK: The file

  private mutating func judgeFile() {
    for damage in measured.damage {
      let (kind, place): (Finding.Kind, Int?) =
        switch damage {
        case .truncation: (.truncated, measured.frameCount)
        case .missingPages(_, _, let frame), .unendedStreams(_, let frame): (.damaged, frame)
        case .told, .unread: (.damaged, nil)
        }
      add(
        kind, .fault, places: place.map { [$0..<$0] } ?? [], "\(damage).",
        remedy: "Fetch the file again; what is there can be used.")
    }
    for (index, channel) in measured.channels.enumerated() where channel.nonFiniteCount > 0 {
      let first = channel.firstNonFinite ?? 0
      add(
        .nonFinite, .fault, channel: index, places: [first..<first + 1], value: Double(channel.nonFiniteCount),
        unit: "samples",
        "\(counted(channel.nonFiniteCount, "sample"))\(on(index)) not finite, taken as 0: clicks, or a program's error.",
        remedy: "Find out what wrote them; every command here takes them as 0.")
    }
  }

  /// Half a step of 16 bits: nothing that a 16-bit file could hold.
  private static let silentPeak = -96.0
  /// Less is a cough or a click; the shortest words last 0.2 s.
  private static let leastSpeech = 0.2

  /// Whether there is anything to judge.
  private mutating func judgePresence() -> Bool {
    if measured.channels.allSatisfy({ $0.samplePeak < Self.silentPeak }) {
      add(.silent, .fault, "There is nothing but digital silence.", remedy: "Check the input and whether it was muted.")
      return false
    }
    if measured.speechSeconds < Self.leastSpeech {
      add(
        .noSpeech, .fault, value: measured.speechSeconds, unit: "s", "No speech was found.",
        remedy: "Listen to it; 'utter vad --sensitivity high' finds speech that is hard to tell.")
    }
    return true
  }

  private var hasSpeech: Bool { measured.speechSeconds >= Self.leastSpeech }

  // MARK: Clipping, offset, dropouts

  /// Clipped samples among those of speech. At a thousandth, a click or two in a word; word errors were seen to rise
  /// where it is more than some hundredths, so this warns well before.
  private static let clippedShareOfFault = 0.001
  /// More than one click in a while, however long the recording.
  private static let clippedTopsOfFault = 50
  /// A hundredth of all samples at one ceiling: cut by 6 dB and more.
  private static let softShareOfFault = 0.01
  /// -54 dBFS: offsets of good converters are below -70.
  private static let leastOffset = 0.002
  /// How many standard errors the mean of what is no offset may have, and how much of the offset is due to chance.
  private static let offsetErrors = 5.0
  /// -34 dBFS: as loud as quiet speech, so that energy-based voice activity takes pauses for speech.
  private static let offsetOfFault = 0.02

  private mutating func judgeChannel(_ index: Int) {
    let channel = measured.channels[index]
    // A level meter's tone or music has tops of its own; what is cut off is.
    if channel.clippedTops.count > 0 {
      let speech = max(channel.speechSeconds, 0.1) * Double(measured.rate.hertz)
      let share = Double(channel.clippedTops.sampleCount) / speech
      let isFault = share >= Self.clippedShareOfFault || channel.clippedTops.count >= Self.clippedTopsOfFault
      add(
        .clipping, isFault ? .fault : .note, channel: index, places: channel.clippedTops.places,
        value: 100 * share, unit: "% of speech",
        "Clipped\(on(index)): \(counted(channel.clippedTops.count, "top")) cut off flat, \(text(100 * share, 2)) % of the speech. "
          + "Turning it down afterwards does not bring them back.",
        remedy: "Record again with the input's gain 6 to 12 dB lower.",
        // What is rebuilt exceeds full scale where it was cut off there.
        helps: ["--clean declip,limit"])
    } else if let ceiling = channel.softCeiling, channel.speechSeconds * 4 > measured.seconds, hasSpeech,
      // An offset shifts what should be a distribution around 0.
      abs(channel.offset?.value ?? 0) < 0.1 * ceiling.level
    {
      let isFault = ceiling.share >= Self.softShareOfFault
      add(
        .softClipping, isFault ? .fault : .note, channel: index, value: 100 * ceiling.share, unit: "% of samples",
        "Clipped before it was coded or resampled\(on(index)), by the look of it: \(text(100 * ceiling.share, 1)) % of the samples stand at a ceiling of "
          + "\(text(20 * log10(ceiling.level), 1)) dBFS, with hardly any above.",
        remedy: "Get the recording as it was before, or record again with less gain.")
    }
    if channel.samplePeak > 0 {
      // What decoders of lossy formats make of samples at full scale is up to 1 dB.
      add(
        .overFullScale, channel.samplePeak >= 1 ? .fault : .note, channel: index, value: channel.samplePeak,
        unit: "dBFS",
        "Samples\(on(index)) exceed full scale, by up to \(text(channel.samplePeak, 1)) dB: every conversion to 16 bits clips them.",
        remedy:
          "Lower the file by \(text(channel.samplePeak.rounded(.up))) dB, in floating point, before it is converted.",
        helps: ["--clean limit"])
    }
    if let offset = channel.offset, abs(offset.value) >= Self.leastOffset,
      abs(offset.value) >= Self.offsetErrors * offset.standardError
    {
      add(
        .offset, abs(offset.value) >= Self.offsetOfFault ? .fault : .note, channel: index, value: offset.value,
        unit: "of full scale",
        "A constant offset of \(String(format: "%+.4f", offset.value)) of full scale\(on(index)): takes room for peaks, clicks at cuts, and passes for sound where energy is measured.",
        remedy: "Filter out what is below 50 Hz; at the next recording look at the sound card.",
        helps: ["--clean dc"])
    }
    judgeDropouts(index, channel)
    judgeHum(index, channel)
  }

  /// How far from speech a detector may place what belongs to it, once it is interrupted.
  private static let dropoutReachMilliseconds = 100

  private mutating func judgeDropouts(_ index: Int, _ channel: CheckMeasurements.Channel) {
    // Beeps that are switched on and off have gaps, too: what counts is speech that is interrupted.
    let near = measured.rate.hertz * Self.dropoutReachMilliseconds / 1_000
    let gaps = channel.gaps.places.filter { gap in
      channel.speechPlaces.contains { $0.lowerBound - near < gap.upperBound && gap.lowerBound < $0.upperBound + near }
    }
    if !gaps.isEmpty {
      // Places beyond those that are kept are of the same kind.
      let part = Double(gaps.count) / Double(channel.gaps.places.count)
      let count = max(gaps.count, Int(part * Double(channel.gaps.count)))
      let milliseconds = 1_000 * part * measured.rate.seconds(of: channel.gaps.sampleCount)
      add(
        .dropouts, .fault, channel: index, places: gaps, value: milliseconds, unit: "ms",
        "\(counted(count, "dropout"))\(on(index)), \(text(milliseconds)) ms in all: samples in the middle of sound are missing and filled with zeros or with one value.",
        remedy: "Look for lost packets, or for a recorder that did not keep up; parts of words are gone.")
    }
    if channel.repeats.count > 0 {
      let milliseconds = 1_000 * measured.rate.seconds(of: channel.repeats.sampleCount)
      add(
        .repeats, .fault, channel: index, places: channel.repeats.places, value: milliseconds, unit: "ms",
        "\(counted(channel.repeats.count, "stretch").replacingOccurrences(of: "stretchs", with: "stretches"))\(on(index)), \(text(milliseconds)) ms in all, repeat what stood just before, sample by sample.",
        remedy: "Look for lost packets that the receiver filled up with the last one.")
    }
  }

  /// Hum 20 dB below speech is what 20 dB of noise is, at the frequencies of the voice's pitch.
  private static let humBelowSpeechOfFault = 20.0
  /// From there on it is not heard beside speech.
  private static let humBelowSpeech = 45.0
  /// Where nobody speaks: audible in a quiet room.
  private static let humAlone = -60.0

  private mutating func judgeHum(_ index: Int, _ channel: CheckMeasurements.Channel) {
    guard let hum = channel.hum else { return }
    let below = channel.speechLevel.map { $0 - hum.level }
    guard below.map({ $0 <= Self.humBelowSpeech }) ?? (hum.level >= Self.humAlone) else { return }
    let isFault = below.map { $0 < Self.humBelowSpeechOfFault } ?? false
    let place = below.map { "\(text($0)) dB below the speech" } ?? "\(text(hum.level)) dBFS"
    add(
      .hum, isFault ? .fault : .note, channel: index, value: hum.level, unit: "dBFS",
      "Mains hum\(on(index)): \(hum.frequencies.map(String.init).joined(separator: ", ")) Hz, \(place).",
      remedy: "Look for a ground loop or an unshielded cable.", helps: ["--clean hum=\(hum.mains)"])
  }

  // MARK: Level and noise

  /// In dBFS, of the mean power of speech. Speech services' own detectors of voice are set for -35 to -15; 16 bits
  /// leave 60 dB at the first and 48 dB at the second.
  private static let quietLevel = -38.0
  private static let quietLevelOfFault = -50.0
  /// Speech has peaks 12 dB and more above its mean power: above this they have been cut or squeezed.
  private static let loudLevel = -9.0
  /// Talkers at one microphone differ by 10 dB, by distance and voice.
  private static let levelSteps = 15.0

  private mutating func judgeLevels() {
    guard hasSpeech else { return }
    let best = measured.bestChannel
    if let level = measured.channels[best].speechLevel {
      if level < Self.quietLevel {
        let (remedy, helps) = cureOfQuietness(level)
        add(
          .tooQuiet, level < Self.quietLevelOfFault ? .fault : .note, value: level, unit: "dBFS",
          "Speech is quiet: \(text(level)) dBFS. Detectors of voice may miss it, and 16 bits leave \(text(level + 98)) dB above their own noise.",
          remedy: remedy, helps: helps)
      } else if level > Self.loudLevel {
        add(
          .tooLoud, .note, value: level, unit: "dBFS",
          "Speech is very loud: \(text(level)) dBFS leaves no room for its peaks, so that they have been limited or cut.",
          remedy: "Record with the input's gain 10 dB lower.", helps: Self.levelHelps)
      }
    }
    for (index, channel) in measured.channels.enumerated() {
      guard let loud = channel.segments.max(by: { $0.level < $1.level }),
        let quiet = channel.segments.min(by: { $0.level < $1.level }), loud.level - quiet.level >= Self.levelSteps
      else { continue }
      // Segments that are another channel's, heard through the air, are no change of level.
      guard index == best else { continue }
      add(
        .levelSteps, .note, channel: index, places: [loud.place, quiet.place], value: loud.level - quiet.level,
        unit: "dB",
        "The level of speech changes by \(text(loud.level - quiet.level)) dB\(on(index)), from \(text(loud.level)) to \(text(quiet.level)) dBFS: the first place is the loudest, the second the quietest.",
        remedy:
          "Stay at one distance from the microphone. A gain that follows the speech helps, if not always wholly.",
        helps: ["--clean agc"])
    }
  }

  /// An offset is raised with the speech.
  private static let levelHelps = ["--clean dc,loudness", "--clean agc"]
  /// Below it, in LUFS, no block is loud enough for `loudness` to be measured.
  private static let leastLoudness = -70.0

  private func cureOfQuietness(_ level: Double) -> (remedy: String, helps: [String]) {
    let raise = "Raise the input's gain by \(text(-26 - level)) dB"
    // The mean of channels that are alike is lower than all of them together.
    let loudness = measured.loudness.map { $0 - 10 * log10(Double(measured.channels.count)) }
    guard let loudness, loudness >= Self.leastLoudness else {
      return ("\(raise): the loudness of so little cannot be measured, and nothing here raises it.", [])
    }
    let gainControl = AutomaticGainControl.Configuration()
    let greatestGain = gainControl.gainRange.upperBound
    if gainControl.targetInDecibels - level > greatestGain {
      return (
        "\(raise); a file that exists can be raised by --clean loudness, if its noise is low, and agc raises by \(text(greatestGain)) dB at the most.",
        [Self.levelHelps[0]]
      )
    }
    return ("\(raise); a file that exists can be raised without harm, if its noise is low.", Self.levelHelps)
  }

  /// In dB. Word errors of recognisers begin to rise below 20 and are a multiple at 10, most so for what they were not
  /// trained on; 14 leaves room for what a pause of half a second says of the noise.
  private static let noisySNR = 20.0
  private static let noisySNROfFault = 14.0

  private mutating func judgeNoise() {
    guard hasSpeech else { return }
    let best = measured.bestChannel
    let channel = measured.channels[best]
    guard let ratio = channel.signalToNoise else { return judgeNoiseWithoutPauses(best, channel) }
    guard ratio < Self.noisySNR else { return }
    add(
      .noise, ratio < Self.noisySNROfFault ? .fault : .note, channel: best, value: ratio, unit: "dB",
      "Noisy: speech is only \(text(ratio)) dB above what is heard in its pauses\(on(best)).",
      remedy: "Bring the microphone nearer; 6 dB for each half of the distance.", helps: ["--clean full"])
  }

  /// In dB. Between its sounds, speech falls by 25 dB and more within a second; where it never does, something else is
  /// there all the time.
  private static let leastFall = 14.0
  private static let leastFallOfFault = 9.0

  private mutating func judgeNoiseWithoutPauses(_ best: Int, _ channel: CheckMeasurements.Channel) {
    guard !channel.hasSilentPauses, let speech = channel.speechLevel, let floor = channel.greatestNoiseLevel,
      speech - floor < Self.leastFall
    else { return }
    add(
      .noise, speech - floor < Self.leastFallOfFault ? .fault : .note, channel: best, value: speech - floor, unit: "dB",
      "Noisy, by the look of it: there is no pause to measure in, but between its sounds the speech never falls by more than \(text(speech - floor)) dB\(on(best)).",
      remedy: "Bring the microphone nearer; 6 dB for each half of the distance.", helps: ["--clean full"])
  }

  // MARK: Band

  /// Recognisers take 16 kHz: speech up to 8 kHz, of which the part above 5 tells s, f and th apart.
  private static let narrowBand = 5_000.0
  /// A telephone's 8 kHz file has a narrow band and says so itself.
  private static let leastRateForBand = 11_000
  /// Of the Nyquist frequency.
  private static let usedBand = 0.8
  /// In dB: a filter's edge. Where a voice runs into noise there is no edge.
  private static let filterDrop = 12.0

  private mutating func judgeBand() {
    guard hasSpeech, measured.rate.hertz >= Self.leastRateForBand else { return }
    let best = measured.bestChannel
    guard let band = measured.channels[best].band, band.upperEdge < Self.narrowBand,
      band.upperEdge < Self.usedBand * Double(measured.rate.hertz) / 2, band.drop >= Self.filterDrop
    else { return }
    add(
      .narrowBand, .note, channel: best, value: band.upperEdge, unit: "Hz",
      "Narrow band: nothing above \(text(band.upperEdge / 1_000, 1)) kHz, where the file could hold \(text(Double(measured.rate.hertz) / 2_000, 1)) kHz. It has been through a telephone or a filter; consonants such as s and f suffer.",
      remedy: "Record without the telephone; raising the rate brings nothing back, and an 8 kHz model may do better.")
  }

  // MARK: Channels

  /// Of the loudest channel, in dB: what a dead input picks up by itself.
  private static let deadPeak = -84.0
  /// Of 1: the channels cancel where it is below the negative of it.
  private static let inverted = 0.6
  /// What differs is 40 dB below what is the same: the noise of a codec, and no second microphone's.
  private static let duplicate = 0.9999
  /// Channels are one sound from this on, at their best alignment.
  private static let related = 0.5
  /// Milliseconds. Microphones of one stereo pair are up to 0.3 m apart, 0.9 ms; a mean of both then combs from 0.6 kHz
  /// on.
  private static let longDelay = 1.0
  /// Where one channel is lower by more, it does little in a mean: ripple of 4 dB.
  private static let combingLevel = 12.0
  /// Channels of one sound that differ by more.
  private static let unequal = 12.0
  /// Seconds, and the part of all speech, that each talker is alone on a channel.
  private static let leastAlone = 0.3
  private static let leastAloneShare = 0.05

  private mutating func judgePairs() {
    let channels = measured.channels
    guard channels.count > 1 else { return }
    let best = measured.bestChannel
    var isUseless = [Bool](repeating: false, count: channels.count)
    let dead = channels.indices.filter { $0 != best && channels[$0].samplePeak < Self.deadPeak }
    if let first = dead.first {
      let isSilent = dead.allSatisfy { channels[$0].samplePeak < Self.silentPeak }
      add(
        .deadChannel, .fault, channel: first, value: channels[first].samplePeak, unit: "dBFS",
        "\(list(dead)) \(dead.count == 1 ? "is" : "are") dead\(isSilent ? ": digital silence" : ""). A mean of all channels lowers the speech.",
        remedy: "Take --channel \(best).", helps: ["--channel auto", "--channel \(best)"])
    }
    for index in dead { isUseless[index] = true }
    if hasSpeech {
      let speech = channels[best].speechLevel ?? channels[best].rootMeanSquare
      let empty = channels.indices.filter { index in
        index != best && !isUseless[index] && channels[index].speechSeconds < Self.leastSpeech
          && speech - channels[index].rootMeanSquare >= Self.unequal
      }
      if let first = empty.first {
        add(
          .emptyChannel, .note, channel: first, value: channels[first].rootMeanSquare, unit: "dBFS",
          "\(list(empty)) \(empty.count == 1 ? "holds" : "hold") no speech: a mean of all channels adds noise and lowers the speech.",
          remedy: "Take --channel \(best).", helps: ["--channel \(best)"])
      }
      for index in empty { isUseless[index] = true }
    }
    for pair in measured.pairs where !isUseless[pair.first] && !isUseless[pair.second] { judge(pair) }
  }

  /// "Channel 1", "Channels 0, 3 and 4".
  private func list(_ channels: [Int]) -> String {
    guard let last = channels.last, channels.count > 1 else { return "Channel \(channels.first ?? 0)" }
    return "Channels " + channels.dropLast().map(String.init).joined(separator: ", ") + " and \(last)"
  }

  private mutating func judge(_ pair: CheckMeasurements.Pair) {
    let names = "Channels \(pair.first) and \(pair.second)"
    let louder = (pair.levelDifference ?? 0) > 0 ? pair.second : pair.first
    if pair.isIdentical || ((pair.correlation ?? 0) >= Self.duplicate && abs(pair.levelDifference ?? 0) < Self.unequal)
    {
      add(
        .duplicateChannel, .note, channel: pair.second, value: pair.correlation, unit: "correlation",
        "\(names) hold the same\(pair.isIdentical ? ", sample by sample" : "").",
        remedy: "Take --channel \(pair.first): half the data and nothing lost.",
        helps: ["--channel auto", "--channel \(pair.first)"])
      return
    }
    let needed = max(Self.leastAlone, Self.leastAloneShare * measured.speechSeconds)
    let aligned = pair.alignment?.correlation ?? 0
    // One sound that comes later on one of the channels is alone on the other for that time.
    if min(pair.firstAloneSeconds, pair.secondAloneSeconds) >= needed, abs(aligned) < Self.related {
      add(
        .talkers, .advice, channel: pair.second, value: min(pair.firstAloneSeconds, pair.secondAloneSeconds),
        unit: "s", "\(names) hold different talkers.",
        remedy:
          "Take them one by one, --channel \(pair.first) and --channel \(pair.second), to know who spoke and to keep apart what they said at the same time."
      )
      return
    }
    let difference = abs(pair.levelDifference ?? 0)
    let milliseconds = pair.alignment.map { 1_000 * measured.rate.seconds(of: $0.delay) } ?? 0
    if let correlation = pair.correlation,
      correlation <= -Self.inverted || (aligned <= -Self.inverted && abs(milliseconds) < Self.longDelay),
      difference < Self.combingLevel
    {
      let loss = pair.downmixLoss ?? 0
      add(
        .invertedChannel, .fault, channel: pair.second, value: loss, unit: "dB",
        "\(names) are of opposite polarity: their mean is \(loss >= 60 ? "silent" : "\(text(loss)) dB below them"), and the speech is lost.",
        remedy: "Take --channel \(louder); at the next recording look at the cable of one microphone.",
        helps: ["--channel auto", "--channel \(louder)"])
    } else if abs(aligned) >= Self.related, abs(milliseconds) >= Self.longDelay, difference < Self.combingLevel {
      add(
        .delayedChannel, .fault, channel: milliseconds > 0 ? pair.second : pair.first, value: abs(milliseconds),
        unit: "ms",
        "Channel \(milliseconds > 0 ? pair.second : pair.first) is \(text(abs(milliseconds), 1)) ms later than channel \(milliseconds > 0 ? pair.first : pair.second): their mean combs, with holes every \(text(1_000 / abs(milliseconds))) Hz.",
        remedy: "Take --channel \(louder).", helps: ["--channel \(louder)"])
    } else if abs(aligned) >= Self.related, difference >= Self.unequal {
      add(
        .quietChannel, .note, channel: louder == pair.first ? pair.second : pair.first, value: difference, unit: "dB",
        "Channel \(louder == pair.first ? pair.second : pair.first) holds the same as channel \(louder), \(text(difference)) dB below it: a mean of both lowers the speech by up to 6 dB and adds noise.",
        remedy: "Take --channel \(louder).", helps: ["--channel \(louder)"])
    }
  }
}
