import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("ElevenLabs: limits")
  struct ElevenLabsLimitTests {
    private static let activity = #"{"type":"user_activity"}"#

    private func chunk(_ audio: [UInt8]) -> String {
      #"{"user_audio_chunk":"\#(Data(audio).base64EncodedString())"}"#
    }

    /// Answers the pings there were, as every client does.
    private func answerPings(_ session: ManualSession) {
      for event in session.events() {
        if let id = event.integer("ping_event.event_id") { session.receive(#"{"type":"pong","event_id":\#(id)}"#) }
      }
    }

    @Test("Whoever sends nothing for 60 s is told so, and the session ends; pongs are not input")
    func receiveTimeout() throws {
      try withManualSession(.elevenLabs) { session in
        session.receive(#"{"type":"conversation_initiation_client_data"}"#)
        for _ in 0..<59 {
          session.pass(.seconds(1))
          answerPings(session)
        }
        #expect(session.closing == nil)
        session.pass(.seconds(1))
        let error = try session.event("error")
        #expect(error.string("error_event.error_type") == "transport_receive_timeout")
        #expect(error.integer("error_event.code") == 1002)
        #expect(session.closing?.code == 1002)
        #expect(session.record.errors.map(\.code) == ["transport_receive_timeout"])
      }
    }

    @Test("Any input puts the end of the session off by another 60 s")
    func activity() throws {
      let inputs = [
        Self.activity, chunk(Sound.silence(milliseconds: 20, rate: 16_000)), #"{"user_audio_chunk" : "AAA="}"#,
        #"{"type":"contextual_update","text":"a"}"#, #"{"type":"user_message","text":"a"}"#,
      ]
      for input in inputs {
        try withManualSession(.elevenLabs) { session in
          for _ in 0..<3 {
            for _ in 0..<59 {
              session.pass(.seconds(1))
              answerPings(session)
            }
            session.receive(input)
          }
          for _ in 0..<59 {
            session.pass(.seconds(1))
            answerPings(session)
          }
          #expect(session.closing == nil, "\(input)")
          session.pass(.milliseconds(1001))
          #expect(session.closing?.code == 1002, "\(input)")
        }
      }
    }

    @Test("user_activity alone makes the agent say nothing, and does not interrupt it")
    func activityIsSilent() throws {
      try withManualSession(.elevenLabs, { $0.pacing = .realTime(lead: .zero) }) { session in
        session.receive(Self.activity)
        #expect(session.events().isEmpty)
        session.receive(#"{"type":"user_message","text":"hello"}"#)
        session.pass(.milliseconds(500))
        #expect(session.events().contains { $0.type == "audio" })
        session.receive(Self.activity)
        session.pass(.milliseconds(500))
        let types = session.events().map(\.type)
        #expect(types.contains("audio"))
        #expect(!types.contains("interruption"))
      }
    }

    @Test("The timeout can be set, also to less than an interval of pings")
    func shortTimeout() throws {
      try withManualSession(.elevenLabs, { $0.elevenLabsReceiveTimeout = .milliseconds(700) }) { session in
        session.pass(.milliseconds(600))
        session.receive(Self.activity)
        session.pass(.milliseconds(699))
        #expect(session.closing == nil)
        session.pass(.milliseconds(1))
        #expect(session.closing?.code == 1002)
      }
    }

    @Test("Without a pong for ten intervals the session ends with 1008; one in time keeps it")
    func pingTimeout() throws {
      for isAnswered in [false, true] {
        try withManualSession(.elevenLabs, { $0.elevenLabsReceiveTimeout = .seconds(3600) }) { session in
          session.pass(.seconds(20))
          let pings = session.events()
          #expect(pings.count == 10)
          #expect(Set(pings.compactMap { $0.integer("ping_event.event_id") }).count == 10)
          #expect(session.closing == nil)
          let last = try #require(pings.last?.integer("ping_event.event_id"))
          if isAnswered { session.receive(#"{"type":"pong","event_id":\#(last)}"#) }
          session.pass(.seconds(2))
          #expect(session.closing?.code == (isAnswered ? nil : 1008))
          #expect(session.record.errors.map(\.code) == (isAnswered ? [] : ["ping_timeout"]))
        }
      }
    }

    @Test("A ping tells how long the last one took to come back")
    func roundTrip() throws {
      try withManualSession(.elevenLabs) { session in
        session.pass(.seconds(2))
        let first = try session.event("ping")
        #expect(first.integer("ping_event.ping_ms") == 0)
        session.pass(.milliseconds(130))
        session.receive(#"{"type":"pong","event_id":\#(try #require(first.integer("ping_event.event_id")))}"#)
        session.pass(.seconds(2))
        #expect(try session.event("ping").integer("ping_event.ping_ms") == 130)
      }
    }

    @Test("mu-law in and another format out: each direction has its own")
    func formats() throws {
      try withManualSession(
        .elevenLabs,
        {
          $0.answer = .echo
          $0.elevenLabsInputFormat = "ulaw_8000"
          $0.elevenLabsOutputFormat = "pcm_16000"
        }
      ) { session in
        session.receive(#"{"type":"conversation_initiation_client_data"}"#)
        let metadata = try session.event("conversation_initiation_metadata")
        #expect(metadata.string("conversation_initiation_metadata_event.user_input_audio_format") == "ulaw_8000")
        #expect(metadata.string("conversation_initiation_metadata_event.agent_output_audio_format") == "pcm_16000")
        let speech = Sound.speech(milliseconds: 500, rate: 8000) + Sound.silence(milliseconds: 700, rate: 8000)
        let samples = WireFormat.pcm16k.samples(speech[...])
        session.receive(chunk(WireFormat(coding: .muLaw, rate: 8000).bytes(samples)))
        session.pass(.zero)
        let events = session.events()
        let transcript = events.first { $0.type == "user_transcript" }
        #expect(transcript?.string("user_transcription_event.user_transcript") == "(0.50 s of speech)")
        // 1.2 s, twice as many samples of twice as many bytes.
        let answer = events.compactMap { $0.bytes("audio_event.audio_base_64") }.joined()
        #expect(answer.count == 4 * samples.count)
      }
    }

    @Test("A session ends at its age, with 1000")
    func age() throws {
      try withManualSession(
        .elevenLabs,
        {
          $0.elevenLabsReceiveTimeout = .seconds(36_000)
          $0.pingInterval = .seconds(36_000)
        }
      ) { session in
        session.pass(.seconds(3599))
        #expect(session.closing == nil)
        session.pass(.seconds(1))
        #expect(session.closing?.code == 1000)
      }
    }

    @Test(
      "What is no message of a client's ends the session with 1008",
      arguments: [
        "{", "[]", "{}", #"{"type":"nonsense"}"#, #"{"user_audio_chunk":"*"}"#, #"{"user_audio_chunk":1}"#,
        #"{"user_audio_chunk":"AAA"}"#,
      ])
    func refusals(_ message: String) throws {
      try withManualSession(.elevenLabs) { session in
        session.receive(message)
        #expect(session.closing?.code == 1008)
        #expect(session.record.errors.map(\.code) == ["invalid_message"])
        // Nothing is taken any more.
        session.receive(#"{"type":"user_message","text":"hello"}"#)
        #expect(session.events().isEmpty)
      }
    }
  }
}
