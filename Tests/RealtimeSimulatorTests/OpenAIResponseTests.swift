import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("OpenAI: responses beside the conversation")
  struct OpenAIResponseTests {
    private static func create(_ response: String) -> String {
      #"{"type":"response.create","response":{\#(response)}}"#
    }

    private static let text = #""output_modalities":["text"]"#

    private func say(_ text: String, to session: ManualSession) {
      session.receive(
        #"{"type":"conversation.item.create","item":{"id":"item-\#(text)","type":"message","role":"user","content":[{"type":"input_text","text":"\#(text)"}]}}"#
      )
      _ = session.events()
    }

    @Test("A response outside of the conversation joins it not, and gives its metadata back")
    func outside() throws {
      try withManualSession { session in
        say("hello", to: session)
        session.receive(Self.create(#""conversation":"none","metadata":{"topic":"mood"},\#(Self.text)"#))
        let events = session.events()
        #expect(!events.contains { $0.type.hasPrefix("conversation.") })
        for type in ["response.created", "response.done"] {
          let event = try #require(events.first { $0.type == type })
          #expect(event["response.conversation_id"] is NSNull)
          #expect(event.string("response.metadata.topic") == "mood")
        }
        let item = try #require(events.last?.string("response.output.0.id"))
        session.receive(#"{"type":"conversation.item.retrieve","item_id":"\#(item)"}"#)
        #expect(try session.event("error").string("error.code") == "item_retrieve_invalid_item_id")
        // It has no part in the next response's input: "hello" alone has.
        session.receive(Self.create(Self.text))
        let done = try session.event("response.done")
        #expect(done.integer("response.usage.input_tokens") == 2)
        #expect(done.string("response.conversation_id")?.hasPrefix("conv_") == true)
      }
    }

    @Test("Input of its own takes the conversation's place, with references to what is in there")
    func input() throws {
      try withManualSession { session in
        say("hello", to: session)
        say("good evening", to: session)
        let message = #"{"type":"message","role":"user","content":[{"type":"input_text","text":"twelve chars"}]}"#
        let inputs: [(input: String, words: String, tokens: Int)] = [
          ("[]", "I have heard nothing yet.", 0), ("[\(message)]", "I read 12 characters.", 3),
          (#"[{"type":"item_reference","id":"item-hello"}]"#, "I read 5 characters.", 2),
          (#"[\#(message),{"type":"item_reference","id":"item-hello"}]"#, "I read 5 characters.", 5),
          (
            #"[{"type":"function_call","name":"sky","call_id":"c","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"blue"}]"#,
            "The tool sky says: blue", 3
          ),
        ]
        for (input, words, tokens) in inputs {
          session.receive(Self.create(#""conversation":"none","input":\#(input),\#(Self.text)"#))
          let done = try session.event("response.done")
          #expect(done.string("response.output.0.content.0.text") == words)
          #expect(done.integer("response.usage.input_tokens") == tokens)
          #expect(done.integer("response.usage.input_token_details.cached_tokens") == 0)
        }
        // The conversation is as it was, and nobody has had it as input yet.
        session.receive(Self.create(Self.text))
        let done = try session.event("response.done")
        #expect(done.string("response.output.0.content.0.text") == "I read 12 characters.")
        #expect(done.integer("response.usage.input_tokens") == 5)
        #expect(done.integer("response.usage.input_token_details.cached_tokens") == 0)
      }
    }

    @Test(
      "Input and metadata that cannot be are refused with their place, and nothing is made",
      arguments: [
        (#""input":[{"type":"item_reference","id":"none"}]"#, "invalid_value", "response.input[0].id"),
        (#""input":[{"type":"item_reference"}]"#, "missing_required_parameter", "response.input[0].id"),
        (#""input":[{"type":"message","role":"user"}]"#, "missing_required_parameter", "response.input[0].content"),
        (
          #""input":[{"type":"message","role":"user","content":[{"type":"text","text":"a"}]}]"#, "invalid_value",
          "response.input[0].content[0].type"
        ),
        (
          #""input":[{"type":"function_call_output","call_id":"c","output":"1"}]"#, "invalid_tool_call_id",
          "response.input[0].call_id"
        ),
        (#""metadata":{"a":1}"#, "invalid_type", "response.metadata.a"),
        (#""conversation":"other""#, "invalid_value", "response.conversation"),
        (#""output_modalities":["audio","text"]"#, "invalid_value", "session.output_modalities"),
      ])
    func refusals(_ parameters: String, _ code: String, _ place: String) throws {
      try withManualSession { session in
        session.receive(Self.create(parameters))
        let error = try session.event("error")
        #expect(error.string("error.code") == code)
        #expect(error.string("error.param") == place)
        #expect(session.record.responses.isEmpty)
      }
    }

    @Test("Metadata is 16 pairs, of names up to 64 and strings up to 512 characters")
    func metadata() throws {
      func json(_ count: Int, name: Int, value: Int) -> String {
        let pairs = (0..<count).map { index in
          let key = String(repeating: "k", count: name - 2) + (index < 10 ? "0\(index)" : "\(index)")
          return "\"\(key)\":\"\(String(repeating: "v", count: value))\""
        }
        return "\"metadata\":{\(pairs.joined(separator: ","))}"
      }
      try withManualSession { session in
        for (metadata, code) in [
          (json(16, name: 64, value: 512), nil), (json(17, name: 2, value: 1), "object_above_max_properties"),
          (json(1, name: 65, value: 1), "string_above_max_length"),
          (json(1, name: 2, value: 513), "string_above_max_length"),
        ] {
          session.receive(Self.create(metadata))
          let error = session.events().first { $0.type == "error" }
          #expect(error?.string("error.code") == code)
        }
        #expect(session.record.responses.count == 1)
      }
    }

    @Test("Responses outside of the conversation run beside the one that joins it, and end by their own ids")
    func parallel() throws {
      try withManualSession(.openAI, { $0.pacing = .realTime(lead: .zero) }) { session in
        session.receive(Self.create(#""metadata":{"n":"1"}"#))
        for number in 2...3 {
          session.receive(Self.create(#""conversation":"none","metadata":{"n":"\#(number)"}"#))
        }
        session.receive(Self.create(""))
        session.pass(.milliseconds(500))
        let events = session.events()
        #expect(
          events.first { $0.type == "error" }?.string("error.code") == "conversation_already_has_active_response")
        let created = events.filter { $0.type == "response.created" }
        #expect(created.compactMap { $0.string("response.metadata.n") } == ["1", "2", "3"])
        let ids = created.compactMap { $0.string("response.id") }
        for id in ids {
          #expect(events.contains { $0.type == "response.output_audio.delta" && $0.string("response_id") == id })
        }
        session.receive(#"{"type":"response.cancel","response_id":"\#(ids[1])"}"#)
        #expect(try session.event("response.done").string("response.id") == ids[1])
        session.receive(#"{"type":"response.cancel","response_id":"\#(ids[1])"}"#)
        #expect(try session.event("error").string("error.code") == "response_cancel_not_active")
        // Without an id it is the conversation's.
        session.receive(#"{"type":"response.cancel"}"#)
        #expect(try session.event("response.done").string("response.id") == ids[0])
        session.receive(#"{"type":"response.cancel"}"#)
        #expect(try session.event("error").string("error.code") == "response_cancel_not_active")
        session.pass(.seconds(3))
        let done = try session.event("response.done")
        #expect(done.string("response.id") == ids[2])
        #expect(done.string("response.status") == "completed")
        #expect(session.record.responses.map(\.status) == ["cancelled", "cancelled", "completed"])
      }
    }

    @Test("Speech interrupts the conversation's response, and none beside it")
    func interruption() throws {
      try withManualSession(.openAI, { $0.pacing = .realTime(lead: .zero) }) { session in
        session.receive(Self.create(""))
        session.receive(Self.create(#""conversation":"none""#))
        session.append(Sound.speech(milliseconds: 200))
        let done = try session.event("response.done")
        #expect(done.string("response.status_details.reason") == "turn_detected")
        #expect(done.string("response.conversation_id") != nil)
        session.pass(.seconds(3))
        #expect(try session.event("response.done").string("response.status") == "completed")
      }
    }

    @Test("There are 16 at a time at most")
    func limit() throws {
      try withManualSession(.openAI, { $0.pacing = .realTime(lead: .zero) }) { session in
        for _ in 0..<17 { session.receive(Self.create(#""conversation":"none""#)) }
        #expect(try session.event("error").string("error.code") == "rate_limit_exceeded")
        session.pass(.seconds(3))
        #expect(session.events().count { $0.type == "response.done" } == 16)
        session.receive(Self.create(#""conversation":"none""#))
        session.pass(.seconds(3))
        _ = try session.event("response.done")
      }
    }

    @Test("An item is given back with its audio; the output buffer is WebRTC's")
    func retrieval() throws {
      try withManualSession { session in
        session.receive(SimulatorSuites.OpenAITurnTests.manual)
        let audio = Sound.speech(milliseconds: 200)
        session.append(audio)
        session.receive(#"{"type":"input_audio_buffer.commit"}"#)
        let id = try #require(session.events().first { $0.type.hasSuffix("committed") }?.string("item_id"))
        session.receive(#"{"type":"conversation.item.retrieve","item_id":"\#(id)"}"#)
        let retrieved = try session.event("conversation.item.retrieved")
        #expect(retrieved.string("item.id") == id)
        let isSame = retrieved.bytes("item.content.0.audio") == audio
        #expect(isSame)
        session.receive(#"{"type":"output_audio_buffer.clear","event_id":"x"}"#)
        let error = try session.event("error")
        #expect(error.string("error.param") == "type")
        #expect(error.string("error.event_id") == "x")
      }
    }
  }
}
