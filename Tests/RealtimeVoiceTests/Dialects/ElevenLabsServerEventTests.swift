import AudioDSP
import RealtimeVoice
import Testing

@Suite struct ElevenLabsServerEventTests {
  static let samples: [ServerSample] = [
    ServerSample(
      #"""
      {"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"conv_1",
       "agent_output_audio_format":"pcm_44100","user_input_audio_format":"ulaw_8000"}}
      """#,
      .sessionStarted(
        SessionAnnouncement(
          id: "conv_1", inputFormat: AudioEvent.Format(encoding: .muLaw, sampleRate: .hz8000),
          outputFormat: AudioEvent.Format(encoding: .pcm16, sampleRate: try! SampleRate(44_100))))),
    ServerSample(
      #"{"type":"audio","audio_event":{"audio_base_64":"AAEC","event_id":67,"alignment":{"chars":["a"]}}}"#,
      .audio(AudioDelta(bytes: [0, 1, 2], sequence: 67))),
    ServerSample(
      #"{"type":"audio","audio_event":{"audio_base_64":"AAEC","event_id":"68"}}"#,
      .audio(AudioDelta(bytes: [0, 1, 2], sequence: 68))),
    ServerSample(
      #"{"type":"agent_response","agent_response_event":{"agent_response":"Hello."}}"#,
      .text(TextDelta(speaker: .assistant, text: "Hello.", isWhole: true))),
    ServerSample(
      #"""
      {"type":"agent_response_correction","agent_response_correction_event":{"original_agent_response":"Hello, you.",
       "corrected_agent_response":"Hello"}}
      """#,
      .text(TextDelta(speaker: .assistant, text: "Hello", isWhole: true))),
    ServerSample(
      #"{"type":"user_transcript","user_transcription_event":{"user_transcript":"Hi"}}"#,
      .text(TextDelta(speaker: .user, text: "Hi", isWhole: true))),
    ServerSample(#"{"type":"interruption","interruption_event":{"event_id":7}}"#, .interrupted(through: 7)),
    ServerSample(#"{"type":"interruption","interruption_event":{"reason":"user"}}"#, .interrupted(through: nil)),
    ServerSample(#"{"type":"ping","ping_event":{"event_id":3,"ping_ms":null}}"#, .ping(eventID: 3)),
    ServerSample(#"{"type":"ping","ping_event":{"event_id":4,"ping_ms":50}}"#, .ping(eventID: 4)),
    ServerSample(
      #"""
      {"type":"client_tool_call","client_tool_call":{"tool_name":"f","tool_call_id":"c","parameters":{"a":"b"},
       "event_id":9,"expects_response":false}}
      """#,
      .functionCall(FunctionCall(callID: "c", name: "f", arguments: #"{"a":"b"}"#, expectsResult: false))),
    ServerSample(
      #"{"type":"client_tool_call","client_tool_call":{"tool_name":"f","tool_call_id":"c"}}"#,
      .functionCall(FunctionCall(callID: "c", name: "f", arguments: "{}"))),
    ServerSample(#"{"type":"vad_score","vad_score_event":{"vad_score":0.9}}"#, .ignored(type: "vad_score")),
    ServerSample(#"{"type":"tentative_user_transcript"}"#, .ignored(type: "tentative_user_transcript")),
    ServerSample(
      #"{"type":"client_error","error_event":{"code":1008,"message":"no"}}"#,
      .error(ServiceError(code: "1008", message: "no"))),
    ServerSample(#"{"type":"new_thing"}"#, .unknown(type: "new_thing")),
  ]

  @Test("Each event", arguments: samples)
  func event(sample: ServerSample) throws {
    #expect(try decode(sample.text, .elevenLabs) == sample.events)
  }

  static let errors: [(String, ServerEventDecodingError)] = [
    (#"{"type":"audio"}"#, .missing(type: "audio", field: "audio_event")),
    (
      #"{"type":"audio","audio_event":{"audio_base_64":"A","event_id":1}}"#,
      .badBase64(type: "audio", field: "audio_event.audio_base_64", .truncated(offset: 1))
    ),
    (
      #"{"type":"audio","audio_event":{"audio_base_64":"","event_id":"x"}}"#,
      .wrongType(type: "audio", field: "audio_event.event_id", expected: "an integer")
    ),
    (#"{"type":"ping","ping_event":{}}"#, .missing(type: "ping", field: "ping_event.event_id")),
    (
      #"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"agent_output_audio_format":"opus_48000"}}"#,
      .unsupportedFormat(
        type: "conversation_initiation_metadata",
        field: "conversation_initiation_metadata_event.agent_output_audio_format")
    ),
    (
      #"{"type":"client_tool_call","client_tool_call":{"tool_name":"f"}}"#,
      .missing(type: "client_tool_call", field: "client_tool_call.tool_call_id")
    ),
  ]

  @Test("What is wrong is one error", arguments: errors)
  func wrong(text: String, expected: ServerEventDecodingError) {
    #expect(decodingError(text, .elevenLabs) == expected)
  }
}
