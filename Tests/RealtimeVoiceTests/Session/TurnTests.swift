import AudioDSP
import AudioTestSupport
import RealtimeVoice
import Testing

/// What is sent of the microphone, and where turns start and end.
struct TurnTests {
  /// The whole of a stream at the rate of the service, by the way that `convert` takes.
  private static func converted(_ samples: [Float], from rate: Int, to outputRate: SampleRate) throws -> [Int16] {
    var mono = try MonoResampler(Resampler(from: try SampleRate(rate), to: outputRate), channelCount: 1)
    var output: [Float] = []
    try mono.process(samples.span) { (_: Span<Float>, block: Span<Float>) in
      for i in block.indices { output.append(block[i]) }
    }
    try mono.finish { (block: Span<Float>) in for i in block.indices { output.append(block[i]) } }
    return output.map { ReferencePCM16.converted($0) }
  }

  private static func configuration(
    _ turnTaking: TurnTaking, dialect: Dialect = .openAI, chunk: Duration = .milliseconds(20)
  ) throws -> SessionConfiguration {
    var configuration = SessionConfiguration(dialect)
    configuration.inputRate = try SampleRate(Recordings.rate)
    configuration.turnTaking = turnTaking
    configuration.chunkDuration = chunk
    configuration.sendCapacity = .seconds(60)
    return configuration
  }

  @Test("The service's turns: what is sent is what `convert` gives, to the bit", arguments: Dialect.allCases)
  func service(dialect: Dialect) throws {
    guard dialect != .pcm else { return }
    let rig = try SessionRig(try Self.configuration(.service, dialect: dialect))
    let samples = Recordings.clean.samples
    try rig.speak(samples, rate: Recordings.rate)
    rig.endInput()
    let due = try Self.converted(samples, from: Recordings.rate, to: dialect.defaultRate)
    let sent = rig.sentSamples
    #expect(Array(sent.prefix(due.count)) == due)
    if dialect == .elevenLabs {
      // It has no other word for the end than silence.
      #expect(sent.count >= due.count + 16_000 && sent.dropFirst(due.count).allSatisfy { $0 == 0 })
    } else {
      #expect(sent.count == due.count)
    }
    #expect(rig.controls.contains("audioStreamEnd") == (dialect == .gemini))
  }

  @Test("Push to talk: a press from the start to the end sends all of it, to the bit")
  func wholePress() throws {
    for chunk in [10, 20, 100, 1_000] {
      let rig = try SessionRig(try Self.configuration(.pushToTalk, chunk: .milliseconds(chunk)))
      let samples = Recordings.clean.samples
      rig.press()
      try rig.speak(samples, rate: Recordings.rate)
      rig.letGo()
      rig.endInput()
      #expect(rig.sentSamples == (try Self.converted(samples, from: Recordings.rate, to: .hz24000)))
      #expect(rig.controls == ["session.update", "input_audio_buffer.commit", "response.create"])
    }
  }

  @Test("Push to talk starts exactly its padding before the press, and ends exactly at the release")
  func padding() throws {
    let samples = Recordings.clean.samples
    let all = try Self.converted(samples, from: Recordings.rate, to: .hz24000)
    var random = SeededGenerator(seed: 5)
    for dialect in [Dialect.openAI, .gemini] {
      for padding in [0, 300, 730] {
        for chunk in [20, 250] {
          let rate = dialect == .gemini ? 16_000 : 24_000
          let due = dialect == .gemini ? samples.map { ReferencePCM16.converted($0) } : all
          let setup = try Self.configuration(
            .pushToTalk(prefixPadding: .milliseconds(padding)), dialect: dialect, chunk: .milliseconds(chunk))
          let rig = try SessionRig(setup)
          // Anywhere, and not on whole blocks.
          let press = Int.random(in: 20_000..<24_000, using: &random)
          let release = Int.random(in: 40_000..<44_000, using: &random)
          try rig.speak(samples[..<press], rate: Recordings.rate)
          #expect(rig.sentSamples.isEmpty)
          rig.press()
          try rig.speak(samples[press..<release], rate: Recordings.rate)
          rig.letGo()
          try rig.speak(samples[release..<release + 8_000], rate: Recordings.rate)
          func place(_ input: Int) -> Int { (input * rate + 15_999) / 16_000 }
          let start = place(press - padding * 16)
          let end = place(release)
          #expect(rig.sentSamples == Array(due[start..<end]), "\(dialect) \(padding) \(chunk)")
          #expect(rig.controls.last == (dialect == .gemini ? "activityEnd" : "response.create"))
          // The end does not wait for a chunk to be full: 10 ms, and what the resampler keeps back.
          let commit = try #require(rig.eventTimes.last)
          #expect(commit <= .milliseconds(10) * (release / 160 + 6))
        }
      }
    }
  }

  @Test("What the user said before the session is there is sent when it is, with the button's places")
  func early() throws {
    let samples = Recordings.clean.samples
    let due = try Self.converted(samples, from: Recordings.rate, to: .hz24000)
    let rig = try SessionRig(try Self.configuration(.pushToTalk))
    let other = try SessionRig(try Self.configuration(.pushToTalk), starts: false)
    for rig in [rig, other] {
      try rig.speak(samples[..<20_000], rate: Recordings.rate)
      rig.press()
      try rig.speak(samples[20_000..<30_000], rate: Recordings.rate)
      rig.letGo()
      try rig.speak(samples[30_000..<40_000], rate: Recordings.rate)
    }
    #expect(other.sent.isEmpty)
    #expect(rig.sentSamples == Array(due[(20_000 - 4_800) * 3 / 2..<45_000]))
  }

  @Test("A microphone that goes off while the button is held ends the turn, and its answer is heard")
  func offWhilePressed() throws {
    let rig = try SessionRig(try Self.configuration(.pushToTalk))
    rig.press()
    try rig.speak(Recordings.clean.samples[..<16_000], rate: Recordings.rate)
    rig.endInput()
    #expect(rig.controls.suffix(2) == ["input_audio_buffer.commit", "response.create"])
    rig.receive(ServiceWords.created())
    rig.receive(ServiceWords(.openAI).audio([Int16](repeating: 1_000, count: 2_400)))
    #expect(rig.listen(.milliseconds(100)).contains(1_000))
    #expect(!rig.events.contains { if case .interrupted = $0 { true } else { false } })
  }

  /// What was sent, without how audio was cut into chunks.
  private static func stream(_ rig: SessionRig) -> [String] {
    var stream: [String] = []
    var samples: [Int16] = []
    func flush() {
      guard !samples.isEmpty else { return }
      stream.append("\(samples.count) \(samples.hashValue)")
      samples = []
    }
    for message in rig.sent {
      switch message {
      case .audio(let chunk): samples += chunk
      case .control(let type, _):
        flush()
        stream.append(type)
      }
    }
    flush()
    return stream
  }

  @Test("However the microphone's stream is cut into blocks, the same is sent", arguments: [0, 1, 2, 3, 4])
  func partition(mode: Int) throws {
    let loose = try SegmenterConfiguration(enterThreshold: 0.5, exitThreshold: 0)
    let turnTaking: [TurnTaking] = [
      .service, .local, .pushToTalk,
      .local(LocalTurnTaking(segmentation: loose, maximumWait: .milliseconds(200))),
      .local(LocalTurnTaking(maximumWait: .milliseconds(30), longestTurn: .seconds(1))),
    ]
    var random = SeededGenerator(seed: UInt64(mode) + 1)
    var samples = Recordings.clean.samples
    samples += Recordings.noise(8_000, decibels: -30, &random) + samples[..<40_000]
    // The button's places are part of what is given.
    let places = [10_000, 45_000, 60_003, 90_001]
    func run(_ cuts: [Range<Int>], chunk: Int) throws -> [String] {
      let rig = try SessionRig(try Self.configuration(turnTaking[mode], chunk: .milliseconds(chunk)))
      for cut in cuts {
        for place in places where place >= cut.lowerBound && place < cut.upperBound {
          preconditionFailure("a cut over a place")
        }
        if let i = places.firstIndex(of: cut.lowerBound - 1), cut.lowerBound > 0 {
          if i.isMultiple(of: 2) { rig.press() } else { rig.letGo() }
        }
        try rig.hear(samples[cut])
      }
      rig.endInput()
      return Self.stream(rig)
    }
    /// Cuts that keep the places.
    func split(_ cuts: [Range<Int>]) -> [Range<Int>] {
      var split: [Range<Int>] = []
      for cut in cuts {
        var start = cut.lowerBound
        for place in places where place >= start && place < cut.upperBound {
          split.append(start..<place)
          start = place + 1
        }
        split.append(start..<cut.upperBound)
      }
      return split
    }
    for chunk in [20, 100] {
      let whole = try run(split([samples.indices]), chunk: chunk)
      #expect(whole.count > 1)
      for seed in 0..<6 as Range<UInt64> {
        var random = SeededGenerator(seed: 40 * UInt64(mode) + seed)
        var cuts = random.cuts(of: samples.count)
        if seed == 0 { cuts = stride(from: 0, to: samples.count, by: 160).map { $0..<min($0 + 160, samples.count) } }
        let other = try run(split(cuts), chunk: chunk)
        #expect(other == whole, "mode \(mode), chunk \(chunk), seed \(40 * UInt64(mode) + seed)")
      }
    }
  }

  @Test("Our turns: the minimum wait is the hangover, and each is committed and answered once")
  func local() throws {
    let rig = try SessionRig(try Self.configuration(.local))
    let samples = Recordings.clean.samples
    try rig.speak(samples, rate: Recordings.rate)
    rig.endInput()
    // Pauses of 300 and 500 ms are inside of one turn or at its end; there is at least one.
    let turns = rig.controls("input_audio_buffer.commit").count
    #expect(turns >= 1)
    #expect(rig.controls("response.create").count == 1)
    let commit = try #require(
      zip(rig.events, rig.eventTimes).first { event, _ in
        if case .turnEnded = event { true } else { false }
      })
    // The commit comes by the hangover of 500 ms behind speech, with the detector's 20 ms, a frame and a block.
    let speechEnds = Recordings.clean.speech.map { Duration.milliseconds($0.end / 16) }
    let waits = speechEnds.map { commit.1 - $0 }.filter { $0 > .milliseconds(300) }
    #expect(waits.contains { $0 < .milliseconds(800) })
    // The first syllable: the padding before it is sent, too.
    #expect(rig.sentSamples.count > 24_000)
  }

  /// Scores that never fall below an exit threshold of 0 hold a segment open for ever.
  @Test("Sounds that hold a turn open do so for the maximum wait only", arguments: [400, 1_500])
  func maximumWait(milliseconds: Int) throws {
    let loose = try SegmenterConfiguration(enterThreshold: 0.5, exitThreshold: 0)
    let rig = try SessionRig(
      try Self.configuration(
        .local(LocalTurnTaking(segmentation: loose, maximumWait: .milliseconds(milliseconds)))))
    var random = SeededGenerator(seed: 9)
    let word = Recordings.clean.samples[6_400..<18_400]
    let noise = Recordings.noise(48_000, decibels: -50, &random)
    let end = Duration.milliseconds(3_000 + 750)
    try rig.speak(noise, rate: Recordings.rate)
    try rig.speak(word, rate: Recordings.rate)
    try rig.speak(noise, rate: Recordings.rate)
    #expect(rig.controls == ["session.update", "input_audio_buffer.commit", "response.create"])
    let ended = try #require(
      zip(rig.events, rig.eventTimes).first { event, _ in
        if case .turnEnded = event { true } else { false }
      })
    let wait = ended.1 - end
    #expect(wait > .milliseconds(milliseconds - 200) && wait < .milliseconds(milliseconds + 200), "\(wait)")
    // Someone who speaks on starts another turn, with what came before its first frame.
    rig.forgetSent()
    try rig.speak(word, rate: Recordings.rate)
    try rig.speak(noise, rate: Recordings.rate)
    #expect(rig.controls.first == "input_audio_buffer.commit")
    #expect(rig.sentSamples.count >= (750 - 150 + 300) * 24)
  }

  @Test("A turn that is too long is committed in parts, and answered once; a service that answers by itself hears one")
  func longestTurn() throws {
    var samples: [Float] = []
    let word = Recordings.clean.samples[23_200..<45_760]
    for _ in 0..<4 { samples += word }
    for dialect in [Dialect.openAI, .gemini] {
      let rig = try SessionRig(
        try Self.configuration(.local(LocalTurnTaking(longestTurn: .seconds(1))), dialect: dialect))
      try rig.speak(samples + [Float](repeating: 0, count: 16_000), rate: Recordings.rate)
      rig.endInput()
      if dialect == .openAI {
        #expect(rig.controls("input_audio_buffer.commit").count >= 5)
        #expect(rig.controls("response.create").count == 1)
        #expect(rig.controls.last == "response.create")
      } else {
        #expect(rig.controls == ["setup", "activityStart", "activityEnd"])
      }
      let parts = rig.events.compactMap { event -> Duration? in
        guard case .turnEnded(let audio?) = event else { return nil }
        return audio
      }
      #expect(parts.count == 1 && parts[0] > .seconds(5))
    }
  }

  @Test("Less than 100 ms is not committed, and becomes the start of the next turn")
  func shortTurn() throws {
    let rig = try SessionRig(try Self.configuration(.pushToTalk(prefixPadding: .zero)))
    let samples = Recordings.clean.samples
    rig.press()
    try rig.speak(samples[..<1_280], rate: Recordings.rate)
    rig.letGo()
    try rig.speak(samples[1_280..<3_200], rate: Recordings.rate)
    #expect(rig.controls == ["session.update"])
    #expect(rig.events.contains(.turnTooShort(audio: .milliseconds(80))))
    rig.press()
    try rig.speak(samples[3_200..<3_520], rate: Recordings.rate)
    rig.letGo()
    try rig.speak(samples[3_520..<4_000], rate: Recordings.rate)
    // 20 ms more make 100.
    #expect(rig.controls == ["session.update", "input_audio_buffer.commit", "response.create"])
    #expect(rig.sentSamples.count == 2_400)
  }

  @Test("A connection that takes nothing: the oldest audio is dropped, counted and told; ends of turns stay")
  func queue() throws {
    var setup = try Self.configuration(.pushToTalk(prefixPadding: .zero))
    setup.sendCapacity = .seconds(1)
    let rig = try SessionRig(setup)
    rig.takesMessages = false
    let samples = Recordings.clean.samples
    let due = try Self.converted(samples, from: Recordings.rate, to: .hz24000)
    // Two turns of two seconds each.
    rig.press()
    try rig.speak(samples[..<32_000], rate: Recordings.rate)
    rig.letGo()
    try rig.speak(samples[32_000..<33_600], rate: Recordings.rate)
    rig.press()
    try rig.speak(samples[33_600..<65_600], rate: Recordings.rate)
    rig.letGo()
    try rig.speak(samples[65_600..<67_200], rate: Recordings.rate)
    #expect(rig.waitingInput <= .seconds(1))
    let dropped = rig.events.reduce(0) { sum, event in
      guard case .inputDropped(let count) = event else { return sum }
      return sum + count
    }
    rig.takeMessages()
    // The last second of the second turn; of the first one nothing is left, so it is no turn.
    #expect(rig.sentSamples == Array(due[98_400 - 24_000..<98_400]))
    #expect(rig.sentSamples.count + dropped == 96_000)
    #expect(!rig.events.contains { if case .turnTooShort = $0 { true } else { false } })
    #expect(rig.controls == ["session.update", "input_audio_buffer.commit", "response.create"])
  }

  @Test("Sessions that cannot be are refused before anything is connected")
  func configurations() throws {
    func check(_ change: (inout SessionConfiguration) -> Void) {
      var setup = SessionConfiguration(.openAI)
      change(&setup)
      #expect(throws: SessionConfigurationError.self) { _ = try SessionRig(setup) }
    }
    check { $0.dialect = .pcm }
    check { $0.chunkDuration = .milliseconds(5) }
    check { $0.channelCount = 0 }
    check { $0.extraSettings = "no object" }
    check { $0.turnTaking = .service(.off) }
    check { $0.turnTaking = .pushToTalk(prefixPadding: .seconds(-1)) }
    check { $0.turnTaking = .local(LocalTurnTaking(maximumWait: .zero)) }
    check { $0.playout.jitterBuffer = .seconds(700) }
    check { $0.playout.duckingGainInDecibels = 3 }
    check { $0.interruption.duckingSound = .seconds(11) }
    check { $0.historyLimit = -1 }
    check { $0.connectionLimit = .zero }
    check { $0.reconnection.firstDelay = .seconds(-1) }
    var agents = SessionConfiguration(.elevenLabs)
    agents.turnTaking = .local
    #expect(throws: SessionConfigurationError.turnsAreTheServices(.elevenLabs)) { _ = try SessionRig(agents) }
  }
}
