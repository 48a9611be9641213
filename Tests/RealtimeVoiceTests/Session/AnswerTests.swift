import AudioDSP
import AudioTestSupport
import Foundation
import RealtimeVoice
import Testing

/// Answers, in whatever order their events come.
struct AnswerTests {
  static let words = ServiceWords(.openAI)

  static func samples(_ count: Int, _ level: Int16 = 1_000) -> [Int16] { [Int16](repeating: level, count: count) }

  /// A session whose user has said something that is committed: an answer is asked for.
  static func asked(_ change: (inout SessionConfiguration) -> Void = { _ in }, tools: [ToolDescription] = []) throws
    -> SessionRig
  {
    var setup = SessionConfiguration(.openAI)
    setup.inputRate = .hz24000
    setup.turnTaking = .pushToTalk(prefixPadding: .zero)
    change(&setup)
    let rig = try SessionRig(setup, tools: tools)
    try ask(rig)
    return rig
  }

  static func ask(_ rig: SessionRig) throws {
    rig.press()
    try rig.speak([Float](repeating: 0.1, count: 4_800), rate: 24_000)
    rig.letGo()
    try rig.speak([Float](repeating: 0, count: 720), rate: 24_000)
  }

  static func ends(_ rig: SessionRig) -> [AnswerEnd] {
    rig.events.compactMap { event in
      guard case .answerFinished(let end) = event else { return nil }
      return end
    }
  }

  /// Plays until nothing is left, in bounds.
  static func playOut(_ rig: SessionRig, seconds: Int = 20) -> [Int16] {
    var heard: [Int16] = []
    for _ in 0..<seconds * 10 where !rig.isSettled { heard += rig.listen(.milliseconds(100)) }
    #expect(rig.isSettled)
    return heard.filter { $0 != 0 }
  }

  @Test("A whole answer")
  func whole() throws {
    let rig = try Self.asked()
    #expect(rig.controls == ["session.update", "input_audio_buffer.commit", "response.create"])
    #expect(!rig.isSettled)
    rig.receive(ServiceWords.committed())
    rig.receive(ServiceWords.created())
    rig.receive(
      #"{"type":"rate_limits.updated","rate_limits":[{"name":"tokens","limit":9,"remaining":8,"reset_seconds":1.5}]}"#)
    rig.receive(ServiceWords.userSaid("Hello?"))
    rig.receive(Self.words.audio(Self.samples(2_400)))
    rig.receive(ServiceWords.transcript("Yes."))
    rig.receive(Self.words.audio(Self.samples(2_400, 2_000)))
    rig.receive(#"{"type":"response.output_audio.done","response_id":"r1","item_id":"i1"}"#)
    rig.receive(ServiceWords.done())
    #expect(!rig.isSettled)
    #expect(Self.playOut(rig) == Self.samples(2_400) + Self.samples(2_400, 2_000))
    #expect(Self.ends(rig) == [.told(ResponseOutcome(responseID: "r1", status: .completed))])
    #expect(rig.events.contains(.answerStarted(responseID: "r1")))
    #expect(
      rig.events.contains(.rateLimits([RateLimit(name: "tokens", limit: 9, remaining: 8, reset: .milliseconds(1_500))]))
    )
    #expect(rig.events.contains(.playoutFinished(itemID: "i1")))
    #expect(rig.controls.count == 3)
  }

  @Test("Events of an answer in any order: all of it is played, it ends once, and nothing hangs")
  func orders() throws {
    let audio = (0..<4).map { Self.words.audio(Self.samples(480, Int16(100 + $0))) }
    var random = SeededGenerator(seed: 77)
    for trial in 0..<60 {
      let rig = try Self.asked()
      var messages = [ServiceWords.created(), ServiceWords.done(), ServiceWords.transcript("a")] + audio
      messages.append(#"{"type":"response.output_audio.done","response_id":"r1","item_id":"i1"}"#)
      messages.shuffle(using: &random)
      for (i, message) in messages.enumerated() {
        rig.receive(message)
        // What nobody knows, and what is no message, in between.
        if i % 3 == 0 { rig.receive(#"{"type":"response.brand_new","response_id":"r1"}"#) }
        if i % 3 == 1 { rig.receive(#"{"type":"response.output_audio.delta""#) }
        if i % 3 == 2 { rig.receive("\u{1}binary", isBinary: true) }
      }
      let heard = Self.playOut(rig)
      #expect(heard.count == 1_920, "trial \(trial): \(messages)")
      #expect(Self.ends(rig).count == 1, "trial \(trial)")
      #expect(rig.events.filter { if case .answerStarted = $0 { true } else { false } }.count == 1)
      #expect(rig.events.contains(.unknown(type: "response.brand_new")))
      #expect(rig.events.contains { if case .malformed = $0 { true } else { false } })
      #expect(!rig.isClosed)
    }
  }

  @Test("The same event twice counts once")
  func duplicates() throws {
    let rig = try Self.asked()
    rig.receive(ServiceWords.created())
    for _ in 0..<3 { rig.receive(Self.words.audio(Self.samples(480), eventID: "e7")) }
    let usage = #"{"input_tokens":3,"output_tokens":4}"#
    rig.receive(ServiceWords.done(usage: usage))
    rig.receive(ServiceWords.done(usage: usage))
    #expect(Self.playOut(rig).count == 480)
    #expect(Self.ends(rig).count == 1)
    #expect(rig.usage == Usage(input: .init(unsplit: 3), output: .init(unsplit: 4)))
  }

  @Test("Two items of one answer are played one after the other, and cut each by itself")
  func items() throws {
    let rig = try Self.asked()
    rig.receive(ServiceWords.created())
    rig.receive(Self.words.audio(Self.samples(4_800, 1), item: "a"))
    rig.receive(Self.words.audio(Self.samples(4_800, 2), item: "b"))
    _ = rig.listen(.milliseconds(100))
    rig.press()
    // The first was heard for 100 ms and a fade, the second not at all.
    let heard = HeardItem(itemID: "a", heardInMilliseconds: 105, receivedInMilliseconds: 200)
    let unheard = HeardItem(itemID: "b", heardInMilliseconds: 0, receivedInMilliseconds: 200)
    #expect(rig.events.contains(.interrupted([heard, unheard])))
    #expect(rig.controls("conversation.item.truncate").first?["audio_end_ms"] as? Int == 105)
    #expect(rig.controls("conversation.item.delete").map { $0["item_id"] as? String } == ["b"])
    #expect(rig.controls("response.cancel").first?["response_id"] as? String == "r1")
  }

  @Test("Nothing of a cancelled answer is heard, whatever still comes of it")
  func late() throws {
    let rig = try Self.asked()
    rig.receive(ServiceWords.created())
    rig.receive(Self.words.audio(Self.samples(4_800)))
    _ = rig.listen(.milliseconds(50))
    rig.press()
    for item in ["i1", "i2"] { rig.receive(Self.words.audio(Self.samples(4_800), item: item)) }
    rig.receive(ServiceWords.done("r1", "cancelled", details: #"{"type":"cancelled","reason":"client_cancelled"}"#))
    for item in ["i1", "i3"] { rig.receive(Self.words.audio(Self.samples(4_800), item: item)) }
    let after = rig.listen(.milliseconds(500))
    // The fade of 5 ms, no more.
    #expect(after.count { $0 != 0 } <= 120)
    rig.letGo()
    #expect(rig.controls.filter { $0 == "conversation.item.truncate" }.count == 1)
  }

  @Test("The service's own interruption: playout stops, the item is cut, and nothing is cancelled twice")
  func servicesInterruption() throws {
    let rig = try Self.asked { $0.turnTaking = .service }
    rig.receive(ServiceWords.created())
    rig.receive(Self.words.audio(Self.samples(24_000)))
    _ = rig.listen(.milliseconds(100))
    rig.receive(ServiceWords.speechStarted)
    rig.receive(ServiceWords.done("r1", "cancelled", details: #"{"type":"cancelled","reason":"turn_detected"}"#))
    #expect(rig.controls == ["session.update", "conversation.item.truncate"])
    #expect(rig.listen(.milliseconds(100)).count { $0 != 0 } <= 120)
    #expect(rig.events.filter { if case .interrupted = $0 { true } else { false } }.count == 1)
    // And where only the answer's end says it.
    let other = try Self.asked()
    other.receive(ServiceWords.created())
    other.receive(Self.words.audio(Self.samples(24_000)))
    _ = other.listen(.milliseconds(100))
    other.receive(ServiceWords.done("r1", "cancelled", details: #"{"type":"cancelled","reason":"turn_detected"}"#))
    #expect(other.listen(.milliseconds(100)).count { $0 != 0 } <= 120)
    #expect(other.controls.last == "conversation.item.truncate")
  }

  @Test("The input ends inside of a turn of the service's: it is committed and answered, an answer under way or not")
  func inputEnd() throws {
    for isAnswering in [false, true] {
      let rig = try Self.asked { $0.turnTaking = .service }
      if isAnswering { rig.receive(ServiceWords.created()) }
      rig.receive(ServiceWords.speechStarted)
      rig.endInput()
      #expect(rig.controls == ["session.update"])
      rig.pass(.milliseconds(1_100))
      #expect(rig.controls.contains("input_audio_buffer.commit"))
      #expect(rig.controls.contains("response.create") == !isAnswering)
      if isAnswering { rig.receive(ServiceWords.done("r1", "cancelled")) }
      #expect(rig.controls.filter { $0 == "response.create" }.count == 1)
      rig.receive(ServiceWords.done("r2"))
      #expect(rig.isSettled)
    }
    // One that the service has ended is not.
    let rig = try Self.asked { $0.turnTaking = .service }
    for message in [ServiceWords.speechStarted, ServiceWords.speechStopped, ServiceWords.committed()] {
      rig.receive(message)
    }
    rig.endInput()
    rig.pass(.seconds(2))
    #expect(rig.controls == ["session.update"])
  }

  @Test("Answers that fail, are cut short or say something new are over", arguments: ["failed", "incomplete", "odd"])
  func failures(status: String) throws {
    let rig = try Self.asked()
    rig.receive(
      ServiceWords.done(
        "r1", status, details: #"{"type":"x","reason":"max_output_tokens","error":{"message":"m","code":"c"}}"#))
    #expect(Self.ends(rig).count == 1)
    #expect(rig.isSettled)
    try Self.ask(rig)
    #expect(rig.controls("response.create").count == 2)
  }

  @Test("No second answer is asked for while one is awaited or under way; it is when that one is over")
  func secondQuestion() throws {
    for isCreated in [false, true] {
      let rig = try Self.asked()
      if isCreated { rig.receive(ServiceWords.created()) }
      // A text is no interruption.
      #expect(rig.write("And this?"))
      #expect(rig.controls("response.create").count == 1)
      if !isCreated { rig.receive(ServiceWords.created()) }
      #expect(rig.controls("response.create").count == 1)
      rig.receive(ServiceWords.done())
      #expect(rig.controls("response.create").count == 2)
      #expect(rig.controls.last == "response.create")
      rig.receive(ServiceWords.done("r2"))
      #expect(rig.controls("response.create").count == 2)
      #expect(rig.isSettled)
    }
  }

  @Test("A service that says that an answer is under way is asked again when it is over")
  func refused() throws {
    let rig = try Self.asked()
    rig.receive(ServiceWords.error("conversation_already_has_active_response", about: "utter-3"))
    #expect(!rig.isSettled)
    rig.receive(ServiceWords.created("other"))
    #expect(rig.controls("response.create").count == 1)
    rig.receive(ServiceWords.done("other"))
    #expect(rig.controls("response.create").count == 2)
    // One that says so for ever is not asked for ever.
    let stubborn = try Self.asked()
    var steps = 0
    while !stubborn.isSettled, steps < 20 {
      stubborn.receive(ServiceWords.error("conversation_already_has_active_response", about: "utter-\(3 + steps)"))
      stubborn.pass(.seconds(31))
      steps += 1
    }
    #expect(stubborn.isSettled)
    #expect(stubborn.controls("response.create").count <= 4)
  }

  @Test("A complaint about what asked for the answer ends the wait; other complaints do not")
  func complaints() throws {
    let rig = try Self.asked()
    let asked = try #require(rig.controls("response.create").first?["event_id"] as? String)
    rig.receive(ServiceWords.error("rate_limit_exceeded", about: "something"))
    #expect(!rig.isSettled)
    rig.receive(ServiceWords.error("response_cancel_not_active"))
    #expect(rig.events.filter { if case .serviceError = $0 { true } else { false } }.count == 1)
    rig.receive(ServiceWords.error("rate_limit_exceeded", about: asked))
    #expect(rig.isSettled)
    guard case .told(let outcome)? = Self.ends(rig).first, case .failed(let error?) = outcome.status else {
      Issue.record("\(Self.ends(rig))")
      return
    }
    #expect(error.code == "rate_limit_exceeded")
  }

  @Test("An answer that does not come, stalls, or never ends is given up after its limit, and not before")
  func limits() throws {
    let missing = try Self.asked()
    missing.receive(ServiceWords.committed("u1"))
    missing.pass(.seconds(29))
    #expect(!missing.isSettled && Self.ends(missing).isEmpty)
    missing.pass(.seconds(2))
    #expect(missing.isSettled && Self.ends(missing) == [.missing(after: .seconds(30))])

    let stalled = try Self.asked()
    stalled.receive(ServiceWords.created())
    for _ in 0..<5 {
      stalled.pass(.seconds(9))
      stalled.receive(Self.words.audio(Self.samples(480)))
    }
    #expect(Self.ends(stalled).isEmpty)
    stalled.pass(.seconds(11))
    #expect(Self.ends(stalled) == [.stalled(after: .seconds(10))])
    #expect(stalled.controls.last == "response.cancel")
    // What was received is played, what comes later is not, and is counted all the same.
    stalled.receive(Self.words.audio(Self.samples(4_800)))
    #expect(Self.playOut(stalled).count == 5 * 480)
    stalled.receive(ServiceWords.done(usage: #"{"input_tokens":3,"output_tokens":4}"#))
    #expect(stalled.usage.output.unsplit == 4)
    #expect(Self.ends(stalled).count == 1)
    try Self.ask(stalled)
    #expect(stalled.controls("response.create").count == 2)
  }

  @Test("An answer that begins before the one before it is over: both are played and end")
  func overlap() throws {
    let rig = try Self.asked()
    rig.receive(ServiceWords.created("r1"))
    rig.receive(Self.words.audio(Self.samples(480, 1), response: "r1", item: "a"))
    rig.receive(ServiceWords.created("r2"))
    rig.receive(Self.words.audio(Self.samples(480, 2), response: "r2", item: "b"))
    rig.receive(Self.words.audio(Self.samples(480, 1), response: "r1", item: "a"))
    rig.receive(ServiceWords.done("r1"))
    rig.receive(Self.words.audio(Self.samples(480, 2), response: "r2", item: "b"))
    rig.receive(ServiceWords.done("r2"))
    #expect(Self.playOut(rig) == Self.samples(960, 1) + Self.samples(960, 2))
    #expect(Self.ends(rig).count == 2)
  }

  @Test("The times of a turn are those at which its things happened, and both clocks are there")
  func timing() throws {
    var setup = SessionConfiguration(.openAI)
    setup.inputRate = try SampleRate(Recordings.rate)
    let rig = try SessionRig(setup)
    var samples = Array(Recordings.clean.samples[..<18_400])
    samples += [Float](repeating: 0, count: 16_000)
    try rig.speak(samples, rate: Recordings.rate)
    let asked = rig.now
    #expect(rig.controls.last == "response.create")
    rig.pass(.milliseconds(150))
    rig.receive(ServiceWords.created())
    rig.pass(.milliseconds(70))
    rig.receive(Self.words.audio(Self.samples(4_800)))
    rig.pass(.milliseconds(30))
    _ = rig.play(240)
    let started = rig.events.compactMap { event -> TurnTiming? in
      guard case .playoutStarted(_, let timing) = event else { return nil }
      return timing
    }
    let timing = try #require(started.first)
    #expect(timing.answerStarted == asked + .milliseconds(150))
    #expect(timing.firstAudio == asked + .milliseconds(220))
    #expect(timing.firstPlayed == asked + .milliseconds(250))
    // The label's end is 1.15 s; a detector sees the sound's tail.
    let ended = try #require(timing.speechEnded)
    #expect(ended > .milliseconds(1_050) && ended < .milliseconds(1_300), "\(ended)")
    // The hangover, a frame, the look-ahead and a block.
    let committed = try #require(timing.committed)
    #expect(committed - ended >= .milliseconds(480) && committed - ended <= .milliseconds(620), "\(committed - ended)")
  }

  @Test("Usage is summed by modality")
  func usage() throws {
    let rig = try Self.asked()
    let usage =
      #"{"input_tokens":30,"output_tokens":12,"input_token_details":{"text_tokens":10,"audio_tokens":20,"cached_tokens":8,"cached_tokens_details":{"text_tokens":5,"audio_tokens":3}},"output_token_details":{"text_tokens":4,"audio_tokens":8}}"#
    rig.receive(ServiceWords.done("r1", usage: usage))
    try Self.ask(rig)
    rig.receive(ServiceWords.done("r2", usage: usage))
    #expect(
      rig.usage
        == Usage(
          input: .init(text: 20, audio: 40), cachedInput: .init(text: 10, audio: 6), output: .init(text: 8, audio: 16)))
    #expect(rig.events.filter { if case .usage = $0 { true } else { false } }.count == 2)
  }
}
