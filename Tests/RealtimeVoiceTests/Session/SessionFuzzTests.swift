import AudioDSP
import AudioTestSupport
import RealtimeVoice
import Testing

/// Anything in any order: the session never traps, stays inside of its bounds, and comes to rest.
struct SessionFuzzTests {
  private static func pool(_ dialect: Dialect) -> [String] {
    let words = ServiceWords(dialect)
    var pool = [
      words.sessionStarted, "", "{", "[]", "null", "{}", #"{"type":7}"#, #"{"type":"never.heard.of"}"#,
      words.audio(AnswerTests.samples(2_400), response: "r1", item: "a", number: 1),
      words.audio(AnswerTests.samples(7_201), response: "r1", item: "b", number: 5),
      words.audio(AnswerTests.samples(1), response: "r2", item: "c", number: 9),
      words.audio([], response: "r3", item: "d", number: 2),
    ]
    switch dialect {
    case .openAI, .openAIBeta, .pcm:
      for id in ["r1", "r2", "r3"] {
        pool += [
          ServiceWords.created(id), ServiceWords.done(id), ServiceWords.done(id, "cancelled"),
          ServiceWords.done(id, "cancelled", details: #"{"reason":"turn_detected"}"#), ServiceWords.done(id, "failed"),
          ServiceWords.transcript("word", response: id, item: "a"), ServiceWords.call("c\(id)", response: id),
          ServiceWords.call("d\(id)", "none", response: id),
          #"{"type":"response.output_audio.done","response_id":"\#(id)","item_id":"b"}"#,
        ]
      }
      pool += [
        ServiceWords.userSaid("word"), ServiceWords.committed(), ServiceWords.speechStarted, ServiceWords.speechStopped,
        ServiceWords.error("conversation_already_has_active_response"), ServiceWords.error("session_expired"),
        ServiceWords.error("other", about: "utter-3"), ServiceWords.error("response_cancel_not_active"),
        #"{"type":"conversation.item.truncated","item_id":"a","content_index":0,"audio_end_ms":3}"#,
        #"{"type":"response.created","response":{}}"#, #"{"type":"response.done","response":{"status":"completed"}}"#,
        #"{"type":"response.output_audio.delta","delta":"AAAA"}"#,
        #"{"type":"response.output_audio.delta","delta":"A"}"#,
      ]
    case .gemini:
      pool += [
        #"{"serverContent":{"interrupted":true}}"#, #"{"serverContent":{"turnComplete":true}}"#,
        #"{"serverContent":{"generationComplete":true}}"#,
        #"{"serverContent":{"turnComplete":true,"interrupted":true}}"#,
        #"{"serverContent":{"inputTranscription":{"text":"a"}}}"#,
        #"{"serverContent":{"outputTranscription":{"text":"a"}}}"#,
        #"{"toolCall":{"functionCalls":[{"id":"a","name":"clock"},{"name":"clock"},{"name":"none"}]}}"#,
        #"{"toolCallCancellation":{"ids":["a","call-1"]}}"#, #"{"goAway":{"timeLeft":"3s"}}"#,
        #"{"sessionResumptionUpdate":{"newHandle":"h","resumable":true}}"#,
        #"{"usageMetadata":{"promptTokenCount":3}}"#,
        #"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=16000","data":"AAAA"}}]}}}"#,
      ]
    case .elevenLabs:
      pool += [
        #"{"type":"interruption","interruption_event":{"event_id":4}}"#, #"{"type":"interruption"}"#,
        #"{"type":"ping","ping_event":{"event_id":3}}"#,
        #"{"type":"agent_response","agent_response_event":{"agent_response":"a"}}"#,
        #"{"type":"agent_response_correction","agent_response_correction_event":{"corrected_agent_response":"b"}}"#,
        #"{"type":"user_transcript","user_transcription_event":{"user_transcript":"c"}}"#,
        #"{"type":"client_tool_call","client_tool_call":{"tool_name":"clock","tool_call_id":"t","parameters":{}}}"#,
        #"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c","agent_output_audio_format":"ulaw_8000","user_input_audio_format":"pcm_8000"}}"#,
      ]
    }
    return pool
  }

  private static func turnTaking(_ dialect: Dialect, _ random: inout SeededGenerator) -> TurnTaking {
    guard dialect != .elevenLabs else { return .service }
    return [
      .service, .local, .pushToTalk, .local(LocalTurnTaking(maximumWait: .milliseconds(50), longestTurn: .seconds(1))),
    ]
    .randomElement(using: &random)!
  }

  /// Speech, noise and silence.
  private static func sound(_ random: inout SeededGenerator) -> [Float] {
    let count = [0, 1, 37, 160, 320, 1_600, 9_000].randomElement(using: &random)!
    switch Int.random(in: 0..<3, using: &random) {
    case 0: return [Float](repeating: 0, count: count)
    case 1: return Recordings.noise(count, decibels: -20, &random)
    default:
      let start = Int.random(in: 0..<Recordings.clean.samples.count - count, using: &random)
      return Array(Recordings.clean.samples[start..<start + count])
    }
  }

  @Test("Random events", arguments: [Dialect.openAI, .openAIBeta, .gemini, .elevenLabs], 0..<4 as Range<UInt64>)
  func events(dialect: Dialect, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed &* 97 &+ UInt64(dialect.rawValue.utf8.count))
    var setup = SessionConfiguration(dialect)
    setup.inputRate = try SampleRate(Recordings.rate)
    setup.detector = .energy
    setup.turnTaking = Self.turnTaking(dialect, &random)
    setup.sendCapacity = .seconds(2)
    setup.playout.capacity = .seconds(5)
    setup.connectionLimit = [nil, .seconds(30)].randomElement(using: &random)!
    setup.reconnection.attempts = 1_000
    setup.interruption.confirmation =
      [.speech(.milliseconds(300)), .either(.milliseconds(100)), .service, .never].randomElement(using: &random)!
    let rig = try SessionRig(
      setup, tools: [ToolDescription(name: "clock", description: "", parameters: "")])
    let pool = Self.pool(dialect)
    let label = "\(dialect), seed \(seed), \(setup.turnTaking)"
    for step in 0..<1_500 {
      switch Int.random(in: 0..<32, using: &random) {
      case 0..<14: rig.receive(pool.randomElement(using: &random)!, isBinary: random.next() % 16 == 0)
      case 14:
        rig.receive(
          bytes: (0..<Int.random(in: 0..<60, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
      case 15..<19: try rig.hear(Self.sound(&random))
      case 19..<22: _ = rig.play(Int.random(in: 0..<2_000, using: &random))
      case 22, 23: rig.pass(.milliseconds(Int.random(in: 0..<900, using: &random)))
      case 24: rig.pass(.milliseconds(Int.random(in: 0..<40_000, using: &random)))
      case 25: rig.press()
      case 26: rig.letGo()
      case 27: rig.returned("x", callID: rig.calls.randomElement(using: &random)?.callID ?? "none")
      case 28: rig.takesMessages.toggle()
      case 29: _ = rig.write("word")
      case 30: if random.next() % 4 == 0 { rig.disconnected() }
      default: rig.startSession()
      }
      #expect(rig.waitingInput <= .seconds(2), "\(label), step \(step)")
      if rig.isClosed { break }
      if step == 1_400 { rig.endInput() }
    }
    Self.check(rig, dialect, label)

    // Left alone, with a connection that works, it comes to rest.
    rig.takesMessages = true
    rig.settle()
    rig.startSession()
    rig.endInput()
    for _ in 0..<300 where !rig.isSettled {
      rig.pass(.seconds(1))
      rig.startSession()
      for _ in 0..<5 { _ = rig.play(rig.playoutRate.hertz) }
    }
    #expect(rig.isSettled, "\(label) hangs")

    rig.close()
    rig.forgetEvents()
    rig.forgetSent()
    for message in pool { rig.receive(message) }
    try rig.hear(Self.sound(&random))
    rig.pass(.seconds(100))
    _ = rig.play(4_800)
    #expect(rig.actions.isEmpty && rig.sent.isEmpty && rig.nextDeadline == nil, "\(label)")
  }

  /// What services refuse, in what was sent.
  private static func check(_ rig: SessionRig, _ dialect: Dialect, _ label: String) {
    var sampleCount = 0
    var isOpen = false
    #expect(rig.sentBytes.allSatisfy { $0 <= 15 << 20 })
    for message in rig.sent {
      switch message {
      case .audio(let samples): sampleCount += samples.count
      case .control("input_audio_buffer.commit", _):
        #expect(sampleCount >= 2_400, "\(label)")
        sampleCount = 0
      // The first word to a connection.
      case .control("session.update", _): sampleCount = 0
      case .control("setup", _): isOpen = false
      case .control("activityStart", _):
        #expect(!isOpen, "\(label)")
        isOpen = true
      case .control("activityEnd", _):
        #expect(isOpen, "\(label)")
        isOpen = false
      case .control("conversation.item.truncate", let event):
        #expect(event["audio_end_ms"] as? Int ?? 0 > 0, "\(label)")
      case .control: break
      }
    }
  }
}
