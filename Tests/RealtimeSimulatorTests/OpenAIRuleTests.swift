import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("OpenAI: rules")
  struct OpenAIRuleTests {
    /// Client events that are refused, with the code, the field and the text of the refusal.
    static let refusals: [(json: String, code: String, parameter: String?, message: String?)] = [
      (#"{"type":"session.update","session":{"audio":{}}}"#, "missing_required_parameter", "session.type", nil),
      (
        #"{"type":"session.update","session":{"type":"realtime","colour":"blue"}}"#, "unknown_parameter",
        "session.colour", "Unknown parameter: 'session.colour'."
      ),
      (
        #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcm","rate":16000}}}}}"#,
        "integer_below_min_value", "session.audio.input.format.rate",
        "Invalid 'session.audio.input.format.rate': integer below minimum value. Expected a value >= 24000, but got "
          + "16000 instead."
      ),
      (
        #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcmu","rate":8000}}}}}"#,
        "unknown_parameter", "session.audio.input.format.rate", nil
      ),
      (
        #"{"type":"session.update","session":{"type":"realtime","instructions":7}}"#, "invalid_type",
        "session.instructions", nil
      ),
      (
        #"{"type":"session.update","session":{"type":"realtime","output_modalities":["text","audio"]}}"#,
        "invalid_value", "session.output_modalities", nil
      ),
      (
        #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad","eagerness":"low"}}}}}"#,
        "unknown_parameter", "session.audio.input.turn_detection.eagerness", nil
      ),
      (
        #"{"type":"session.update","session":{"type":"realtime","model":"other"}}"#, "invalid_value", "session.model",
        nil
      ),
      (
        #"{"type":"session.update","session":{"type":"realtime","audio":{"output":{"speed":2}}}}"#,
        "decimal_above_max_value", "session.audio.output.speed", nil
      ),
      (#"{"type":"session.begin"}"#, "invalid_value", "type", nil),
      (#"{"event":1}"#, "missing_required_parameter", "type", nil),
      (
        #"{"type":"input_audio_buffer.append","audio":""}"#, "invalid_value", "audio",
        "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got empty bytes."
      ),
      (#"{"type":"input_audio_buffer.append","audio":"AAA*"}"#, "invalid_value", "audio", nil),
      (#"{"type":"input_audio_buffer.append","audio":"AAAAA"}"#, "invalid_value", "audio", nil),
      (#"{"type":"input_audio_buffer.append"}"#, "missing_required_parameter", "audio", nil),
      (
        #"{"type":"input_audio_buffer.commit"}"#, "input_audio_buffer_commit_empty", nil,
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has "
          + "0.00ms of audio."
      ),
      (
        #"{"type":"response.cancel"}"#, "response_cancel_not_active", nil,
        "Cancellation failed: no active response found"
      ),
      (
        #"{"type":"conversation.item.truncate","item_id":"x","content_index":0,"audio_end_ms":1.5}"#, "invalid_type",
        "audio_end_ms", nil
      ),
      (
        #"{"type":"conversation.item.truncate","item_id":"x","content_index":0,"audio_end_ms":1}"#,
        "item_truncate_invalid_item_id", "item_id", nil
      ),
      (#"{"type":"conversation.item.delete","item_id":"x"}"#, "item_delete_invalid_item_id", "item_id", nil),
      (#"{"type":"conversation.item.retrieve","item_id":"x"}"#, "item_retrieve_invalid_item_id", "item_id", nil),
      (
        #"{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"c","output":"1"}}"#,
        "invalid_tool_call_id", "item.call_id", nil
      ),
      (
        #"{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"c","output":{}}}"#,
        "invalid_type", "item.output", nil
      ),
      (
        #"{"type":"response.create","response":{"modalities":["text"]}}"#, "unknown_parameter", "response.modalities",
        nil
      ),
    ]

    @Test("What is wrong is refused, names its field and its event, and the session lives on")
    func refusals() async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.event("session.created")
        for (index, refusal) in Self.refusals.enumerated() {
          let json = refusal.json.dropLast() + #","event_id":"mine-\#(index)"}"#
          try await client.send(String(json))
          let event = try await client.event()
          #expect(event.type == "error", "\(refusal.json)")
          #expect(event.string("error.code") == refusal.code, "\(refusal.json)")
          #expect(event.string("error.param") == refusal.parameter, "\(refusal.json)")
          #expect(event.string("error.event_id") == "mine-\(index)")
          #expect(event.string("error.type") == "invalid_request_error")
          if let message = refusal.message { #expect(event.string("error.message") == message) }
        }
        try await client.send("{nonsense")
        #expect(try await client.event().string("error.code") == "invalid_json")
        try await client.wire.send([1, 2, 3], .binary)
        #expect(try await client.event().string("error.code") == "invalid_message")
        try await client.send(SimulatorSuites.OpenAITurnTests.manual)
        #expect(try await client.event().type == "session.updated")
        #expect(simulator.journal.sessions.first?.errors.count == Self.refusals.count + 2)
      }
    }

    @Test("A commit under 100 ms is refused with the numbers, and the audio stays")
    func shortCommit() async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.send(SimulatorSuites.OpenAITurnTests.manual)
        try await client.event("session.updated")
        try await client.append(Sound.speech(milliseconds: 50))
        try await client.send(#"{"type":"input_audio_buffer.commit","event_id":"e"}"#)
        let error = try await client.event()
        #expect(error.string("error.code") == "input_audio_buffer_commit_empty")
        #expect(error.string("error.message")?.hasSuffix("buffer only has 50.00ms of audio.") == true)
        try await client.append(Sound.speech(milliseconds: 50))
        try await client.send(#"{"type":"input_audio_buffer.commit"}"#)
        #expect(try await client.event().type == "input_audio_buffer.committed")
        try await client.append(Sound.speech(milliseconds: 500))
        try await client.send(#"{"type":"input_audio_buffer.clear"}"#)
        try await client.event("input_audio_buffer.cleared")
        try await client.send(#"{"type":"input_audio_buffer.commit"}"#)
        #expect(try await client.event().string("error.message")?.contains("0.00ms") == true)
      }
    }

    @Test("Any spelling of an append is the same, and one over 15 MiB is refused")
    func appends() async throws {
      try await withSimulator({ $0.answer = .echo }) { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.send(SimulatorSuites.OpenAITurnTests.manual)
        try await client.event("session.updated")
        let part = Sound.speech(milliseconds: 100)
        let text = Data(part).base64EncodedString()
        let escaped = text.replacingOccurrences(of: "/", with: "\\/")
        try await client.send(#"{"type":"input_audio_buffer.append","audio":"\#(text)"}"#)
        try await client.send(#"{ "audio" : "\#(escaped)", "event_id":"a", "type" : "input_audio_buffer.append" }"#)
        try await client.send(#"{"type":"input_audio_buffer.append","audio":"\#(escaped)"}"#)
        // In two frames.
        let whole = Array(#"{"type":"input_audio_buffer.append","audio":"\#(text)"}"#.utf8)
        try await client.wire.send(Array(whole.prefix(100)), .text, fin: false)
        try await client.wire.send(Array(whole.dropFirst(100)), .continuation)
        try await client.send(#"{"type":"input_audio_buffer.commit"}"#)
        try await client.event("conversation.item.done")
        #expect(simulator.journal.sessions.last?.turns.last?.audio == part + part + part + part)
        for (count, isRefused) in [(15 << 20, false), (15 << 20 + 3, true)] {
          let text = Data(count: count + (count % 2)).base64EncodedString()
          try await client.send(#"{"type":"input_audio_buffer.append","audio":"\#(text)"}"#)
          try await client.send(#"{"type":"input_audio_buffer.clear"}"#)
          #expect(try await client.event().type == (isRefused ? "error" : "input_audio_buffer.cleared"))
        }
      }
    }

    @Test("Truncation: longer than the item, nothing sent, not a model's, and one that works")
    func truncation() async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.send(SimulatorSuites.OpenAITurnTests.manual)
        try await client.append(Sound.speech(milliseconds: 200))
        try await client.send(#"{"type":"input_audio_buffer.commit"}"#)
        let committed = try await client.event("input_audio_buffer.committed")
        try await client.send(#"{"type":"response.create"}"#)
        let item = try #require(try await client.event("response.done").string("response.output.0.id"))
        func truncate(_ id: String, _ end: Int) async throws -> Event {
          try await client.send(
            #"{"type":"conversation.item.truncate","item_id":"\#(id)","content_index":0,"audio_end_ms":\#(end)}"#)
          return try await client.event()
        }
        #expect(
          try await truncate(item, 9100).string("error.message")
            == "Audio content of 2000ms is already shorter than 9100ms")
        let none = "Only model output audio messages can be truncated"
        #expect(try await truncate(item, 0).string("error.message") == none)
        let user = try #require(committed.string("item_id"))
        #expect(try await truncate(user, 50).string("error.message") == none)
        let truncated = try await truncate(item, 1500)
        #expect(truncated.type == "conversation.item.truncated")
        #expect(truncated.integer("audio_end_ms") == 1500)
        #expect(
          try await truncate(item, 1600).string("error.message")
            == "Audio content of 1500ms is already shorter than 1600ms")
        try await client.send(#"{"type":"conversation.item.retrieve","item_id":"\#(item)"}"#)
        #expect(try await client.event()["item.content.0.transcript"] is NSNull)
        try await client.send(#"{"type":"conversation.item.delete","item_id":"\#(item)"}"#)
        #expect(try await client.event().type == "conversation.item.deleted")
        let kept = simulator.journal.sessions.first?.items.first { $0.id == item }
        #expect(kept?.truncatedToMilliseconds == 1500)
        #expect(kept?.audioByteCount == 96_000)
        #expect(kept?.isDeleted == true)
      }
    }

    @Test("One response at a time; cancelling it ends what was begun")
    func cancelling() async throws {
      try await withSimulator({
        $0.pacing = .realTime(lead: .zero)
        $0.answerDuration = .seconds(60)
      }) { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.send(#"{"type":"response.create","response":{"metadata":{"a":"b"}}}"#)
        let delta = try await client.event("response.output_audio.delta")
        try await client.send(#"{"type":"response.create"}"#)
        let refusal = try await client.event("error")
        #expect(refusal.string("error.code") == "conversation_already_has_active_response")
        #expect(refusal.string("error.message")?.contains(try #require(delta.string("response_id"))) == true)
        try await client.send(#"{"type":"response.cancel"}"#)
        let events = try await client.events(until: "response.done")
        #expect(events.contains { $0.type == "response.output_audio.done" })
        let done = try #require(events.last)
        #expect(done.string("response.status") == "cancelled")
        #expect(done.string("response.status_details.reason") == "client_cancelled")
        #expect(done.string("response.metadata.a") == "b")
        #expect(done.string("response.output.0.status") == "incomplete")
        try await client.send(#"{"type":"response.cancel"}"#)
        #expect(try await client.event("error").string("error.code") == "response_cancel_not_active")
      }
    }

    @Test("The service finds turns by itself, and counts their times from the first sample")
    func serverDetection() async throws {
      try await withSimulator({ $0.answer = .echo }) { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.send(
          #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"transcription":{"model":"gpt-transcribe"},"turn_detection":{"type":"server_vad","prefix_padding_ms":300,"silence_duration_ms":500}}}}}"#
        )
        try await client.event("session.updated")
        // Twice, so that the second turn shows what the times count from.
        for start in [1000, 4000] {
          let audio =
            Sound.silence(milliseconds: 1000) + Sound.speech(milliseconds: 1200) + Sound.silence(milliseconds: 800)
          try await client.append(audio)
          let started = try await client.event("input_audio_buffer.speech_started")
          #expect(started.integer("audio_start_ms") == start - 300)
          let stopped = try await client.event("input_audio_buffer.speech_stopped")
          #expect(stopped.integer("audio_end_ms") == start + 1200 + 500)
          let events = try await client.events(until: "response.done")
          let committed = try #require(events.first { $0.type == "input_audio_buffer.committed" })
          #expect(committed.string("item_id") == started.string("item_id"))
          let text = events.first { $0.type == "conversation.item.input_audio_transcription.completed" }
          #expect(text?.string("transcript") == "(1.20 s of speech)")
          #expect(text?.integer("usage.seconds") == 2)
          let echo = Array(
            events.filter { $0.type == "response.output_audio.delta" }.compactMap { $0.bytes("delta") }.joined())
          // 300 ms before, 500 ms behind.
          #expect(echo == Array(audio[48 * 700..<48 * 2700]))
        }
      }
    }

    @Test("Who speaks while the model does interrupts it, unless that is not wanted")
    func interruption() async throws {
      for interrupts in [true, false] {
        try await withSimulator({
          $0.pacing = .realTime(lead: .milliseconds(500))
          $0.answerDuration = .seconds(interrupts ? 60 : 1)
        }) { simulator in
          let client = try await VoiceClient.connect(simulator)
          try await client.send(
            #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad","interrupt_response":\#(interrupts)}}}}}"#
          )
          let speech = Sound.speech(milliseconds: 300) + Sound.silence(milliseconds: 300)
          try await client.append(speech)
          try await client.event("response.output_audio.delta")
          try await client.append(speech)
          let done = try await client.event("response.done")
          #expect(done.string("response.status") == (interrupts ? "cancelled" : "completed"))
          if interrupts { #expect(done.string("response.status_details.reason") == "turn_detected") }
          // The second turn has its answer in either case.
          #expect(try await client.event("response.created").type == "response.created")
        }
      }
    }

    @Test("Tokens: ten a second in, twenty out, all of it again, and what was there before is cached")
    func usage() async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.send(
          #"{"type":"session.update","session":{"type":"realtime","instructions":"12345678","audio":{"input":{"turn_detection":null}}}}"#
        )
        var lines: [[Int]] = []
        for _ in 0..<3 {
          try await client.append(Sound.speech(milliseconds: 1050))
          try await client.send(#"{"type":"input_audio_buffer.commit"}"#)
          try await client.send(#"{"type":"response.create"}"#)
          let done = try await client.event("response.done")
          let usage = "response.usage."
          lines.append(
            [
              "input_token_details.audio_tokens", "input_token_details.text_tokens",
              "input_token_details.cached_tokens",
              "output_token_details.audio_tokens", "output_token_details.text_tokens", "input_tokens", "output_tokens",
              "total_tokens",
            ].map { done.integer(usage + $0) ?? -1 })
        }
        // 1.05 s are 11 tokens, 2 s of answer 40, its 31 characters 8, the instructions 2.
        #expect(lines[0] == [11, 2, 0, 40, 8, 13, 48, 61])
        #expect(lines[1] == [62, 10, 13, 40, 8, 72, 48, 120])
        #expect(lines[2] == [113, 18, 72, 40, 8, 131, 48, 179])
      }
    }

    @Test("A limit of output tokens cuts the answer off")
    func outputLimit() async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.send(#"{"type":"response.create","response":{"max_output_tokens":10}}"#)
        let done = try await client.event("response.done")
        #expect(done.string("response.status") == "incomplete")
        #expect(done.string("response.status_details.reason") == "max_output_tokens")
        #expect(done.integer("response.usage.output_token_details.audio_tokens") == 10)
      }
    }

    @Test("A declared tool is called, and its output spoken of")
    func tool() async throws {
      try await withSimulator({ $0.toolCall = SimulatedToolCall(name: "weather", arguments: #"{"city":"Rome"}"#) }) {
        simulator in
        for dialect in [SimulatedDialect.openAI, .openAIBeta] {
          let client = try await VoiceClient.connect(simulator, dialect)
          let tools = #""tools":[{"type":"function","name":"weather","parameters":{"type":"object"}}]"#
          try await client.send(
            #"{"type":"session.update","session":{\#(dialect == .openAI ? #""type":"realtime","# : "")\#(tools)}}"#)
          try await client.send(#"{"type":"response.create"}"#)
          let events = try await client.events(until: "response.done")
          let arguments = try #require(events.first { $0.type == "response.function_call_arguments.done" })
          #expect(arguments.string("arguments") == #"{"city":"Rome"}"#)
          #expect((arguments.string("name") != nil) == (dialect == .openAI))
          let deltas = events.filter { $0.type == "response.function_call_arguments.delta" }
          #expect(deltas.compactMap { $0.string("delta") }.joined() == #"{"city":"Rome"}"#)
          let call = try #require(arguments.string("call_id"))
          #expect(events.last?.string("response.output.0.call_id") == call)
          try await client.send(
            #"{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"\#(call)","output":"sunny"}}"#
          )
          try await client.send(#"{"type":"response.create"}"#)
          let done = try await client.event("response.done")
          #expect(done.string("response.output.0.content.0.transcript") == "The tool weather says: sunny")
        }
      }
    }

    @Test("Text in and text out")
    func text() async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.send(
          #"{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"hello"}]}}"#
        )
        try await client.event("conversation.item.done")
        try await client.send(#"{"type":"response.create","response":{"output_modalities":["text"]}}"#)
        let events = try await client.events(until: "response.done")
        #expect(
          events.contains { $0.string("text") == "I read 5 characters." && $0.type == "response.output_text.done" })
        #expect(!events.contains { $0.type.contains("audio") })
      }
    }

    @Test("The interface before general availability has its own names")
    func beta() async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(
          simulator, .openAI, headers: [("OpenAI-Beta", "realtime=v1")])
        #expect(try await client.event().string("session.input_audio_format") == "pcm16")
        try await client.send(#"{"type":"session.update","session":{"turn_detection":null,"temperature":0.7}}"#)
        #expect(try await client.event().type == "session.updated")
        try await client.send(#"{"type":"session.update","session":{"type":"realtime"}}"#)
        #expect(try await client.event().string("error.param") == "session.type")
        try await client.append(Sound.speech(milliseconds: 500))
        try await client.send(#"{"type":"input_audio_buffer.commit"}"#)
        try await client.event("input_audio_buffer.committed")
        #expect(try await client.event().type == "conversation.item.created")
        try await client.send(#"{"type":"response.create"}"#)
        let events = try await client.events(until: "response.done")
        let types = Set(events.map(\.type))
        #expect(
          types.isSuperset(of: ["response.audio.delta", "response.audio.done", "response.audio_transcript.delta"]))
        #expect(!types.contains { $0.contains("output_audio") || $0.hasPrefix("conversation.item.added") })
        #expect(events.last?.string("response.output.0.content.0.type") == "audio")
        #expect(simulator.journal.sessions.last?.dialect == .openAIBeta)
      }
    }

    @Test("A session ends at its age")
    func sessionLimit() async throws {
      try await withSimulator({ $0.sessionLimit = .milliseconds(300) }) { simulator in
        let client = try await VoiceClient.connect(simulator)
        let error = try await client.event("error")
        #expect(error.string("error.code") == "session_expired")
        #expect(error.string("error.message") == "Your session hit the maximum duration of 0.005 minutes.")
        #expect(try await client.untilEnd().contains(.close(1001)))
      }
    }
  }
}
