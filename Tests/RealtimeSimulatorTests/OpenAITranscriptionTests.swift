import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("OpenAI: sessions that transcribe")
  struct OpenAITranscriptionTests {
    private static let intent = [(name: "intent", value: "transcription")]
    private static let turn = Sound.speech(milliseconds: 1000) + Sound.silence(milliseconds: 500)

    private static func update(_ input: String) -> String {
      #"{"type":"session.update","session":{"type":"transcription","audio":{"input":\#(input)}}}"#
    }

    @Test("It transcribes each turn, and never answers")
    func turns() throws {
      try withManualSession(query: Self.intent) { session in
        let created = try session.event("session.created")
        #expect(created.string("session.type") == "transcription")
        #expect(created.string("session.object") == "realtime.transcription_session")
        #expect(created["session.audio.output"] == nil)
        #expect(created["session.audio.input.turn_detection.create_response"] == nil)
        session.receive(Self.update(#"{"transcription":{"model":"gpt-4o-transcribe"}}"#))
        #expect(try session.event("session.updated").string("session.type") == "transcription")
        for _ in 0..<2 {
          session.append(Self.turn)
          session.pass(.seconds(60))
          let events = session.events()
          let names = events.map(\.type).filter { !$0.hasSuffix("transcription.delta") }
          #expect(
            names == [
              "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed",
              "conversation.item.added", "conversation.item.done",
              "conversation.item.input_audio_transcription.completed",
            ])
          let words = events.filter { $0.type.hasSuffix("transcription.delta") }.compactMap { $0.string("delta") }
          #expect(words.joined() == "(1.00 s of speech)")
          #expect(events.last?.string("transcript") == "(1.00 s of speech)")
        }
        session.receive(#"{"type":"response.create","event_id":"r"}"#)
        let error = try session.event("error")
        #expect(error.string("error.event_id") == "r")
        #expect(session.record.responses.isEmpty)
      }
    }

    @Test("A session of one kind does not take the other's update, and lives on")
    func kinds() throws {
      try withManualSession { session in
        _ = session.events()
        session.receive(Self.update("{}"))
        let error = try session.event("error")
        #expect(error.string("error.code") == "invalid_parameter")
        #expect(
          error.string("error.message")
            == "Passing a transcription session update event to a realtime session is not allowed.")
        #expect(session.closing == nil)
      }
      try withManualSession(query: Self.intent) { session in
        _ = session.events()
        session.receive(#"{"type":"session.update","session":{"type":"realtime"}}"#)
        let refusal = try session.event("error").string("error.message")
        #expect(refusal == "Passing a realtime session update event to a transcription session is not allowed.")
        session.receive(
          #"{"type":"session.update","session":{"type":"transcription","instructions":"be brief"}}"#)
        #expect(try session.event("error").string("error.code") == "unknown_parameter")
        session.receive(Self.update("{}"))
        _ = try session.event("session.updated")
      }
    }

    @Test("Where the connection names a model, the session answers, and an update to transcribe ends it")
    func modelInQuery() throws {
      try withManualSession(query: Self.intent + [("model", "gpt-realtime-2.1")]) { session in
        #expect(try session.event("session.created").string("session.type") == "realtime")
        session.receive(Self.update(#"{"transcription":{"model":"whisper-1"}}"#))
        let error = try session.event("error")
        #expect(error.string("error.code") == "invalid_model")
        #expect(error.string("error.message") == #"Model "whisper-1" is not supported in transcription mode."#)
        #expect(session.closing?.code == 4000)
        #expect(session.closing?.reason == "invalid_request_error.invalid_model")
      }
    }

    @Test("A model that only transcribes is no session's model")
    func transcriptionModel() throws {
      for model in ["gpt-4o-mini-transcribe", "whisper-1", "gpt-realtime-whisper"] {
        try withManualSession(query: [("model", model)]) { session in
          let events = session.events()
          #expect(events.map(\.type) == ["error"])
          #expect(events.first?.string("error.code") == "invalid_model")
          #expect(
            events.first?.string("error.message")?.hasPrefix(
              #"Model "\#(model)" is a transcription model and cannot be used as the realtime session model."#) == true)
          #expect(session.closing?.code == 4000)
          session.receive(#"{"type":"response.create"}"#)
          #expect(session.record.responses.isEmpty)
        }
      }
    }

    @Test("Models that find no turns leave them to the client")
    func clientsTurns() throws {
      for model in ["gpt-realtime-whisper", "gpt-live-transcribe"] {
        try withManualSession(query: Self.intent) { session in
          _ = session.events()
          let transcription = #""transcription":{"model":"\#(model)"}"#
          session.receive(Self.update(#"{\#(transcription),"turn_detection":{"type":"server_vad"}}"#))
          let error = try session.event("error")
          #expect(error.string("error.message") == "Turn detection is not supported for this transcription model.")
          #expect(error.string("error.param") == "session.audio.input.turn_detection")
          session.receive(Self.update("{\(transcription)}"))
          #expect(try session.event("session.updated")["session.audio.input.turn_detection"] is NSNull)
          session.append(Self.turn)
          #expect(session.events().isEmpty)
          session.receive(#"{"type":"input_audio_buffer.commit"}"#)
          #expect(session.events().last?.string("transcript") == "(1.00 s of speech)")
          session.receive(Self.update(#"{"turn_detection":{"type":"server_vad"}}"#))
          _ = try session.event("error")
        }
      }
    }

    @Test("Before general availability such a session has events of its own")
    func beta() throws {
      try withManualSession(.openAIBeta, query: Self.intent) { session in
        let created = try session.event("transcription_session.created")
        #expect(created.string("session.object") == "realtime.transcription_session")
        #expect(created.string("session.input_audio_format") == "pcm16")
        #expect(created["session.modalities"] == nil)
        let input =
          #""input_audio_transcription":{"model":"gpt-4o-transcribe"},"input_audio_noise_reduction":{"type":"near_field"}"#
        session.receive(#"{"type":"transcription_session.update","session":{\#(input)}}"#)
        let updated = try session.event("transcription_session.updated")
        #expect(updated.string("session.input_audio_transcription.model") == "gpt-4o-transcribe")
        session.append(Self.turn)
        let events = session.events()
        #expect(events.last?.string("transcript") == "(1.00 s of speech)")
        #expect(!events.contains { $0.type.hasPrefix("response.") })
        session.receive(#"{"type":"session.update","session":{}}"#)
        #expect(try session.event("error").string("error.code") == "invalid_parameter")
        session.receive(#"{"type":"transcription_session.update","session":{"voice":"alloy"}}"#)
        #expect(try session.event("error").string("error.param") == "session.voice")
        session.receive(
          #"{"type":"transcription_session.update","session":{"input_audio_transcription":{"model":"gpt-realtime-whisper"},"turn_detection":{"type":"semantic_vad"}}}"#
        )
        #expect(try session.event("error").string("error.param") == "session.turn_detection")
        session.receive(#"{"type":"response.create"}"#)
        _ = try session.event("error")
        #expect(session.record.responses.isEmpty)
      }
    }

    @Test("Before general availability a model beside the intent is refused; after it the old event is not known")
    func betaRefusals() throws {
      try withManualSession(.openAIBeta, query: Self.intent + [("model", "m")]) { session in
        let error = try session.event("error")
        #expect(
          error.string("error.message") == "You must not provide a model parameter for transcription sessions.")
        #expect(error.string("error.code") == "invalid_model")
        #expect(session.closing?.code == 4000)
      }
      let update = #"{"type":"transcription_session.update","session":{}}"#
      try withManualSession(.openAIBeta) { session in
        _ = session.events()
        session.receive(update)
        let refusal = try session.event("error").string("error.message")
        #expect(refusal == "Passing a transcription session update event to a realtime session is not allowed.")
      }
      try withManualSession { session in
        _ = session.events()
        session.receive(update)
        let refusal = try session.event("error").string("error.message")
        #expect(refusal?.hasPrefix("Invalid value: 'transcription_session.update'. Supported values are: ") == true)
      }
    }
  }
}
