import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("Gemini: rules")
  struct GeminiRuleTests {
    private static func setup(_ members: String = "") -> String {
      #"{"setup":{"model":"models/m"\#(members.isEmpty ? "" : ",")\#(members)}}"#
    }

    private static func input(_ settings: String) -> String { setup(#""realtimeInputConfig":{\#(settings)}"#) }

    private static let byHand = #""automaticActivityDetection":{"disabled":true}"#
    private static let start = #"{"realtimeInput":{"activityStart":{}}}"#
    private static let end = #"{"realtimeInput":{"activityEnd":{}}}"#
    private static let tool = #""tools":[{"functionDeclarations":[{"name":"weather"}]}]"#
    private static let inRealTime: @Sendable (inout SimulatorConfiguration) -> Void = {
      $0.pacing = .realTime(lead: .zero)
    }

    private func send(_ audio: [UInt8], to session: ManualSession) {
      for start in stride(from: 0, to: audio.count, by: 3200) {
        let part = Data(audio[start..<min(audio.count, start + 3200)]).base64EncodedString()
        session.receive(#"{"realtimeInput":{"audio":{"data":"\#(part)","mimeType":"audio/pcm;rate=16000"}}}"#)
      }
    }

    private func write(_ text: String, to session: ManualSession, isComplete: Bool = true) {
      session.receive(
        #"{"clientContent":{"turns":[{"role":"user","parts":[{"text":"\#(text)"}]}],"turnComplete":\#(isComplete)}}"#)
    }

    private func speech(_ milliseconds: Int) -> [UInt8] { Sound.speech(milliseconds: milliseconds, rate: 16_000) }
    private func silence(_ milliseconds: Int) -> [UInt8] { Sound.silence(milliseconds: milliseconds, rate: 16_000) }

    private func isInterrupted(_ event: Event) -> Bool { event["serverContent.interrupted"] as? Bool == true }
    private func isComplete(_ event: Event) -> Bool { event["serverContent.turnComplete"] as? Bool == true }
    private func isGenerated(_ event: Event) -> Bool { event["serverContent.generationComplete"] as? Bool == true }

    @Test("It says that it goes away 10 s before 10 min are over, and closes with 1001 then")
    func age() throws {
      try withManualSession(.gemini, query: []) { session in
        session.receive(Self.setup())
        _ = session.events()
        session.pass(.seconds(589))
        #expect(session.events().isEmpty)
        session.pass(.seconds(1))
        #expect(session.events().map { $0.string("goAway.timeLeft") } == ["10s"])
        session.pass(.milliseconds(9999))
        #expect(session.closing == nil)
        session.pass(.milliseconds(1))
        #expect(session.closing?.code == 1001)
      }
    }

    @Test(
      "Set-ups that the service does not know are refused, and so is whatever is sent before one",
      arguments: [
        input(#""activityHandling":"MAYBE""#), input(#""turnCoverage":"ALL""#), input(#""colour":1"#),
        input(#""automaticActivityDetection":{"enabled":true}"#),
        input(#""automaticActivityDetection":{"disabled":"no"}"#),
        input(#""automaticActivityDetection":{"silenceDurationMs":-1}"#),
        input(#""automaticActivityDetection":{"prefixPaddingMs":1.5}"#),
        input(#""automaticActivityDetection":{"startOfSpeechSensitivity":"END_SENSITIVITY_LOW"}"#),
        input(#""automaticActivityDetection":{"endOfSpeechSensitivity":"LOW"}"#),
        setup(#""realtimeInputConfig":[]"#), #"{"clientContent":{"turnComplete":true}}"#,
        #"{"realtimeInput":{"audio":{"data":"AAAA","mimeType":"audio/pcm;rate=16000"}}}"#,
        #"{"toolResponse":{"functionResponses":[]}}"#, #"{"contextUpdate":{}}"#, "{}",
        #"{"setup":{"model":"m"},"clientContent":{}}"#, #"{"setup":{"model":""}}"#, #"{"setup":7}"#,
      ])
    func setupRefusals(_ message: String) throws {
      try withManualSession(.gemini, query: []) { session in
        session.receive(message)
        #expect(session.closing?.code == 1007)
        #expect(session.events().isEmpty)
        #expect(session.record.errors.map(\.code) == ["INVALID_ARGUMENT"])
        session.receive(Self.setup())
        #expect(session.events().isEmpty)
      }
    }

    @Test(
      "What does not fit the set-up is refused",
      arguments: [
        (byHand, #"{"realtimeInput":{"audioStreamEnd":true}}"#), (byHand, end),
        ("", #"{"realtimeInput":{"activityStart":{}}}"#), ("", end), ("", #"{"realtimeInput":{"sound":{}}}"#),
        ("", #"{"realtimeInput":{"audio":{"data":"AAAA","mimeType":"audio/mp3"}}}"#),
        ("", #"{"realtimeInput":{"audio":{"data":"AAAA","mimeType":"audio/pcm;rate=7999"}}}"#),
        ("", #"{"realtimeInput":{"audio":{"data":"AAAA","mimeType":"audio/pcm","rate":1}}}"#),
        ("", #"{"clientContent":{"text":"a"}}"#), ("", #"{"toolResponse":{"id":"a"}}"#), ("", setup()),
      ])
    func refusals(_ settings: String, _ message: String) throws {
      try withManualSession(.gemini, query: []) { session in
        session.receive(Self.input(settings))
        #expect(session.events().map(\.object.keys.first) == ["setupComplete"])
        session.receive(message)
        #expect(session.closing?.code == 1007)
      }
    }

    @Test("Every known setting is taken, in either spelling")
    func knownSettings() throws {
      for settings in [
        #""activityHandling":"START_OF_ACTIVITY_INTERRUPTS","turnCoverage":"TURN_INCLUDES_ONLY_ACTIVITY""#,
        #""activity_handling":"NO_INTERRUPTION","turn_coverage":"TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO""#,
        #""automatic_activity_detection":{"disabled":false,"start_of_speech_sensitivity":"START_SENSITIVITY_LOW","end_of_speech_sensitivity":"END_SENSITIVITY_HIGH","prefix_padding_ms":20,"silence_duration_ms":100}"#,
      ] {
        try withManualSession(.gemini, query: []) { session in
          session.receive(Self.input(settings))
          #expect(session.events().count == 1)
          #expect(session.closing == nil)
        }
      }
    }

    @Test("prefixPaddingMs is the speech that begins a turn, silenceDurationMs the silence that ends it")
    func detection() throws {
      let settings: [(json: String, attack: Int, silence: Int)] = [
        ("", 20, 500), (#""prefixPaddingMs":200,"silenceDurationMs":250"#, 200, 250),
        (#""endOfSpeechSensitivity":"END_SENSITIVITY_LOW""#, 20, 800),
        (#""endOfSpeechSensitivity":"END_SENSITIVITY_LOW","silenceDurationMs":300"#, 20, 300),
        (#""prefixPaddingMs":1500"#, 1500, 500),
      ]
      for (json, attack, silenceLength) in settings {
        try withManualSession(.gemini, query: [], { $0.answer = .echo }) { session in
          session.receive(Self.input(#""automaticActivityDetection":{\#(json)}"#))
          // Too short to be speech, and then as long as it must be.
          let audio =
            silence(400) + speech(attack - 10) + silence(2000) + speech(attack) + silence(silenceLength - 10)
          send(audio, to: session)
          #expect(session.record.turns.isEmpty, "\(json)")
          send(silence(10), to: session)
          // 300 ms of what came before are part of it.
          let length = 32 * (300 + attack + silenceLength)
          let isTurn = session.record.turns.map(\.audio) == [Array((audio + silence(10)).suffix(length))]
          #expect(isTurn, "\(json)")
        }
      }
    }

    @Test("What a high sensitivity takes for speech, a low one does not")
    func sensitivity() throws {
      // -40 dB re full scale.
      let quiet = Sound.bytes((0..<16_000).map { $0 / 50 % 2 == 0 ? 328 : -328 })
      for (sensitivity, isSpeech) in [("HIGH", true), ("LOW", false), ("UNSPECIFIED", true)] {
        try withManualSession(.gemini, query: []) { session in
          session.receive(
            Self.input(
              #""automaticActivityDetection":{"startOfSpeechSensitivity":"START_SENSITIVITY_\#(sensitivity)"}"#))
          send(silence(500) + quiet + silence(1000), to: session)
          #expect(session.record.turns.count == (isSpeech ? 1 : 0))
        }
      }
    }

    @Test("A turn covers its activity, or all that came since the last one")
    func coverage() throws {
      for (coverage, isAll) in [("TURN_INCLUDES_ONLY_ACTIVITY", false), ("TURN_INCLUDES_ALL_INPUT", true)] {
        try withManualSession(.gemini, query: []) { session in
          session.receive(Self.input(#""turnCoverage":"\#(coverage)""#))
          let audio = silence(9000) + speech(500) + silence(500)
          for _ in 0..<2 { send(audio, to: session) }
          let length = 32 * (isAll ? 10_000 : 1300)
          #expect(session.record.turns.map(\.audioByteCount) == [length, length])
          let isEnd = session.record.turns.allSatisfy { $0.audio == Array(audio.suffix(length)) }
          #expect(isEnd)
        }
        try withManualSession(.gemini, query: []) { session in
          session.receive(Self.input(#"\#(Self.byHand),"turnCoverage":"\#(coverage)""#))
          for _ in 0..<2 {
            send(silence(1000), to: session)
            session.receive(Self.start)
            send(speech(400), to: session)
            session.receive(Self.end)
          }
          let length = 32 * (isAll ? 1400 : 400)
          #expect(session.record.turns.map(\.audioByteCount) == [length, length])
        }
      }
    }

    @Test("Of what came before an activity the newest is kept, in whole samples", arguments: [3200, 3201])
    func coverageLimit(_ partSize: Int) throws {
      try withManualSession(.gemini, query: []) { session in
        session.receive(Self.input(#"\#(Self.byHand),"turnCoverage":"TURN_INCLUDES_ALL_INPUT""#))
        let gemini = try #require(session.session as? GeminiSession)
        gemini.inactivity = RecentBytes(limit: 32_000)
        // No two of its samples are alike.
        let before = Sound.bytes((0..<64_000).map { Int16($0 - 32_768) })
        // The last one's second byte comes within the activity.
        let early = before.dropLast()
        for start in stride(from: 0, to: early.count, by: partSize) {
          send(Array(early[start..<min(early.count, start + partSize)]), to: session)
          #expect(gemini.inactivity.heldByteCount <= 64_000)
        }
        session.receive(Self.start)
        send(before.suffix(1) + speech(400), to: session)
        session.receive(Self.end)
        let isNewest = session.record.turns.map(\.audio) == [before.suffix(32_000) + speech(400)]
        #expect(isNewest)
        // It belongs to that turn alone.
        session.receive(Self.start)
        send(speech(400), to: session)
        session.receive(Self.end)
        #expect(session.record.turns.map(\.audioByteCount) == [32_000 + 32 * 400, 32 * 400])
      }
    }

    @Test("The microphone's end ends the turn, and the next audio opens it again")
    func streamEnd() throws {
      try withManualSession(.gemini, query: []) { session in
        session.receive(Self.setup())
        send(speech(600), to: session)
        session.receive(#"{"realtimeInput":{"audioStreamEnd":true}}"#)
        #expect(session.record.turns.map(\.audioByteCount) == [32 * 600])
        // Nothing is being said.
        session.receive(#"{"realtimeInput":{"audioStreamEnd":true}}"#)
        #expect(session.record.turns.count == 1)
        send(speech(700) + silence(500), to: session)
        #expect(session.record.turns.map(\.audioByteCount) == [32 * 600, 32 * 1200])
        #expect(session.closing == nil)
      }
    }

    @Test("Speech interrupts the answer: then nothing of it comes, and it was not generated to its end")
    func interruption() throws {
      try withManualSession(.gemini, query: [], Self.inRealTime) { session in
        session.receive(Self.setup())
        write("hello", to: session)
        session.pass(.milliseconds(450))
        _ = session.events()
        send(speech(100), to: session)
        let events = session.events()
        let interrupted = try #require(events.firstIndex(where: isInterrupted))
        #expect(events[interrupted...].count(where: isComplete) == 1)
        #expect(!events.contains(where: isGenerated))
        // 5 deltas of 100 ms: 12.5 tokens.
        let usage = try #require(events.first(where: isComplete))
        #expect(usage.integer("usageMetadata.responseTokenCount") == 13)
        session.pass(.milliseconds(300))
        #expect(session.events().isEmpty)
        #expect(session.record.responses.map(\.status) == ["interrupted"])
      }
    }

    @Test("NO_INTERRUPTION: the answer is heard to its end, and the turn's answer follows")
    func noInterruption() throws {
      try withManualSession(.gemini, query: [], Self.inRealTime) { session in
        session.receive(Self.input(#""activityHandling":"NO_INTERRUPTION""#))
        write("hello", to: session)
        session.pass(.milliseconds(450))
        send(speech(500) + silence(500), to: session)
        #expect(session.record.turns.count == 1)
        session.pass(.seconds(5))
        let events = session.events()
        #expect(!events.contains(where: isInterrupted))
        #expect(events.count(where: isGenerated) == 2)
        #expect(events.count(where: isComplete) == 2)
        #expect(session.record.responses.map(\.status) == ["completed", "completed"])
        // What is written interrupts in any case.
        write("stop", to: session)
        session.pass(.milliseconds(450))
        write("stop", to: session)
        #expect(session.events().contains(where: isInterrupted))
      }
    }

    @Test(
      "An interruption cancels the calls that wait for their results, by their ids; their results mean nothing then")
    func cancellation() throws {
      try withManualSession(.gemini, query: [], { $0.toolCall = SimulatedToolCall() }) { session in
        session.receive(Self.setup(Self.tool))
        write("hello", to: session)
        let call = try #require(session.events().last { $0["toolCall"] != nil })
        let id = try #require(call.string("toolCall.functionCalls.0.id"))
        send(speech(100), to: session)
        #expect(session.events().compactMap { $0["toolCallCancellation.ids"] as? [String] } == [[id]])
        session.receive(
          #"{"toolResponse":{"functionResponses":[{"id":"\#(id)","name":"weather","response":{"sky":"blue"}}]}}"#)
        #expect(session.events().isEmpty)
        #expect(session.closing == nil)
      }
      try withManualSession(.gemini, query: [], { $0.toolCall = SimulatedToolCall() }) { session in
        session.receive(Self.setup(#"\#(Self.tool),"realtimeInputConfig":{"activityHandling":"NO_INTERRUPTION"}"#))
        write("hello", to: session)
        _ = session.events()
        send(speech(100), to: session)
        #expect(session.events().isEmpty)
      }
    }

    @Test("Resumption: possible after the set-up and each turn, not within an answer or a call")
    func resumption() throws {
      func updates(_ session: ManualSession) -> [Bool?] {
        session.events().compactMap { $0["sessionResumptionUpdate"] as? [String: Any] }.map { update in
          let handle = update["newHandle"] as? String
          let isResumable = update["resumable"] as? Bool
          #expect((handle?.isEmpty == false) == (isResumable == true))
          return isResumable
        }
      }
      let asked = #""sessionResumption":{}"#
      try withManualSession(.gemini, query: [], { $0.toolCall = SimulatedToolCall() }) { session in
        session.receive(Self.setup("\(Self.tool),\(asked)"))
        #expect(updates(session) == [true])
        write("hello", to: session)
        #expect(updates(session) == [false])
      }
      try withManualSession(.gemini, query: [], Self.inRealTime) { session in
        session.receive(Self.setup(asked))
        #expect(updates(session) == [true])
        write("hello", to: session)
        session.pass(.seconds(1))
        #expect(updates(session) == [false])
        session.pass(.seconds(2))
        #expect(updates(session) == [true])
      }
      try withManualSession(.gemini, query: []) { session in
        session.receive(Self.setup())
        write("hello", to: session)
        #expect(updates(session) == [])
      }
    }

    @Test("Who resumes has what was said before as prompt, and answers calls by their own ids alone")
    func context() throws {
      let core = SimulatorCore(SimulatorConfiguration())
      var handle = ""
      for (connection, prompt) in [(1, 3), (2, 3 + 50 + 3)] {
        let session = try ManualSession(.gemini, query: [], sharing: core)
        session.receive(
          Self.setup(handle.isEmpty ? #""sessionResumption":{}"# : #""sessionResumption":{"handle":"\#(handle)"}"#))
        write("twelve chars", to: session)
        let events = session.events()
        let done = events.first(where: isComplete)
        #expect(done?.integer("usageMetadata.promptTokenCount") == prompt, "\(connection)")
        handle = events.compactMap { $0.string("sessionResumptionUpdate.newHandle") }.last ?? ""
        #expect(!handle.isEmpty)
        session.end()
      }
      try withManualSession(.gemini, query: [], { $0.toolCall = SimulatedToolCall() }) { session in
        session.receive(Self.setup(Self.tool))
        write("hello", to: session)
        _ = session.events()
        session.receive(#"{"toolResponse":{"functionResponses":[{"id":"other","name":"weather","response":{}}]}}"#)
        #expect(session.events().isEmpty)
        #expect(session.closing == nil)
      }
    }

    @Test("In real time a turn is complete when it has been heard, and generated before")
    func completion() throws {
      try withManualSession(.gemini, query: [], { $0.pacing = .realTime(lead: .milliseconds(500)) }) { session in
        session.receive(Self.setup())
        write("hello", to: session)
        session.pass(.milliseconds(1400))
        #expect(session.events().contains(where: isGenerated))
        session.pass(.milliseconds(599))
        #expect(session.events().isEmpty)
        session.pass(.milliseconds(1))
        #expect(session.events().contains(where: isComplete))
      }
    }

    @Test("Usage is told by modality, and all that was said before is prompt again")
    func usage() throws {
      try withManualSession(.gemini, query: []) { session in
        session.receive(Self.setup())
        func counts(_ event: Event?, _ name: String) -> [String: Int] {
          var counts: [String: Int] = [:]
          for detail in event?["usageMetadata.\(name)TokensDetails"] as? [[String: Any]] ?? [] {
            counts[detail["modality"] as? String ?? ""] = detail["tokenCount"] as? Int
          }
          return counts
        }
        write("twelve chars", to: session)
        let first = session.events().first(where: isComplete)
        #expect(counts(first, "prompt") == ["TEXT": 3])
        // 2 s of 25 a second.
        #expect(counts(first, "response") == ["AUDIO": 50])
        #expect(first?.integer("usageMetadata.totalTokenCount") == 53)
        send(speech(500) + silence(500), to: session)
        let second = session.events().first(where: isComplete)
        #expect(counts(second, "prompt") == ["TEXT": 3, "AUDIO": 50 + 25])
        #expect(second?.integer("usageMetadata.promptTokenCount") == 78)
      }
      try withManualSession(.gemini, query: []) { session in
        session.receive(Self.setup(#""generationConfig":{"responseModalities":["TEXT"]}"#))
        // Without turnComplete it is context, and no question.
        write("four", to: session, isComplete: false)
        #expect(session.events().map(\.object.keys.first) == ["setupComplete"])
        write("hello", to: session)
        let events = session.events()
        let words = events.compactMap { $0.string("serverContent.modelTurn.parts.0.text") }.joined()
        #expect(words == "I read 5 characters.")
        #expect(events.last?.integer("usageMetadata.promptTokenCount") == 3)
        #expect(events.last?.integer("usageMetadata.responseTokenCount") == 5)
      }
    }
  }
}
