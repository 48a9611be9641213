import AudioDSP
import RealtimeVoice
import Testing

/// A service that says at which rates it takes and sends audio may say another one of another connection.
@Suite("A service's rates") struct ServiceRateTests {
  /// How ElevenLabs starts a session.
  private static func start(sends output: Int, takes input: Int) -> String {
    #"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c2","#
      + #""agent_output_audio_format":"pcm_\#(output)","user_input_audio_format":"pcm_\#(input)"}}"#
  }

  private static func dropped(_ rig: SessionRig) -> (output: [Int], input: [Int]) {
    var counts: (output: [Int], input: [Int]) = ([], [])
    for event in rig.events {
      if case .outputDropped(let count) = event { counts.output.append(count) }
      if case .inputDropped(let count) = event { counts.input.append(count) }
    }
    return counts
  }

  @Test("What waits of an answer at another rate is dropped, and told", arguments: [8_000, 24_000])
  func output(rate: Int) throws {
    let rig = try SessionRig(SessionConfiguration(.elevenLabs))
    rig.receive(ServiceWords(.elevenLabs).audio(AnswerTests.samples(16_000), number: 1))
    #expect(rig.play(4_000).count { $0 != 0 } == 4_000)
    rig.disconnected()
    rig.receive(Self.start(sends: rate, takes: 16_000))
    #expect(rig.playoutRate.hertz == rate)
    #expect(Self.dropped(rig).output == [12_000])
    #expect(Self.dropped(rig).input == [])
    // What has started to play has an end.
    let playoutEvents = rig.events.filter { event in
      switch event {
      case .playoutStarted, .playoutFinished, .playoutStarved: true
      default: false
      }
    }
    guard case .playoutFinished(let itemID)? = playoutEvents.last, playoutEvents.count == 2 else {
      Issue.record("\(playoutEvents)")
      return
    }
    if case .playoutStarted(let started, _)? = playoutEvents.first { #expect(started == itemID) }
    #expect(rig.listen(.milliseconds(100)).allSatisfy { $0 == 0 })
    // What comes then is counted from nothing.
    rig.receive(ServiceWords(.elevenLabs).audio(AnswerTests.samples(rate), number: 1))
    #expect(rig.listen(.milliseconds(1_200)).count { $0 != 0 } == rate)
    #expect(Self.dropped(rig).output == [12_000])
  }

  @Test("At the same rate what waits is played, and where nothing waits nothing is told", arguments: [16_000, 24_000])
  func nothingDropped(rate: Int) throws {
    let rig = try SessionRig(SessionConfiguration(.elevenLabs))
    if rate == 16_000 { rig.receive(ServiceWords(.elevenLabs).audio(AnswerTests.samples(16_000), number: 1)) }
    rig.disconnected()
    rig.receive(Self.start(sends: rate, takes: 16_000))
    #expect(rig.listen(.milliseconds(1_100)).count { $0 != 0 } == (rate == 16_000 ? 16_000 : 0))
    #expect(Self.dropped(rig).output == [])
  }

  @Test("What waits of the microphone for another rate is dropped, and told")
  func input() throws {
    let rig = try SessionRig(SessionConfiguration(.elevenLabs))
    rig.takesMessages = false
    try rig.speak([Float](repeating: 0.01, count: 48_000), rate: 48_000)
    let waiting = SampleRate.hz16000.sampleCount(in: rig.waitingInput)
    #expect(waiting > 8_000)
    rig.disconnected()
    rig.receive(Self.start(sends: 16_000, takes: 24_000))
    #expect(Self.dropped(rig).input == [waiting])
    #expect(rig.waitingInput == .zero)
  }
}
