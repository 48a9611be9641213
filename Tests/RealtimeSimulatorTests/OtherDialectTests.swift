import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("Gemini and ElevenLabs")
  struct OtherDialectTests {
    /// A session whose model is about to speak.
    static func speaking(_ dialect: SimulatedDialect, _ simulator: Simulator, query: String = "") async throws
      -> VoiceClient
    {
      let client = try await VoiceClient.connect(simulator, dialect, query: query)
      if dialect == .gemini {
        try await client.send(#"{"setup":{"model":"models/m","generationConfig":{"responseModalities":["AUDIO"]}}}"#)
        try await client.send(
          #"{"clientContent":{"turns":[{"role":"user","parts":[{"text":"hello"}]}],"turnComplete":true}}"#)
      } else {
        try await client.send(#"{"type":"conversation_initiation_client_data"}"#)
        try await client.send(#"{"type":"user_message","text":"hello"}"#)
      }
      return client
    }

    static func audio(of event: Event) -> [UInt8]? {
      event.bytes("audio_event.audio_base_64") ?? event.bytes("serverContent.modelTurn.parts.0.inlineData.data")
    }

    private func send(_ audio: [UInt8], to client: VoiceClient, isURLSafe: Bool = false) async throws {
      for start in stride(from: 0, to: audio.count, by: 3200) {
        var text = Data(audio[start..<min(audio.count, start + 3200)]).base64EncodedString()
        if isURLSafe {
          text = text.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
          try await client.send(#"{"realtime_input":{"audio":{"data":"\#(text)","mime_type":"audio/pcm;rate=16000"}}}"#)
        } else {
          try await client.send(#"{"realtimeInput":{"audio":{"data":"\#(text)","mimeType":"audio/pcm;rate=16000"}}}"#)
        }
      }
    }

    private func hasTurnCompleted(_ event: Event) -> Bool { event["serverContent.turnComplete"] as? Bool == true }

    @Test("Gemini: a turn that the service finds, its transcripts, its usage", arguments: [false, true])
    func geminiTurn(isSnake: Bool) async throws {
      try await withSimulator({ $0.answer = .echo }) { simulator in
        let client = try await VoiceClient.connect(simulator, .gemini)
        try await client.send(
          isSnake
            ? #"{"setup":{"model":"models/m","input_audio_transcription":{},"output_audio_transcription":{}}}"#
            : #"{"setup":{"model":"models/m","inputAudioTranscription":{},"outputAudioTranscription":{}}}"#)
        let complete = try await client.event()
        #expect(complete.object.keys.sorted() == ["setupComplete"])
        for turn in 1...2 {
          let audio = Sound.speech(milliseconds: 1000, rate: 16_000) + Sound.silence(milliseconds: 700, rate: 16_000)
          try await send(audio, to: client, isURLSafe: isSnake)
          let events = try await client.events(until: hasTurnCompleted)
          #expect(events.compactMap { $0.string("serverContent.inputTranscription.text") } == ["(1.00 s of speech)"])
          let words = events.compactMap { $0.string("serverContent.outputTranscription.text") }
          #expect(words.joined() == "I heard 1.00 seconds of speech.")
          #expect(events.contains { $0["serverContent.generationComplete"] as? Bool == true })
          #expect(
            events.compactMap { $0.string("serverContent.modelTurn.parts.0.inlineData.mimeType") }.allSatisfy {
              $0 == "audio/pcm;rate=24000"
            })
          // 1.5 s (with the silence that ended it, and in the second turn 0.2 s before) at 24 kHz.
          let echo = events.compactMap(Self.audio).joined()
          #expect(abs(echo.count - 48 * (turn == 1 ? 1500 : 1700)) <= 2 * 480)
          // 25 tokens a second of all that was said.
          let prompt = events.last?.integer("usageMetadata.promptTokenCount") ?? 0
          let expected = turn == 1 ? 38 : 38 + 38 + 43
          #expect(abs(prompt - expected) <= 2, "\(prompt)")
        }
      }
    }

    @Test("Gemini: an echo through three samples for two is what straight lines give")
    func interpolation() {
      let input = Sound.bytes([0, 300, 600, -600])
      let output = WireFormat.pcm16k.samples(WireFormat.pcm16k.converted(input, to: .pcm24k)[...])
      #expect(output == [0, 200, 400, 600, -200, -600])
    }

    @Test(
      "Gemini: what is not allowed closes with 1007",
      arguments: [
        [#"{"realtimeInput":{"text":"too early"}}"#],
        [#"{"setup":{"model":"models/m"}}"#, #"{"setup":{"model":"models/m"}}"#],
        [#"{"setup":{"model":"models/m"}}"#, #"{"realtimeInput":{"activityStart":{}}}"#],
        [
          #"{"setup":{"model":"models/m","realtimeInputConfig":{"automaticActivityDetection":{"disabled":true}}}}"#,
          #"{"realtimeInput":{"audioStreamEnd":true}}"#,
        ],
        [#"{"setup":{"model":"models/m"}}"#, #"{"nonsense":{}}"#],
        [#"{"setup":{"model":"models/m"}}"#, #"{"realtimeInput":{"audio":{"data":"*","mimeType":"audio/pcm"}}}"#],
        [#"{"setup":{"model":"models/m"}}"#, #"not JSON"#],
        [#"{"setup":{}}"#], [#"{"setup":{"model":"models/m","colour":1}}"#],
      ])
    func geminiRefusals(_ messages: [String]) async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(simulator, .gemini)
        for message in messages { try await client.send(message) }
        #expect(try await client.untilEnd().contains(.close(1007)))
      }
    }

    @Test("Gemini: by hand, interrupted, and resumed on another connection")
    func geminiByHand() async throws {
      try await withSimulator({
        $0.pacing = .realTime(lead: .milliseconds(300))
        $0.answerDuration = .seconds(60)
      }) { simulator in
        let setup =
          #""model":"models/m","realtimeInputConfig":{"automaticActivityDetection":{"disabled":true}},"sessionResumption":"#
        let client = try await VoiceClient.connect(simulator, .gemini)
        try await client.send(#"{"setup":{\#(setup){}}}"#)
        let audio = Sound.speech(milliseconds: 400, rate: 16_000)
        try await client.send(#"{"realtimeInput":{"activityStart":{}}}"#)
        try await send(audio, to: client)
        try await client.send(#"{"realtimeInput":{"activityEnd":{}}}"#)
        _ = try await client.events { Self.audio(of: $0) != nil }
        #expect(simulator.journal.sessions.first?.turns.first?.audio == audio)
        try await client.send(#"{"realtimeInput":{"activityStart":{}}}"#)
        let events = try await client.events(until: hasTurnCompleted)
        #expect(events.contains { $0["serverContent.interrupted"] as? Bool == true })
        #expect(!events.contains { $0["serverContent.generationComplete"] != nil })
        let update = try await client.event()
        let handle = try #require(update.string("sessionResumptionUpdate.newHandle"))
        try await client.wire.close()
        _ = try await client.untilEnd()

        let again = try await VoiceClient.connect(simulator, .gemini)
        try await again.send(#"{"setup":{\#(setup){"handle":"\#(handle)"}}}"#)
        #expect(try await again.event().object["setupComplete"] != nil)
        let other = try await VoiceClient.connect(simulator, .gemini)
        try await other.send(#"{"setup":{\#(setup){"handle":"none"}}}"#)
        #expect(try await other.untilEnd().contains(.close(1008)))
      }
    }

    @Test("Gemini: a tool is called and answered for")
    func geminiTool() async throws {
      try await withSimulator({ $0.toolCall = SimulatedToolCall(arguments: #"{"city":"Rome"}"#) }) { simulator in
        let client = try await VoiceClient.connect(simulator, .gemini)
        try await client.send(
          #"{"setup":{"model":"m","outputAudioTranscription":{},"tools":[{"functionDeclarations":[{"name":"weather"}]}]}}"#
        )
        try await client.send(#"{"realtimeInput":{"text":"hello"}}"#)
        let call = try #require(try await client.events { $0["toolCall"] != nil }.last)
        #expect(call.string("toolCall.functionCalls.0.name") == "weather")
        #expect(call.string("toolCall.functionCalls.0.args.city") == "Rome")
        let id = try #require(call.string("toolCall.functionCalls.0.id"))
        try await client.send(
          #"{"toolResponse":{"functionResponses":[{"id":"\#(id)","name":"weather","response":{"sky":"blue"}}]}}"#)
        let words = try await client.events(until: hasTurnCompleted)
          .compactMap { $0.string("serverContent.outputTranscription.text") }
        #expect(words.joined() == #"The tool weather says: {"sky":"blue"}"#)
      }
    }

    @Test("Gemini: it says that it goes away before it does")
    func geminiAge() async throws {
      try await withSimulator({ $0.sessionLimit = .milliseconds(500) }) { simulator in
        let client = try await VoiceClient.connect(simulator, .gemini)
        #expect(try await client.event().string("goAway.timeLeft") == "0.100000000s")
        #expect(try await client.untilEnd().contains(.close(1001)))
      }
    }

    @Test(
      "ElevenLabs: formats first, a turn, sound in odd chunks, and an interruption",
      arguments: [
        ("pcm_16000", 16_000, 32_000), ("pcm_24000", 24_000, 48_000), ("ulaw_8000", 8000, 8000),
      ])
    func elevenLabs(_ format: String, _ rate: Int, _ bytesPerSecond: Int) async throws {
      try await withSimulator({
        $0.answer = .echo
        $0.elevenLabsInputFormat = format
        $0.elevenLabsOutputFormat = format
      }) { simulator in
        let client = try await VoiceClient.connect(simulator, .elevenLabs)
        try await client.send(#"{"type":"conversation_initiation_client_data"}"#)
        let metadata = try await client.event("conversation_initiation_metadata")
        #expect(metadata.string("conversation_initiation_metadata_event.user_input_audio_format") == format)
        var audio = Sound.speech(milliseconds: 800, rate: rate) + Sound.silence(milliseconds: 900, rate: rate)
        if format == "ulaw_8000" {
          audio = WireFormat(coding: .muLaw, rate: 8000).bytes(WireFormat.pcm16k.samples(audio[...]))
        }
        func speak() async throws {
          for start in stride(from: 0, to: audio.count, by: bytesPerSecond / 4) {
            let part = Data(audio[start..<min(audio.count, start + bytesPerSecond / 4)]).base64EncodedString()
            try await client.send(#"{"user_audio_chunk":"\#(part)"}"#)
          }
        }
        try await speak()
        let transcript = try await client.event("user_transcript")
        #expect(transcript.string("user_transcription_event.user_transcript") == "(0.80 s of speech)")
        let response = try await client.event("agent_response")
        #expect(response.string("agent_response_event.agent_response") == "I heard 0.80 seconds of speech.")
        // 1.5 s, with the silence that ended it.
        let expected = Array(audio.prefix(bytesPerSecond * 3 / 2))
        var chunks: [[UInt8]] = []
        var last = 0
        while chunks.joined().count < expected.count {
          let event = try await client.event("audio")
          chunks.append(try #require(event.bytes("audio_event.audio_base_64")))
          let id = try #require(event.integer("audio_event.event_id"))
          #expect(id > last)
          last = id
        }
        #expect(Array(chunks.joined()) == expected)
        #expect(chunks.dropLast().allSatisfy { $0.count % 2 == 1 })
        // All has been sent, but not heard.
        try await speak()
        let events = try await client.events(until: "interruption")
        #expect(try #require(events.last?.integer("interruption_event.event_id")) >= last)
        try await client.event("agent_response_correction")
      }
    }

    @Test("ElevenLabs: pings are to be answered")
    func pings() async throws {
      try await withSimulator({ $0.pingInterval = .milliseconds(250) }) { simulator in
        let client = try await VoiceClient.connect(simulator, .elevenLabs)
        for _ in 0..<12 {
          let id = try #require(try await client.event("ping").integer("ping_event.event_id"))
          try await client.send(#"{"type":"pong","event_id":\#(id)}"#)
        }
        #expect(try await client.untilEnd().contains(.close(1008)))
      }
    }

    @Test("ElevenLabs: a client's tool is called")
    func elevenLabsTool() async throws {
      try await withSimulator({ $0.toolCall = SimulatedToolCall(name: "weather", arguments: #"{"city":"Rome"}"#) }) {
        simulator in
        let client = try await Self.speaking(.elevenLabs, simulator)
        let call = try await client.event("client_tool_call")
        #expect(call.string("client_tool_call.parameters.city") == "Rome")
        let id = try #require(call.string("client_tool_call.tool_call_id"))
        try await client.send(
          #"{"type":"client_tool_result","tool_call_id":"\#(id)","result":"sunny","is_error":false}"#)
        let response = try await client.event("agent_response")
        #expect(response.string("agent_response_event.agent_response") == "The tool weather says: sunny")
      }
    }
  }
}
