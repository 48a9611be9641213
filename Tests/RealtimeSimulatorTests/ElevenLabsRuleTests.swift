import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("ElevenLabs: rules")
  struct ElevenLabsRuleTests {
    private static let initiation = #"{"type":"conversation_initiation_client_data"}"#

    private func speak(_ milliseconds: Int, to session: ManualSession, silence: Int = 0) {
      let audio =
        Sound.speech(milliseconds: milliseconds, rate: 16_000) + Sound.silence(milliseconds: silence, rate: 16_000)
      session.receive(#"{"user_audio_chunk":"\#(Data(audio).base64EncodedString())"}"#)
    }

    private func write(_ text: String, to session: ManualSession) {
      session.receive(#"{"type":"user_message","text":"\#(text)"}"#)
    }

    @Test("The formats are told once, whatever comes first")
    func initiation() throws {
      let firsts = [
        Self.initiation, #"{"user_audio_chunk":"AAAA"}"#, #"{"type":"user_message","text":"hello"}"#,
      ]
      for first in firsts {
        try withManualSession(.elevenLabs) { session in
          #expect(session.events().isEmpty)
          session.receive(first)
          #expect(session.events().first?.type == "conversation_initiation_metadata")
          for again in firsts { session.receive(again) }
          let types = session.events().map(\.type)
          #expect(!types.contains("conversation_initiation_metadata"))
        }
      }
    }

    @Test("The agent says what it is told to say first, if anything")
    func greeting() throws {
      try withManualSession(.elevenLabs) { session in
        session.receive(
          #"{"type":"conversation_initiation_client_data","conversation_config_override":{"agent":{"first_message":"Good evening."}}}"#
        )
        let response = try session.event("agent_response")
        #expect(response.string("agent_response_event.agent_response") == "Good evening.")
      }
      try withManualSession(.elevenLabs) { session in
        session.receive(
          #"{"type":"conversation_initiation_client_data","conversation_config_override":{"agent":{"first_message":""}}}"#
        )
        #expect(session.events().map(\.type) == ["conversation_initiation_metadata"])
      }
    }

    @Test("Who speaks interrupts what can still be heard, of which a part has been said; what was heard stays")
    func interruption() throws {
      // All of 2 s is sent at once.
      for (time, isHeard) in [(Duration.milliseconds(500), false), (.milliseconds(1900), false), (.seconds(2), true)] {
        try withManualSession(.elevenLabs) { session in
          write("hello", to: session)
          let last = session.events().compactMap { $0.integer("audio_event.event_id") }.max()
          session.pass(time)
          _ = session.events()
          speak(100, to: session)
          let events = session.events()
          let interruption = events.first { $0.type == "interruption" }
          let correction = events.first { $0.type == "agent_response_correction" }
          #expect((interruption != nil) == !isHeard)
          #expect((correction != nil) == !isHeard)
          guard !isHeard else { return }
          #expect(interruption?.integer("interruption_event.event_id") ?? 0 >= last ?? .max)
          let event = "agent_response_correction_event"
          #expect(correction?.string("\(event).original_agent_response") == "I read 5 characters.")
          // Four words: of the first quarter one, short of the end three.
          let said = time == .milliseconds(500) ? "I..." : "I read 5..."
          #expect(correction?.string("\(event).corrected_agent_response") == said)
        }
      }
    }

    @Test("Only the call that was made has a result, which is a string")
    func toolResults() throws {
      try withManualSession(.elevenLabs, { $0.toolCall = SimulatedToolCall(name: "weather") }) { session in
        write("hello", to: session)
        let call = session.events().first { $0.type == "client_tool_call" }
        let id = try #require(call?.string("client_tool_call.tool_call_id"))
        session.receive(#"{"type":"client_tool_result","tool_call_id":"other","result":"sunny"}"#)
        #expect(session.events().isEmpty)
        #expect(session.closing == nil)
        session.receive(#"{"type":"client_tool_result","tool_call_id":"\#(id)","result":"sunny"}"#)
        #expect(session.events().contains { $0.type == "agent_response" })
        // It has had its result.
        session.receive(#"{"type":"client_tool_result","tool_call_id":"\#(id)","result":"rainy"}"#)
        #expect(session.events().isEmpty)
      }
      try withManualSession(.elevenLabs, { $0.toolCall = SimulatedToolCall(name: "weather") }) { session in
        write("hello", to: session)
        let call = session.events().first { $0.type == "client_tool_call" }
        let id = try #require(call?.string("client_tool_call.tool_call_id"))
        session.receive(#"{"type":"client_tool_result","tool_call_id":"\#(id)","result":{"sky":"blue"}}"#)
        #expect(session.closing?.code == 1008)
      }
    }
  }
}
