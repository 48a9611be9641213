import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("OpenAI: the conversation and its buffer")
  struct OpenAIConversationTests {
    private static let manual = SimulatorSuites.OpenAITurnTests.manual
    private static let commit = #"{"type":"input_audio_buffer.commit"}"#
    private static let textResponse = #"{"type":"response.create","response":{"output_modalities":["text"]}}"#

    /// - Parameter previous: JSON.
    private func create(_ id: String, _ text: String = "a", after previous: String? = nil, in session: ManualSession) {
      let place = previous.map { #","previous_item_id":\#($0)"# } ?? ""
      session.receive(
        #"{"type":"conversation.item.create","item":{"id":"\#(id)","type":"message","role":"user","content":[{"type":"input_text","text":"\#(text)"}]}\#(place)}"#
      )
    }

    private func truncate(_ id: String, to end: Int, part: Int = 0, _ session: ManualSession) -> Event? {
      _ = session.events()
      session.receive(
        #"{"type":"conversation.item.truncate","item_id":"\#(id)","content_index":\#(part),"audio_end_ms":\#(end)}"#)
      return session.events().first
    }

    /// The tokens of a response's input, and how many of them were cached.
    private func tokens(_ session: ManualSession) throws -> [Int?] {
      _ = session.events()
      session.receive(Self.textResponse)
      let done = try session.event("response.done")
      return [
        done.integer("response.usage.input_tokens"),
        done.integer("response.usage.input_token_details.cached_tokens"),
      ]
    }

    @Test("100 ms are enough for a commit, a sample less is not")
    func minimum() throws {
      for (format, sampleSize, rate) in [
        (#"{"type":"audio/pcm"}"#, 2, 24), (#"{"type":"audio/pcmu"}"#, 1, 8), (#"{"type":"audio/pcma"}"#, 1, 8),
      ] {
        try withManualSession { session throws in
          session.receive(
            #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":\#(format),"turn_detection":null}}}}"#
          )
          session.append([UInt8](repeating: 0, count: (100 * rate - 1) * sampleSize))
          _ = session.events()
          session.receive(Self.commit)
          let error = try session.event("error")
          #expect(error.string("error.code") == "input_audio_buffer_commit_empty")
          #expect(error.string("error.message")?.contains(rate == 24 ? " 99.96ms " : " 99.88ms ") == true)
          session.append([UInt8](repeating: 0, count: sampleSize))
          session.receive(Self.commit)
          #expect(session.events().first?.type == "input_audio_buffer.committed")
          #expect(session.record.turns.map(\.audioByteCount) == [100 * rate * sampleSize])
          // It is empty now.
          session.receive(Self.commit)
          #expect(try session.event("error").string("error.message")?.contains(" 0.00ms ") == true)
        }
      }
    }

    @Test("Each turn tells which item it follows")
    func previousItem() throws {
      try withManualSession { session throws in
        session.receive(Self.manual)
        var last: String?
        for _ in 0..<3 {
          session.append(Sound.speech(milliseconds: 100))
          _ = session.events()
          session.receive(Self.commit)
          let events = session.events()
          for event in events { #expect(event.string("previous_item_id") == last) }
          #expect(events.map(\.type).first == "input_audio_buffer.committed")
          last = events.first?.string("item_id")
        }
      }
    }

    @Test("Truncation: to the very end, not a millisecond beyond, and of the one part there is")
    func truncation() throws {
      try withManualSession(.openAI, { $0.answerDuration = .milliseconds(1234) }) { session in
        session.receive(#"{"type":"response.create"}"#)
        let done = try session.event("response.done")
        let item = try #require(done.string("response.output.0.id"))
        let beyond = truncate(item, to: 1235, session)
        #expect(beyond?.string("error.message") == "Audio content of 1234ms is already shorter than 1235ms")
        #expect(beyond?.string("error.param") == "audio_end_ms")
        #expect(truncate(item, to: 500, part: 1, session)?.string("error.param") == "content_index")
        #expect(truncate(item, to: 1234, session)?.type == "conversation.item.truncated")
        #expect(truncate(item, to: 1, session)?.type == "conversation.item.truncated")
        #expect(
          truncate(item, to: 2, session)?.string("error.message")
            == "Audio content of 1ms is already shorter than 2ms")
        create("mine", in: session)
        #expect(truncate("mine", to: 1, session)?.string("error.param") == "item_id")
      }
    }

    @Test("What was cut off while the answer was still coming stays so when it ends")
    func truncationMeanwhile() throws {
      try withManualSession(.openAI, { $0.pacing = .realTime(lead: .zero) }) { session in
        session.receive(#"{"type":"response.create"}"#)
        session.pass(.milliseconds(950))
        let id = session.events().first { $0.type == "response.output_item.added" }?.string("item.id")
        let item = try #require(id)
        #expect(truncate(item, to: 200, session)?.type == "conversation.item.truncated")
        session.receive(#"{"type":"response.cancel"}"#)
        let done = try session.event("response.done")
        #expect(done.string("response.output.0.status") == "incomplete")
        // What was generated is paid for: 1 s of 20 a second.
        #expect(done.integer("response.usage.output_token_details.audio_tokens") == 20)
        // 200 ms of 20 tokens a second, and no transcript.
        #expect(try tokens(session) == [4, 0])
        session.receive(#"{"type":"conversation.item.retrieve","item_id":"\#(item)"}"#)
        #expect(try session.event("conversation.item.retrieved")["item.content.0.transcript"] is NSNull)
      }
    }

    @Test("Items go where they are wanted, and nowhere else")
    func places() throws {
      try withManualSession { session throws in
        create("a", in: session)
        create("b", in: session)
        _ = session.events()
        for (id, place, previous) in [
          ("c", #""root""#, nil), ("d", #""a""#, "a"), ("e", "null", "b"), ("f", #""e""#, "e"),
        ] {
          create(id, after: place, in: session)
          #expect(try session.event("conversation.item.added").string("previous_item_id") == previous, "\(id)")
        }
        let openAI = try #require(session.session as? OpenAISession)
        #expect(openAI.items.map(\.id) == ["c", "a", "d", "b", "e", "f"])
        create("g", after: #""nobody""#, in: session)
        let error = try session.event("error")
        #expect(error.string("error.code") == "item_create_invalid_previous_item_id")
        #expect(error.string("error.param") == "previous_item_id")
        #expect(openAI.items.count == 6)
      }
    }

    @Test("An id is given once, and has 32 characters at most; a deleted one is free")
    func identifiers() throws {
      try withManualSession { session throws in
        create("a", in: session)
        _ = session.events()
        create("a", in: session)
        let error = try session.event("error")
        #expect(error.string("error.code") == "item_create_duplicate_id")
        #expect(error.string("error.param") == "item.id")
        create(String(repeating: "x", count: 33), in: session)
        #expect(try session.event("error").string("error.code") == "string_above_max_length")
        create(String(repeating: "x", count: 32), in: session)
        _ = try session.event("conversation.item.done")
        let delete = #"{"type":"conversation.item.delete","item_id":"a"}"#
        session.receive(delete)
        _ = try session.event("conversation.item.deleted")
        session.receive(delete)
        #expect(try session.event("error").string("error.code") == "item_delete_invalid_item_id")
        create("a", in: session)
        _ = try session.event("conversation.item.done")
      }
    }

    @Test("What stands behind a change in the conversation is not cached any more")
    func cache() throws {
      try withManualSession { session throws in
        session.receive(
          #"{"type":"session.update","session":{"type":"realtime","instructions":"four"}}"#)
        for id in ["a", "b", "c"] { create(id, "12345678", in: session) }
        // 1 of the instructions, 2 of each item, 5 of each answer ("I read 8 characters.").
        #expect(try tokens(session) == [7, 0])
        #expect(try tokens(session) == [12, 7])
        #expect(try tokens(session) == [17, 12])
        create("d", "1234", after: #""a""#, in: session)
        #expect(try tokens(session) == [23, 3])
        session.receive(#"{"type":"conversation.item.delete","item_id":"d"}"#)
        #expect(try tokens(session) == [27, 3])
        create("e", "1234", after: #""root""#, in: session)
        #expect(try tokens(session) == [33, 1])
        session.receive(
          #"{"type":"response.create","response":{"instructions":"12345678","output_modalities":["text"]}}"#)
        #expect(session.events().last?.integer("response.usage.input_tokens") == 39)
      }
      try withManualSession { session throws in
        create("a", "12345678", in: session)
        session.receive(#"{"type":"response.create"}"#)
        let id = session.events().last { $0.type == "response.done" }?.string("response.output.0.id")
        // 2 of the item, 40 of the answer's sound and 5 of its words.
        #expect(try tokens(session) == [47, 2])
        #expect(try tokens(session) == [52, 47])
        _ = truncate(try #require(id), to: 500, session)
        #expect(try tokens(session) == [22, 2])
      }
    }

    @Test("A voice is fixed by the first sound, not by words; the model always is")
    func voice() throws {
      try withManualSession { session throws in
        func update(_ voice: String) -> String {
          #"{"type":"session.update","session":{"type":"realtime","audio":{"output":{"voice":\#(voice)}}}}"#
        }
        session.receive(Self.textResponse)
        _ = session.events()
        session.receive(update(#""cedar""#))
        #expect(try session.event("session.updated").string("session.audio.output.voice") == "cedar")
        session.receive(#"{"type":"response.create"}"#)
        _ = session.events()
        session.receive(update(#"{"id":"voice_1"}"#))
        let error = try session.event("error")
        #expect(error.string("error.code") == "cannot_update_voice")
        #expect(error.string("error.param") == "session.audio.output.voice")
        session.receive(update(#""cedar""#))
        _ = try session.event("session.updated")
        session.receive(#"{"type":"session.update","session":{"type":"realtime","model":"simulated"}}"#)
        _ = try session.event("session.updated")
      }
    }

    @Test("Another format empties the buffer, and the clock of the audio goes on")
    func formatChange() throws {
      try withManualSession { session throws in
        session.append(Sound.silence(milliseconds: 1000))
        session.receive(
          #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcmu"},"turn_detection":null}}}}"#
        )
        _ = session.events()
        session.receive(Self.commit)
        #expect(try session.event("error").string("error.message")?.contains(" 0.00ms ") == true)
        session.receive(
          #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad","prefix_padding_ms":0}}}}}"#
        )
        _ = session.events()
        let samples = WireFormat.pcm16k.samples(
          (Sound.silence(milliseconds: 500, rate: 8000) + Sound.speech(milliseconds: 300, rate: 8000)
            + Sound.silence(milliseconds: 300, rate: 8000))[...])
        session.append(WireFormat(coding: .muLaw, rate: 8000).bytes(samples))
        let events = session.events()
        #expect(events.first?.integer("audio_start_ms") == 1500)
        #expect(events.dropFirst().first?.integer("audio_end_ms") == 2000)
      }
    }

    @Test("A commit in the middle of speech is its item; a clear forgets it, and speech begins anew")
    func commitInSpeech() throws {
      try withManualSession { session throws in
        session.append(Sound.speech(milliseconds: 500))
        let item = try #require(try session.event("input_audio_buffer.speech_started").string("item_id"))
        session.receive(Self.commit)
        #expect(session.events().first?.string("item_id") == item)
        session.append(Sound.speech(milliseconds: 500))
        let other = try #require(try session.event("input_audio_buffer.speech_started").string("item_id"))
        #expect(other != item)
        session.receive(#"{"type":"input_audio_buffer.clear"}"#)
        _ = try session.event("input_audio_buffer.cleared")
        session.append(Sound.silence(milliseconds: 1000))
        #expect(session.events().isEmpty)
        session.append(Sound.speech(milliseconds: 100))
        #expect(try session.event("input_audio_buffer.speech_started").integer("audio_start_ms") == 1700)
      }
    }

    @Test("Where nobody detects turns, speech makes none")
    func withoutDetection() throws {
      try withManualSession { session throws in
        session.receive(Self.manual)
        _ = session.events()
        session.append(Sound.speech(milliseconds: 500) + Sound.silence(milliseconds: 2000))
        #expect(session.events().isEmpty)
        session.receive(
          #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad"}}}}}"#
        )
        _ = session.events()
        session.append(Sound.speech(milliseconds: 500))
        _ = try session.event("input_audio_buffer.speech_started")
        // In the middle of speech it ends, too: the turn is the client's to commit.
        session.receive(Self.manual)
        _ = session.events()
        session.append(Sound.silence(milliseconds: 2000))
        #expect(session.events().isEmpty)
        session.receive(Self.commit)
        #expect(session.events().first?.type == "input_audio_buffer.committed")
      }
    }

    @Test("What is written and what is said replace each other as what the model answers")
    func lastWord() throws {
      try withManualSession { session throws in
        session.receive(Self.manual)
        func answer() throws -> String? {
          _ = session.events()
          session.receive(Self.textResponse)
          return try session.event("response.done").string("response.output.0.content.0.text")
        }
        #expect(try answer() == "I have heard nothing yet.")
        create("a", "hello", in: session)
        #expect(try answer() == "I read 5 characters.")
        session.append(Sound.speech(milliseconds: 500))
        session.receive(Self.commit)
        #expect(try answer() == "I heard 0.50 seconds of speech.")
        create("b", "hi", in: session)
        #expect(try answer() == "I read 2 characters.")
      }
    }

    @Test("A cancelled response ends its item in order", arguments: [SimulatedDialect.openAI, .openAIBeta])
    func cancelled(_ dialect: SimulatedDialect) throws {
      try withManualSession(dialect, { $0.pacing = .realTime(lead: .zero) }) { session in
        session.receive(#"{"type":"response.create"}"#)
        session.pass(.milliseconds(300))
        _ = session.events()
        session.receive(#"{"type":"response.cancel"}"#)
        let types = session.events().map(\.type)
        let audio = dialect == .openAI ? "output_audio" : "audio"
        let itemDone = dialect == .openAI ? ["conversation.item.done"] : []
        #expect(
          types == [
            "response.\(audio).done", "response.\(audio)_transcript.done", "response.content_part.done",
          ] + itemDone + ["response.output_item.done", "response.done"])
      }
    }
  }
}
