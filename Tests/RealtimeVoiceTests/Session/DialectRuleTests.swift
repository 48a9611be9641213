import AudioDSP
import AudioTestSupport
import RealtimeVoice
import Testing

/// What Gemini and ElevenLabs do in their own way.
struct DialectRuleTests {
  private static func ends(_ rig: SessionRig) -> Int {
    rig.events.count { if case .answerFinished = $0 { true } else { false } }
  }

  @Test("Gemini's `interrupted` empties the playout, and the next answer is played")
  func geminiInterrupted() throws {
    let rig = try SessionRig(SessionConfiguration(.gemini))
    let words = ServiceWords(.gemini)
    rig.receive(words.audio(AnswerTests.samples(48_000)))
    _ = rig.listen(.milliseconds(200))
    rig.receive(#"{"serverContent":{"interrupted":true}}"#)
    #expect(rig.listen(.milliseconds(200)).count { $0 != 0 } <= 120)
    rig.receive(words.audio(AnswerTests.samples(4_800)))
    #expect(rig.listen(.milliseconds(200)).allSatisfy { $0 == 0 })
    rig.receive(#"{"serverContent":{"turnComplete":true}}"#)
    #expect(rig.controls == ["setup"])
    #expect(Self.ends(rig) == 1)
    rig.receive(words.audio(AnswerTests.samples(4_800)))
    rig.receive(#"{"serverContent":{"turnComplete":true}}"#)
    #expect(AnswerTests.playOut(rig).count == 4_800)
    #expect(Self.ends(rig) == 2)
  }

  @Test("A Gemini that does not say that an interrupted answer is over is heard again soon")
  func geminiEnding() throws {
    let rig = try SessionRig(SessionConfiguration(.gemini))
    let words = ServiceWords(.gemini)
    rig.receive(words.audio(AnswerTests.samples(48_000)))
    rig.receive(#"{"serverContent":{"interrupted":true}}"#)
    for _ in 0..<4 {
      rig.receive(words.audio(AnswerTests.samples(480)))
      rig.pass(.milliseconds(500))
    }
    #expect(Self.ends(rig) == 1)
    rig.receive(words.audio(AnswerTests.samples(4_800)))
    rig.receive(#"{"serverContent":{"turnComplete":true}}"#)
    #expect(AnswerTests.playOut(rig).count == 4_800)
  }

  @Test("The end of a Gemini answer that was given up is not taken for that of the next, which was asked for meanwhile")
  func geminiLateEnd() throws {
    var setup = SessionConfiguration(.gemini)
    setup.turnTaking = .pushToTalk(prefixPadding: .zero)
    setup.inputRate = .hz16000
    let rig = try SessionRig(setup)
    let words = ServiceWords(.gemini)
    func speak() throws {
      rig.press()
      try rig.hear([Float](repeating: 0.5, count: 16_000))
      rig.letGo()
    }
    try speak()
    rig.receive(words.audio(AnswerTests.samples(4_800)))
    rig.pass(setup.stallLimit)
    #expect(AnswerTests.playOut(rig).count == 4_800)
    #expect(AnswerTests.ends(rig) == [.stalled(after: setup.stallLimit)])
    rig.forgetEvents()
    try speak()
    rig.receive(#"{"serverContent":{"interrupted":true}}"#)
    rig.receive(#"{"serverContent":{"turnComplete":true}}"#)
    #expect(AnswerTests.ends(rig).isEmpty && !rig.isSettled)
    rig.receive(words.audio(AnswerTests.samples(2_400)))
    rig.receive(#"{"serverContent":{"turnComplete":true}}"#)
    #expect(AnswerTests.playOut(rig).count == 2_400)
    #expect(AnswerTests.ends(rig) == [.told(ResponseOutcome(status: .completed))])
    // One that is over without a word is over all the same.
    try speak()
    rig.receive(#"{"serverContent":{"turnComplete":true}}"#)
    #expect(AnswerTests.ends(rig).count == 2 && rig.isSettled)
  }

  @Test("Gemini's turns have a start before their audio and an end behind it; an end without a start is not sent")
  func geminiMarks() throws {
    var setup = SessionConfiguration(.gemini)
    setup.inputRate = try SampleRate(Recordings.rate)
    let rig = try SessionRig(setup)
    try rig.speak(Recordings.clean.samples, rate: Recordings.rate)
    try rig.speak([Float](repeating: 0, count: 16_000), rate: Recordings.rate)
    rig.endInput()
    var isOpen = false
    for message in rig.sent {
      switch message {
      case .audio: #expect(isOpen)
      case .control("activityStart", _):
        #expect(!isOpen)
        isOpen = true
      case .control("activityEnd", _):
        #expect(isOpen)
        isOpen = false
      case .control(let other, _): #expect(other == "setup")
      }
    }
    #expect(!isOpen && rig.controls.contains("activityEnd"))
  }

  @Test("Gemini in its own turns: the end of the input waits for the answer to what was said")
  func geminiInputEnd() throws {
    for isSpeech in [false, true] {
      var setup = SessionConfiguration(.gemini)
      setup.turnTaking = .service
      setup.inputRate = try SampleRate(Recordings.rate)
      let rig = try SessionRig(setup)
      let samples = isSpeech ? Recordings.clean.samples : [Float](repeating: 0, count: 32_000)
      try rig.speak(samples, rate: Recordings.rate)
      rig.endInput()
      #expect(rig.controls.last == "audioStreamEnd")
      rig.pass(.seconds(2))
      #expect(rig.isSettled != isSpeech)
      rig.pass(.seconds(30))
      #expect(rig.isSettled)
      #expect(Self.ends(rig) == (isSpeech ? 1 : 0))
    }
  }

  private static func agent() throws -> SessionRig {
    try SessionRig(SessionConfiguration(.elevenLabs))
  }

  @Test("ElevenLabs: an agent of the telephone's hears mu-law at 8 kHz")
  func telephone() throws {
    var setup = SessionConfiguration(.elevenLabs)
    setup.inputRate = .hz8000
    let rig = try SessionRig(setup, starts: false)
    rig.law = .muLaw
    rig.start()
    rig.receive(
      #"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c","agent_output_audio_format":"ulaw_8000","user_input_audio_format":"ulaw_8000"}}"#
    )
    #expect(rig.playoutRate == .hz8000 && !rig.isClosed)
    var random = SeededGenerator(seed: 5)
    let said = (0..<16_000).map { _ in Int16.random(in: -20_000...20_000, using: &random) }
    try rig.speak(said.map { Float($0) / 32_768 }, rate: 8_000)
    rig.endInput()
    let law = ReferenceG711.muLaw
    let expected = said.map { law.decoded(law.encoded($0)) }
    let isSame = Array(rig.sentSamples.prefix(16_000)) == expected
    #expect(isSame)
  }

  @Test("ElevenLabs: audio up to the number of the interruption is dropped, what is behind it is played")
  func elevenLabs() throws {
    let rig = try Self.agent()
    #expect(rig.playoutRate == .hz16000)
    let words = ServiceWords(.elevenLabs)
    rig.receive(#"{"type":"agent_response","agent_response_event":{"agent_response":"Hello, how are you?"}}"#)
    #expect(!rig.events.contains { if case .answerStarted = $0 { true } else { false } })
    rig.receive(words.audio(AnswerTests.samples(16_000), number: 3))
    _ = rig.listen(.milliseconds(200))
    rig.receive(#"{"type":"interruption","interruption_event":{"event_id":5}}"#)
    rig.receive(words.audio(AnswerTests.samples(16_000), number: 4))
    rig.receive(words.audio(AnswerTests.samples(16_000), number: 5))
    #expect(rig.listen(.milliseconds(200)).count { $0 != 0 } <= 80)
    // A correction is no answer.
    rig.receive(
      #"{"type":"agent_response_correction","agent_response_correction_event":{"original_agent_response":"Hello, how are you?","corrected_agent_response":"Hello"}}"#
    )
    #expect(rig.events.filter { if case .answerStarted = $0 { true } else { false } }.count == 1)
    #expect(Self.ends(rig) == 1)
    rig.receive(words.audio(AnswerTests.samples(1_600, 5), number: 6))
    #expect(rig.listen(.milliseconds(200)).filter { $0 != 0 } == AnswerTests.samples(1_600, 5))
    rig.pass(.seconds(1))
    #expect(Self.ends(rig) == 2)
    #expect(rig.isSettled)
    #expect(!rig.isClosed)
    // No words for editing.
    #expect(rig.controls == ["conversation_initiation_client_data"])
  }

  @Test("ElevenLabs on another connection counts anew")
  func elevenLabsAgain() throws {
    let rig = try Self.agent()
    rig.receive(#"{"type":"interruption","interruption_event":{"event_id":500}}"#)
    rig.disconnected()
    rig.startSession()
    rig.receive(ServiceWords(.elevenLabs).audio(AnswerTests.samples(1_600), number: 1))
    #expect(rig.listen(.milliseconds(300)).count { $0 != 0 } == 1_600)
  }

  @Test("A chunk of ElevenLabs' that comes twice is played once, and on another connection again")
  func elevenLabsTwice() throws {
    let rig = try Self.agent()
    let words = ServiceWords(.elevenLabs)
    for number in [1, 1, 2, 1, 3, 3] {
      rig.receive(words.audio(AnswerTests.samples(1_600, Int16(number)), number: number))
    }
    #expect(rig.listen(.milliseconds(500)).filter { $0 != 0 }.count == 3 * 1_600)
    // A ping's number says nothing about audio.
    rig.receive(#"{"type":"ping","ping_event":{"event_id":4}}"#)
    rig.receive(words.audio(AnswerTests.samples(1_600), number: 4))
    #expect(rig.listen(.milliseconds(300)).count { $0 != 0 } == 1_600)
    rig.disconnected()
    rig.startSession()
    rig.receive(words.audio(AnswerTests.samples(1_600), number: 1))
    #expect(rig.listen(.milliseconds(300)).count { $0 != 0 } == 1_600)
  }

  @Test("ElevenLabs' pings are answered; a flood of them into a connection that takes nothing ends it")
  func pings() throws {
    let rig = try Self.agent()
    rig.receive(#"{"type":"ping","ping_event":{"event_id":12,"ping_ms":50}}"#)
    #expect(rig.controls("pong").first?["event_id"] as? Int == 12)
    rig.takesMessages = false
    rig.connects = false
    for i in 0..<5_000 { rig.receive(#"{"type":"ping","ping_event":{"event_id":\#(i)}}"#) }
    #expect(rig.events.contains { if case .reconnecting = $0 { true } else { false } })
  }
}
