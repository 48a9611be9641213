import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("OpenAI: turn detection")
  struct OpenAIDetectionTests {
    private static func update(_ detection: String) -> String {
      #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":\#(detection)}}}}"#
    }

    private static func detection(_ event: Event) -> [String: Any]? {
      event["session.audio.input.turn_detection"] as? [String: Any]
    }

    /// A session whose model has just said 2 s, before which the user has sent 2 s.
    private func answered(_ session: ManualSession, _ detection: String) throws {
      session.receive(Self.update(detection))
      session.append(Sound.speech(milliseconds: 1000) + Sound.silence(milliseconds: 1000))
      #expect(session.events().last?.type == "response.done")
    }

    private func sendSilence(_ seconds: Int, to session: ManualSession) {
      for _ in 0..<seconds * 10 {
        session.pass(.milliseconds(100))
        session.append(Sound.silence(milliseconds: 100))
      }
    }

    @Test("Who says nothing for idle_timeout_ms after the answer has been heard is answered all the same")
    func idleTimeout() throws {
      try withManualSession { session in
        try answered(session, #"{"type":"server_vad","idle_timeout_ms":6000}"#)
        sendSilence(7, to: session)
        #expect(session.events().isEmpty)
        sendSilence(1, to: session)
        let events = session.events()
        let triggered = try #require(events.first)
        #expect(triggered.type == "input_audio_buffer.timeout_triggered")
        // 2 s before the answer, 2 s while it was heard, 6 s of waiting less the 100 ms that come at its end.
        #expect(triggered.integer("audio_start_ms") == 3900)
        #expect(triggered.integer("audio_end_ms") == 9900)
        #expect(
          Array(events.prefix(5).dropFirst().map(\.type)) == [
            "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done", "response.created",
          ])
        #expect(events[1].string("item_id") == triggered.string("item_id"))
        #expect(
          events.last?.string("response.output.0.content.0.transcript") == "I heard no speech in 6.00 seconds of audio."
        )
        // And again after that.
        sendSilence(8, to: session)
        #expect(try session.event("input_audio_buffer.timeout_triggered").integer("audio_start_ms") == 11_900)
      }
    }

    @Test("A microphone that sends nothing meanwhile gives an empty item")
    func idleWithoutAudio() throws {
      try withManualSession { session in
        try answered(session, #"{"type":"server_vad","idle_timeout_ms":5000}"#)
        session.pass(.milliseconds(6999))
        #expect(session.events().isEmpty)
        session.pass(.milliseconds(1))
        let triggered = try session.event("input_audio_buffer.timeout_triggered")
        #expect(triggered.integer("audio_start_ms") == triggered.integer("audio_end_ms"))
        #expect(session.record.turns.last?.audioByteCount == 0)
      }
    }

    @Test("Of silence that comes faster than real time no more is kept than the timeout is long")
    func idleTooFast() throws {
      try withManualSession { session in
        try answered(session, #"{"type":"server_vad","idle_timeout_ms":5000,"prefix_padding_ms":0}"#)
        session.pass(.seconds(3))
        for _ in 0..<100 { session.append(Sound.silence(milliseconds: 1000)) }
        session.pass(.seconds(4))
        let triggered = try session.event("input_audio_buffer.timeout_triggered")
        #expect(triggered.integer("audio_end_ms") == 102_000)
        let start = try #require(triggered.integer("audio_start_ms"))
        #expect((78_000...97_000).contains(start))
        #expect(session.record.turns.last?.audioByteCount == 48 * (102_000 - start))
      }
    }

    @Test("Speech, a response or a change of the settings ends the wait")
    func idleEnds() throws {
      let setting = #"{"type":"server_vad","idle_timeout_ms":5000}"#
      try withManualSession { session in
        try answered(session, setting)
        session.pass(.milliseconds(6900))
        session.append(Sound.speech(milliseconds: 300))
        session.pass(.seconds(60))
        #expect(session.events().map(\.type) == ["input_audio_buffer.speech_started"])
      }
      try withManualSession { session in
        try answered(session, setting)
        session.pass(.milliseconds(6900))
        session.receive(#"{"type":"response.create"}"#)
        session.pass(.milliseconds(6999))
        #expect(!session.events().contains { $0.type == "input_audio_buffer.timeout_triggered" })
        session.pass(.milliseconds(1))
        _ = try session.event("input_audio_buffer.timeout_triggered")
      }
      for other in ["null", #"{"type":"server_vad","idle_timeout_ms":null}"#, #"{"type":"semantic_vad"}"#] {
        try withManualSession { session in
          try answered(session, setting)
          session.receive(Self.update(other))
          session.pass(.seconds(60))
          #expect(session.events().map(\.type) == ["session.updated"], "\(other)")
        }
      }
    }

    @Test("Without create_response nobody is asked, and none of it happens before the first answer")
    func idleUnwanted() throws {
      try withManualSession { session in
        session.receive(Self.update(#"{"type":"server_vad","idle_timeout_ms":5000,"create_response":false}"#))
        session.receive(#"{"type":"response.create"}"#)
        _ = session.events()
        session.pass(.seconds(60))
        #expect(session.events().isEmpty)
      }
      try withManualSession { session in
        session.receive(Self.update(#"{"type":"server_vad","idle_timeout_ms":5000}"#))
        _ = session.events()
        session.pass(.seconds(60))
        #expect(session.events().isEmpty)
      }
    }

    @Test("Kinds of detection have their own settings, and are told back with all of them")
    func settings() throws {
      try withManualSession { session in
        session.receive(Self.update(#"{"type":"semantic_vad","eagerness":"low"}"#))
        let semantic = try #require(Self.detection(try session.event("session.updated")))
        #expect(semantic["eagerness"] as? String == "low")
        #expect(Set(semantic.keys) == ["type", "eagerness", "create_response", "interrupt_response"])
        session.receive(Self.update(#"{"type":"semantic_vad","interrupt_response":false}"#))
        let changed = try #require(Self.detection(try session.event("session.updated")))
        #expect(changed["eagerness"] as? String == "low")
        #expect(changed["interrupt_response"] as? Bool == false)
        session.receive(Self.update(#"{"type":"server_vad","idle_timeout_ms":30000}"#))
        let server = try #require(Self.detection(try session.event("session.updated")))
        #expect(server["idle_timeout_ms"] as? Int == 30_000)
        #expect(server["interrupt_response"] as? Bool == true)
        #expect(server["eagerness"] == nil)
      }
    }

    @Test(
      "Settings that there are not are refused, and change nothing",
      arguments: [
        (#"{"type":"server_vad","idle_timeout_ms":4999}"#, "integer_below_min_value", "idle_timeout_ms"),
        (#"{"type":"server_vad","idle_timeout_ms":30001}"#, "integer_above_max_value", "idle_timeout_ms"),
        (#"{"type":"server_vad","threshold":1.1}"#, "decimal_above_max_value", "threshold"),
        (#"{"type":"server_vad","silence_duration_ms":0.5}"#, "invalid_type", "silence_duration_ms"),
        (#"{"type":"semantic_vad","idle_timeout_ms":6000}"#, "unknown_parameter", "idle_timeout_ms"),
        (#"{"type":"semantic_vad","silence_duration_ms":200}"#, "unknown_parameter", "silence_duration_ms"),
        (#"{"type":"semantic_vad","eagerness":"eager"}"#, "invalid_value", "eagerness"),
        (#"{"type":"none"}"#, "invalid_value", "type"),
        (#"{"threshold":0.5}"#, "missing_required_parameter", "type"),
      ])
    func refusals(_ detection: String, _ code: String, _ field: String) throws {
      try withManualSession { session in
        let before = Self.detection(try session.event("session.created")) as NSDictionary?
        session.receive(Self.update(detection))
        let error = try session.event("error")
        #expect(error.string("error.code") == code)
        #expect(error.string("error.param") == "session.audio.input.turn_detection.\(field)")
        session.receive(#"{"type":"session.update","session":{"type":"realtime"}}"#)
        #expect(Self.detection(try session.event("session.updated")) as NSDictionary? == before)
      }
    }

    @Test("The less eager the longer the silence that ends a turn; padding and silence are what was asked for")
    func silences() throws {
      let settings: [(detection: String, padding: Int, silence: Int)] = [
        (#"{"type":"semantic_vad","eagerness":"high"}"#, 300, 500), (#"{"type":"semantic_vad"}"#, 300, 1000),
        (#"{"type":"semantic_vad","eagerness":"medium"}"#, 300, 1000),
        (#"{"type":"semantic_vad","eagerness":"low"}"#, 300, 2000), (#"{"type":"server_vad"}"#, 300, 200),
        (#"{"type":"server_vad","silence_duration_ms":730,"prefix_padding_ms":120}"#, 120, 730),
        (#"{"type":"server_vad","prefix_padding_ms":0}"#, 0, 200),
      ]
      for (detection, padding, silence) in settings {
        try withManualSession { session in
          session.receive(Self.update(detection))
          _ = session.events()
          let audio =
            Sound.silence(milliseconds: 1000) + Sound.speech(milliseconds: 800) + Sound.silence(milliseconds: 2500)
          for start in stride(from: 0, to: audio.count, by: 4800) { session.append(Array(audio[start..<start + 4800])) }
          let events = session.events()
          let started = events.first { $0.type == "input_audio_buffer.speech_started" }
          let stopped = events.first { $0.type == "input_audio_buffer.speech_stopped" }
          #expect(started?.integer("audio_start_ms") == 1000 - padding, "\(detection)")
          #expect(stopped?.integer("audio_end_ms") == 1800 + silence, "\(detection)")
          let isTurn =
            session.record.turns.map(\.audio) == [Array(audio[48 * (1000 - padding)..<48 * (1800 + silence)])]
          #expect(isTurn, "\(detection)")
        }
      }
    }

    @Test("The threshold is the level above which a sound is speech")
    func threshold() throws {
      // -40 dB re full scale: 0.5 stands for -45, 0.7 for -37.
      let quiet = Sound.bytes((0..<24_000).map { $0 / 80 % 2 == 0 ? 328 : -328 })
      for (threshold, isSpeech) in [(0.5, true), (0.7, false)] {
        try withManualSession { session in
          session.receive(Self.update(#"{"type":"server_vad","threshold":\#(threshold)}"#))
          _ = session.events()
          session.append(Sound.silence(milliseconds: 500) + quiet)
          let hasStarted = session.events().contains { $0.type == "input_audio_buffer.speech_started" }
          #expect(hasStarted == isSpeech)
        }
      }
    }

    @Test("Without create_response a turn is committed and not answered")
    func withoutResponse() throws {
      try withManualSession { session in
        session.receive(Self.update(#"{"type":"server_vad","create_response":false}"#))
        session.append(Sound.speech(milliseconds: 500) + Sound.silence(milliseconds: 500))
        let types = session.events().map(\.type)
        #expect(types.contains("input_audio_buffer.committed"))
        #expect(!types.contains("response.created"))
      }
    }

    @Test("Noise reduction and transcription settings are taken, told back and taken away")
    func noiseReduction() throws {
      try withManualSession { session in
        func update(_ input: String) -> String {
          #"{"type":"session.update","session":{"type":"realtime","audio":{"input":\#(input)}}}"#
        }
        session.receive(update(#"{"noise_reduction":{"type":"far_field","strength":0.5}}"#))
        let updated = try session.event("session.updated")
        #expect(updated.string("session.audio.input.noise_reduction.type") == "far_field")
        session.receive(
          update(#"{"noise_reduction":null,"transcription":{"model":"gpt-transcribe","languages":["en","de"]}}"#))
        let other = try session.event("session.updated")
        #expect(other["session.audio.input.noise_reduction"] is NSNull)
        #expect(other.string("session.audio.input.transcription.model") == "gpt-transcribe")
        session.receive(update(#"{"noise_reduction":{"type":"room"}}"#))
        #expect(try session.event("error").string("error.param") == "session.audio.input.noise_reduction.type")
      }
    }
  }
}
