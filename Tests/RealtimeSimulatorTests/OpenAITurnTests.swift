import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("OpenAI: turns")
  struct OpenAITurnTests {
    static let manual =
      #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":null}}}}"#

    @Test("A turn by hand has all its events, in order")
    func manualTurn() async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(simulator)
        let created = try await client.event()
        #expect(created.type == "session.created")
        #expect(created.string("session.model") == "simulated")
        #expect(created.integer("session.audio.input.turn_detection.silence_duration_ms") == 200)
        try await client.send(Self.manual)
        let updated = try await client.event()
        #expect(updated.type == "session.updated")
        #expect(updated["session.audio.input.turn_detection"] is NSNull)
        try await client.append(Sound.speech(milliseconds: 1000))
        try await client.send(#"{"type":"input_audio_buffer.commit"}"#)
        #expect(try await client.event().type == "input_audio_buffer.committed")
        #expect(try await client.event().type == "conversation.item.added")
        #expect(try await client.event().type == "conversation.item.done")
        try await client.send(#"{"type":"response.create"}"#)
        let events = try await client.events(until: "response.done")
        let types = events.map(\.type).reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
        let head = [
          "response.created", "rate_limits.updated", "response.output_item.added", "conversation.item.added",
          "response.content_part.added", "response.output_audio_transcript.delta", "response.output_audio.delta",
        ]
        let tail = [
          "response.output_audio.done", "response.output_audio_transcript.done", "response.content_part.done",
          "conversation.item.done", "response.output_item.done", "response.done",
        ]
        #expect(Array(types.prefix(head.count)) == head)
        #expect(Array(types.suffix(tail.count)) == tail)
        #expect(events.allSatisfy { $0.string("event_id") != nil })
        #expect(Set(events.compactMap { $0.string("event_id") }).count == events.count)
        #expect(events.last?.string("response.status") == "completed")
        // 2 s of 24 kHz.
        let audio = events.filter { $0.type == "response.output_audio.delta" }.compactMap { $0.bytes("delta") }
        #expect(audio.count == 20)
        #expect(audio.joined().count == 96_000)
        let words = events.filter { $0.type == "response.output_audio_transcript.delta" }.compactMap {
          $0.string("delta")
        }
        #expect(words.joined() == events.last?.string("response.output.0.content.0.transcript"))
        #expect(words.joined() == "I heard 1.00 seconds of speech.")
      }
    }

    @Test("An echo is the turn's audio, byte for byte, also by A-law and mu-law")
    func echo() async throws {
      try await withSimulator({ $0.answer = .echo }) { simulator in
        for format in [#"{"type":"audio/pcm","rate":24000}"#, #"{"type":"audio/pcmu"}"#, #"{"type":"audio/pcma"}"#] {
          let client = try await VoiceClient.connect(simulator)
          try await client.send(
            #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":\#(format),"turn_detection":null},"output":{"format":\#(format)}}}}"#
          )
          try await client.event("session.updated")
          let audio = Sound.speech(milliseconds: 1230) + Array(0...255)
          try await client.append(audio, chunk: 1922)
          try await client.send(#"{"type":"input_audio_buffer.commit"}"#)
          try await client.send(#"{"type":"response.create"}"#)
          let events = try await client.events(until: "response.done")
          let deltas = events.filter { $0.type == "response.output_audio.delta" }.compactMap { $0.bytes("delta") }
          #expect(Array(deltas.joined()) == audio)
          if format.contains("pcm\"") { #expect(deltas.allSatisfy { $0.count % 2 == 0 }) }
          #expect(simulator.journal.sessions.last?.audio == audio)
          #expect(simulator.journal.sessions.last?.turns.last?.audio == audio)
        }
      }
    }
  }
}
