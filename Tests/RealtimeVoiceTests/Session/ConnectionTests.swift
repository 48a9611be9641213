import AudioDSP
import Foundation
import RealtimeVoice
import Testing

/// Connections that are lost, and those that are renewed in time.
struct ConnectionTests {
  private static func configuration(_ dialect: Dialect = .openAI) -> SessionConfiguration {
    var setup = SessionConfiguration(dialect)
    setup.turnTaking = .pushToTalk(prefixPadding: .zero)
    return setup
  }

  private static func delays(_ rig: SessionRig) -> [Duration] {
    rig.events.compactMap { event in
      guard case .reconnecting(_, let delay, _) = event else { return nil }
      return delay
    }
  }

  private static func texts(_ rig: SessionRig) -> [String] {
    rig.controls("conversation.item.create").compactMap { event in
      let item = event["item"] as? [String: Any]
      guard let content = (item?["content"] as? [[String: Any]])?.first else { return nil }
      return "\(item?["role"] as? String ?? ""): \(content["text"] as? String ?? "")"
    }
  }

  @Test("Attempts are made with waits inside of their bounds, and not for ever")
  func backoff() throws {
    let rig = try SessionRig(Self.configuration())
    for _ in 0..<10 { rig.disconnected() }
    let delays = Self.delays(rig)
    #expect(delays.count == 5)
    for (i, delay) in delays.enumerated() {
      let whole = min(.milliseconds(500) * (1 << i), .seconds(8))
      #expect(delay >= whole / 2 && delay <= whole, "attempt \(i + 1): \(delay)")
    }
    #expect(rig.isClosed && rig.isSettled && rig.nextDeadline == nil)
    #expect(rig.events.last == .closed(.failed("gone")))
    // One that held makes the count start again, a refusal ends it.
    let other = try SessionRig(Self.configuration())
    for _ in 0..<10 {
      other.disconnected()
      other.startSession()
      other.pass(.seconds(11))
    }
    #expect(!other.isClosed)
    other.disconnected(isTransient: false)
    #expect(other.isClosed)
  }

  @Test("A service that starts no session is given up after its limit, again and again, and then for good")
  func noStart() throws {
    let rig = try SessionRig(Self.configuration())
    rig.disconnected()
    rig.pass(.seconds(120))
    #expect(rig.isClosed)
    #expect(Self.delays(rig).count == 5)
  }

  @Test("What the microphone gives while there is no connection is sent behind it, once")
  func microphone() throws {
    let rig = try SessionRig(Self.configuration())
    rig.connects = false
    rig.press()
    let ramp = (0..<24_000).map { Float($0) / 32_768 }
    try rig.speak(ramp[..<8_000], rate: 24_000)
    let before = rig.sentSamples
    rig.disconnected()
    rig.forgetSent()
    try rig.speak(ramp[8_000..<20_000], rate: 24_000)
    rig.letGo()
    #expect(rig.sent.isEmpty)
    rig.connected()
    try rig.speak(ramp[20_000...], rate: 24_000)
    // Nothing before the service has a session but our settings.
    #expect(rig.sentSamples.isEmpty)
    rig.startSession()
    let after = rig.sentSamples
    #expect(before + after == (0..<20_000).map { Int16($0) })
    #expect(rig.controls == ["session.update", "input_audio_buffer.commit", "response.create"])
  }

  @Test("A turn of Gemini's that goes on at another connection has a start there")
  func geminiTurn() throws {
    let rig = try SessionRig(Self.configuration(.gemini))
    rig.press()
    try rig.speak([Float](repeating: 0.1, count: 8_000), rate: 24_000)
    rig.disconnected()
    rig.forgetSent()
    try rig.speak([Float](repeating: 0.1, count: 8_000), rate: 24_000)
    rig.letGo()
    rig.startSession()
    try rig.speak([Float](repeating: 0.1, count: 1_000), rate: 24_000)
    #expect(rig.controls == ["activityStart", "activityEnd"])
    guard case .control("activityStart", _)? = rig.sent.first else {
      Issue.record("audio before its start")
      return
    }
  }

  private static func reasons(_ rig: SessionRig) -> [String] {
    rig.events.compactMap { event in
      guard case .reconnecting(_, _, let reason) = event else { return nil }
      return reason
    }
  }

  @Test("A service that says nothing to a question is left for another connection", arguments: [false, true])
  func silence(isKnownInWords: Bool) throws {
    let rig = try SessionRig(Self.configuration())
    if isKnownInWords { #expect(rig.write("Who are you?")) } else { try AnswerTests.ask(rig) }
    rig.pass(.seconds(29))
    #expect(Self.delays(rig).isEmpty)
    rig.forgetSent()
    rig.pass(.seconds(2))
    #expect(Self.reasons(rig) == ["the service has said nothing for 30 s"])
    #expect(AnswerTests.ends(rig) == (isKnownInWords ? [] : [.lost]))
    rig.startSession()
    #expect(rig.sentSamples.isEmpty)
    if isKnownInWords {
      #expect(rig.controls == ["session.update", "conversation.item.create", "response.create"])
      // That one says nothing either: it is not asked a third time.
      rig.pass(.seconds(31))
      #expect(Self.reasons(rig).count == 2 && AnswerTests.ends(rig) == [.lost])
      rig.startSession()
      #expect(rig.controls("response.create").count == 1)
    } else {
      #expect(rig.controls == ["session.update"])
    }
    #expect(rig.isSettled)
  }

  @Test("Who thinks for long is not silent where nothing else could be said, until a minute has passed")
  func longThought() throws {
    var setup = Self.configuration(.gemini)
    setup.answerLimit = .seconds(10)
    let rig = try SessionRig(setup)
    for turn in 1...5 {
      try AnswerTests.ask(rig)
      rig.pass(.seconds(10))
      #expect(AnswerTests.ends(rig) == [AnswerEnd](repeating: .missing(after: .seconds(10)), count: turn))
      #expect(Self.reasons(rig).isEmpty)
    }
    try AnswerTests.ask(rig)
    rig.pass(.seconds(10))
    #expect(Self.reasons(rig).count == 1)
    #expect(AnswerTests.ends(rig).last == .lost && AnswerTests.ends(rig).count == 6)
  }

  @Test("Anything that a service says shows that it is there", arguments: ["committed", "unknown", "malformed"])
  func signOfLife(_ sign: String) throws {
    let rig = try SessionRig(Self.configuration())
    try AnswerTests.ask(rig)
    switch sign {
    case "committed": rig.receive(ServiceWords.committed("u1"))
    case "unknown": rig.receive(#"{"type":"something.new"}"#)
    default: rig.receive("{")
    }
    rig.pass(.seconds(31))
    #expect(AnswerTests.ends(rig) == [.missing(after: .seconds(30))])
    #expect(Self.reasons(rig).isEmpty && rig.isSettled)
  }

  @Test("A service that falls silent in an answer, and says nothing to its end, is left; what is heard meanwhile waits")
  func silenceInAnswer() throws {
    let rig = try SessionRig(Self.configuration())
    try AnswerTests.ask(rig)
    rig.receive(ServiceWords.created())
    rig.receive(ServiceWords(.openAI).audio(AnswerTests.samples(480)))
    // What is no answer's comes last.
    rig.receive(#"{"type":"rate_limits.updated","rate_limits":[]}"#)
    #expect(rig.listen(.milliseconds(100)).count { $0 != 0 } == 480)
    rig.pass(.milliseconds(9_900))
    #expect(AnswerTests.ends(rig) == [.stalled(after: .seconds(10))])
    #expect(rig.controls.last == "response.cancel")
    rig.forgetSent()
    let ramp = (0..<7_200).map { Float($0) / 32_768 }
    rig.press()
    try rig.speak(ramp, rate: 24_000)
    rig.letGo()
    #expect(rig.sent.isEmpty)
    rig.pass(.milliseconds(4_600))
    #expect(Self.reasons(rig).isEmpty)
    rig.pass(.milliseconds(200))
    #expect(Self.reasons(rig) == ["the service has said nothing for 15 s"])
    rig.startSession()
    #expect(rig.sentSamples == (0..<7_200).map { Int16($0) })
    #expect(rig.controls == ["session.update", "input_audio_buffer.commit", "response.create"])
    #expect(AnswerTests.ends(rig).count == 1)
  }

  @Test("A service that says that it cannot cancel what has stalled is there: what was heard meanwhile is sent")
  func wordBehindStall() throws {
    let rig = try SessionRig(Self.configuration())
    try AnswerTests.ask(rig)
    rig.receive(ServiceWords.created())
    rig.pass(.seconds(10))
    rig.forgetSent()
    rig.press()
    try rig.speak([Float](repeating: 0.25, count: 4_800), rate: 24_000)
    rig.letGo()
    #expect(rig.sent.isEmpty)
    rig.receive(ServiceWords.error("response_cancel_not_active"))
    #expect(rig.sentSamples.count == 4_800)
    #expect(rig.controls == ["input_audio_buffer.commit", "response.create"])
    rig.receive(ServiceWords.committed("u2"))
    rig.pass(.seconds(20))
    #expect(Self.reasons(rig).isEmpty)
  }

  @Test("A service whose pings end is left; one that never pinged, or once, may be silent", arguments: 0...3)
  func pings(count: Int) throws {
    let rig = try SessionRig(SessionConfiguration(.elevenLabs))
    for number in 0..<count { Self.ping(rig, number, then: .seconds(7)) }
    // Two more intervals and 10 s, counted from the last.
    rig.pass(.milliseconds(16_900))
    #expect(Self.reasons(rig).isEmpty)
    rig.pass(.milliseconds(200))
    #expect(Self.reasons(rig) == (count > 1 ? ["the service has said nothing for 24 s"] : []))
    if count < 2 { rig.pass(.seconds(3_000)) }
    #expect(Self.reasons(rig).count == (count > 1 ? 1 : 0))
  }

  @Test("Pings that are read at once, and those that waited to be read, say little of their interval")
  func pingsReadTogether() throws {
    let rig = try SessionRig(SessionConfiguration(.elevenLabs))
    Self.ping(rig, 1, then: .milliseconds(1))
    Self.ping(rig, 2, then: .milliseconds(19_900))
    #expect(Self.reasons(rig).isEmpty)
    // Nothing is read for ten minutes.
    Self.ping(rig, 3, then: .seconds(1))
    for _ in 0..<60 {
      rig.pass(.seconds(10))
      rig.receivingResumed()
    }
    Self.ping(rig, 4, then: .seconds(19))
    Self.ping(rig, 5, then: .seconds(47))
    #expect(Self.reasons(rig).isEmpty)
    // Twice 20 s, as the third ping came behind the second, and 10 s.
    rig.pass(.seconds(4))
    #expect(Self.reasons(rig).count == 1)
  }

  private static func ping(_ rig: SessionRig, _ number: Int, then wait: Duration) {
    rig.receive(#"{"type":"ping","ping_event":{"event_id":\#(number)}}"#)
    rig.pass(wait)
  }

  @Test("A service that we do not read cannot be called silent")
  func unread() throws {
    let rig = try SessionRig(Self.configuration())
    try AnswerTests.ask(rig)
    rig.receive(ServiceWords.created())
    rig.pass(.seconds(10))
    #expect(AnswerTests.ends(rig).count == 1)
    for _ in 0..<5 {
      rig.pass(.seconds(4))
      rig.receivingResumed()
    }
    #expect(Self.reasons(rig).isEmpty)
    rig.pass(.seconds(5))
    #expect(Self.reasons(rig).count == 1)
  }

  /// A conversation of which both sides' words are known.
  private static func talked(_ rig: SessionRig) throws {
    try AnswerTests.ask(rig)
    rig.receive(ServiceWords.committed("u1"))
    rig.receive(ServiceWords.created("r1"))
    rig.receive(ServiceWords.userSaid("Who are you?", item: "u1"))
    rig.receive(ServiceWords.transcript("A machine.", response: "r1", item: "i1"))
    rig.receive(ServiceWords(.openAI).audio(AnswerTests.samples(2_400)))
    rig.receive(ServiceWords.done("r1"))
    _ = AnswerTests.playOut(rig)
  }

  @Test("A new session is told what was said, in order, and no answer is asked for that was given")
  func history() throws {
    let rig = try SessionRig(Self.configuration())
    try Self.talked(rig)
    rig.forgetSent()
    rig.disconnected()
    rig.startSession()
    #expect(Self.texts(rig) == ["user: Who are you?", "assistant: A machine."])
    #expect(rig.controls == ["session.update", "conversation.item.create", "conversation.item.create"])
    #expect(rig.events.last == .ready(sessionID: "sess_1", isRenewed: true))
  }

  @Test("An answer that is lost before anything of it was heard is asked for again; else its loss is told")
  func lostAnswer() throws {
    let rig = try SessionRig(Self.configuration())
    try AnswerTests.ask(rig)
    rig.receive(ServiceWords.committed("u1"))
    rig.receive(ServiceWords.userSaid("Who are you?", item: "u1"))
    rig.disconnected()
    rig.forgetSent()
    rig.startSession()
    #expect(rig.controls == ["session.update", "conversation.item.create", "response.create"])
    rig.receive(ServiceWords.created("r1"))
    rig.receive(ServiceWords.transcript("A mach", response: "r1", item: "i1"))
    rig.receive(ServiceWords(.openAI).audio(AnswerTests.samples(2_400)))
    rig.disconnected()
    rig.startSession()
    #expect(rig.events.contains(.answerFinished(.lost)))
    #expect(rig.controls("response.create").count == 1)
    #expect(AnswerTests.playOut(rig).count == 2_400)
    // Words that nobody knows cannot be answered.
    try AnswerTests.ask(rig)
    rig.forgetSent()
    rig.forgetEvents()
    rig.disconnected()
    rig.startSession()
    #expect(rig.events.contains(.answerFinished(.lost)))
    #expect(!rig.controls.contains("response.create"))
    #expect(rig.isSettled)
  }

  @Test("A question on which every connection is lost is asked twice, not for ever")
  func fatalQuestion() throws {
    let rig = try SessionRig(Self.configuration())
    for turn in 1...2 {
      try AnswerTests.ask(rig)
      rig.receive(ServiceWords.committed("u\(turn)"))
      rig.receive(ServiceWords.userSaid("Why?", item: "u\(turn)"))
      for attempt in 0..<4 {
        // Long enough for the attempts to be counted anew.
        for _ in 0..<2 {
          if attempt < 2 { rig.receive(ServiceWords.created()) }
          rig.pass(.seconds(9))
        }
        rig.disconnected()
        rig.startSession()
      }
      #expect(rig.controls("response.create").count == 2 * turn)
      #expect(AnswerTests.ends(rig) == [AnswerEnd](repeating: .lost, count: turn))
      #expect(rig.isSettled)
    }
  }

  @Test("A question is asked again however many attempts another connection takes, or its loss is told")
  func refusedAttempts() throws {
    for refusedCount in [1, 2, 4, 5] {
      let rig = try SessionRig(Self.configuration())
      #expect(rig.write("Why?"))
      rig.forgetSent()
      rig.connects = false
      rig.disconnected()
      for attempt in 0..<refusedCount {
        // Some do not come about, some get no session.
        if attempt % 2 == 1 { rig.connected() }
        rig.disconnected()
      }
      #expect(rig.isClosed == (refusedCount == 5))
      #expect(AnswerTests.ends(rig) == (refusedCount == 5 ? [.lost] : []))
      if rig.isClosed { continue }
      rig.connected()
      rig.startSession()
      #expect(rig.controls.suffix(2) == ["conversation.item.create", "response.create"])
      rig.receive(ServiceWords.created())
      rig.receive(ServiceWords.done())
      #expect(rig.isSettled && AnswerTests.ends(rig).count == 1)
    }
  }

  @Test("A service that names things as on the connection before is understood, and is told of its own things only")
  func sameNames() throws {
    let rig = try SessionRig(Self.configuration())
    let words = ServiceWords(.openAI)
    for round in 0..<3 {
      rig.receive(#"{"type":"session.updated","event_id":"event_1","session":{}}"#)
      rig.receive(ServiceWords.created("r1"))
      rig.receive(words.audio(AnswerTests.samples(4_800, Int16(round + 1)), eventID: "event_2"))
      rig.receive(ServiceWords.done("r1"))
      #expect(AnswerTests.playOut(rig) == AnswerTests.samples(4_800, Int16(round + 1)))
      rig.disconnected()
      rig.startSession()
      rig.pass(.seconds(11))
    }
    // Of an item that another session has, this one is not told.
    rig.receive(ServiceWords.created("r1"))
    rig.receive(words.audio(AnswerTests.samples(48_000), eventID: "event_2"))
    _ = rig.listen(.milliseconds(100))
    rig.disconnected()
    rig.startSession()
    rig.forgetSent()
    rig.press()
    #expect(rig.controls.isEmpty)
    #expect(rig.events.contains { if case .interrupted = $0 { true } else { false } })
  }

  @Test("OpenAI's 60 minutes: renewed a minute before, in a quiet moment, with what was said")
  func renewal() throws {
    let rig = try SessionRig(Self.configuration())
    try Self.talked(rig)
    rig.forgetSent()
    rig.pass(.seconds(3_500))
    #expect(!rig.events.contains(.renewing))
    rig.press()
    try rig.speak([Float](repeating: 0.1, count: 24_000 * 60), rate: 24_000, block: .seconds(1))
    // Past the time, but the user speaks.
    #expect(!rig.events.contains(.renewing))
    rig.letGo()
    try rig.speak([Float](repeating: 0, count: 2_400), rate: 24_000)
    rig.receive(ServiceWords.created("r5"))
    rig.receive(ServiceWords.done("r5"))
    rig.pass(.milliseconds(200))
    #expect(rig.events.contains(.renewing))
    #expect(rig.actions.filter { $0 == .disconnect }.count == 1)
    #expect(rig.now < .seconds(3_600))
    rig.startSession()
    #expect(Self.texts(rig) == ["user: Who are you?", "assistant: A machine."])
    #expect(!rig.isClosed)
  }

  @Test("A session in which it is never quiet is renewed all the same, before the service ends it")
  func renewalLimit() throws {
    var setup = Self.configuration()
    setup.connectionLimit = .seconds(120)
    setup.renewalMargin = .seconds(30)
    let rig = try SessionRig(setup)
    rig.press()
    try rig.speak([Float](repeating: 0.1, count: 24_000 * 119), rate: 24_000, block: .seconds(1))
    let time = try #require(zip(rig.events, rig.eventTimes).first { $0.0 == .renewing }?.1)
    #expect(time >= .seconds(110) && time < .seconds(120))
  }

  @Test("Gemini: ten minutes, its handle, and goAway")
  func gemini() throws {
    let rig = try SessionRig(Self.configuration(.gemini))
    rig.receive(#"{"sessionResumptionUpdate":{"newHandle":"h1","resumable":true}}"#)
    rig.pass(.seconds(545))
    #expect(rig.events.contains(.renewing))
    let setup = rig.controls("setup").last?["setup"] as? [String: Any]
    #expect((setup?["sessionResumption"] as? [String: Any])?["handle"] as? String == "h1")
    rig.startSession()
    #expect(!rig.controls.contains("clientContent"))
    rig.pass(.seconds(100))
    rig.forgetEvents()
    rig.receive(#"{"goAway":{"timeLeft":"20s"}}"#)
    rig.pass(.milliseconds(1))
    #expect(rig.events.first == .renewing)
    // One that sends everyone away at once is called with growing waits, and not for ever.
    rig.forgetEvents()
    for _ in 0..<20 where !rig.isClosed {
      rig.startSession()
      rig.receive(#"{"goAway":{"timeLeft":"0s"}}"#)
      rig.pass(.milliseconds(10))
    }
    #expect(rig.isClosed)
    #expect(Self.delays(rig).count == 5)
  }

  @Test("A handle that the service does not take is not tried for ever: what was said is told instead")
  func badHandle() throws {
    let rig = try SessionRig(Self.configuration(.gemini))
    rig.receive(#"{"sessionResumptionUpdate":{"newHandle":"h1","resumable":true}}"#)
    rig.receive(#"{"serverContent":{"inputTranscription":{"text":"Hello"}}}"#)
    rig.disconnected()
    rig.disconnected()
    let setup = rig.controls("setup").last?["setup"] as? [String: Any]
    #expect((setup?["sessionResumption"] as? [String: Any])?["handle"] == nil)
    rig.startSession()
    #expect(rig.controls.last == "clientContent")
  }

  @Test("session_expired renews")
  func expired() throws {
    let rig = try SessionRig(Self.configuration())
    rig.pass(.seconds(1_800))
    rig.receive(ServiceWords.error("session_expired"))
    #expect(rig.events.contains(.renewing))
    rig.startSession()
    #expect(!rig.isClosed)
  }

  @Test("A session that fails lets what has come of an answer be played, and tells nothing behind its end")
  func failing() throws {
    let rig = try AnswerTests.asked()
    rig.receive(ServiceWords.created())
    rig.receive(ServiceWords(.openAI).audio(AnswerTests.samples(4_800)))
    _ = rig.listen(.milliseconds(50))
    rig.disconnected(isTransient: false)
    #expect(rig.events.last == .closed(.failed("gone")))
    #expect(rig.listen(.milliseconds(500)).count { $0 != 0 } == 3_600)
    #expect(rig.events.last == .closed(.failed("gone")))
  }

  @Test("Closing: nothing is told, sent, wanted or heard behind it")
  func closing() throws {
    let rig = try AnswerTests.asked(tools: [ToolDescription(name: "clock", description: "", parameters: "")])
    rig.receive(ServiceWords.created())
    rig.receive(ServiceWords(.openAI).audio(AnswerTests.samples(48_000)))
    rig.receive(ServiceWords.call("c0"))
    _ = rig.listen(.milliseconds(50))
    rig.takesMessages = false
    rig.press()
    rig.close()
    #expect(rig.actions.contains(.cancelCall(id: "c0")) && rig.actions.contains(.disconnect))
    #expect(rig.events.last == .closed(.closed))
    let count = rig.actions.count
    rig.forgetSent()
    rig.takesMessages = true
    rig.receive(ServiceWords.done())
    rig.returned("x", callID: "c0")
    rig.press()
    rig.disconnected()
    rig.connected()
    try rig.speak([Float](repeating: 0.1, count: 4_800), rate: 24_000)
    rig.endInput()
    rig.close()
    rig.pass(.seconds(100))
    #expect(rig.listen(.milliseconds(500)).count { $0 != 0 } <= 120)
    #expect(rig.actions.count == count && rig.sent.isEmpty)
    #expect(rig.isSettled && rig.nextDeadline == nil)
  }
}
