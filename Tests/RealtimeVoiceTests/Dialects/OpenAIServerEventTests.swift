import AudioDSP
import RealtimeVoice
import Testing

@Suite struct OpenAIServerEventTests {
  static let samples: [ServerSample] = [
    ServerSample(
      #"""
      {"type":"session.created","event_id":"ev_1","session":{"type":"realtime","object":"realtime.session","id":"sess_1",
       "model":"gpt-realtime-2.1","output_modalities":["audio"],"expires_at":1764122400,"tracing":null,"audio":{"input":
       {"format":{"type":"audio/pcm","rate":24000},"transcription":null,"turn_detection":{"type":"server_vad"}},
       "output":{"format":{"type":"audio/pcmu"},"voice":"marin","speed":1.0}}}}
      """#,
      .sessionStarted(
        SessionAnnouncement(
          id: "sess_1", expiresAt: 1_764_122_400,
          inputFormat: AudioEvent.Format(encoding: .pcm16, sampleRate: .hz24000),
          outputFormat: AudioEvent.Format(encoding: .muLaw, sampleRate: .hz8000)))),
    ServerSample(
      #"{"type":"session.updated","session":{"id":"s","input_audio_format":"pcm16","output_audio_format":"g711_alaw"}}"#,
      .sessionUpdated(
        SessionAnnouncement(
          id: "s", inputFormat: AudioEvent.Format(encoding: .pcm16),
          outputFormat: AudioEvent.Format(encoding: .aLaw, sampleRate: .hz8000)))),
    ServerSample(
      #"{"type":"session.updated","session":{"audio":{"output":{"format":{"type":"audio/opus"}}}}}"#,
      .sessionUpdated(SessionAnnouncement())),
    ServerSample(
      #"{"type":"input_audio_buffer.speech_started","event_id":"e","audio_start_ms":1184,"item_id":"item_1"}"#,
      .speechStarted(at: .milliseconds(1_184), itemID: "item_1")),
    ServerSample(
      #"{"type":"input_audio_buffer.speech_stopped","audio_end_ms":3104.0,"item_id":"item_1"}"#,
      .speechStopped(at: .milliseconds(3_104), itemID: "item_1")),
    ServerSample(
      #"{"type":"input_audio_buffer.committed","item_id":"item_1","previous_item_id":null}"#,
      .audioCommitted(itemID: "item_1")),
    ServerSample(#"{"type":"input_audio_buffer.cleared"}"#, .audioCleared),
    ServerSample(
      #"{"type":"response.created","response":{"object":"realtime.response","id":"resp_1","status":"in_progress"}}"#,
      .responseStarted(id: "resp_1")),
    ServerSample(
      #"""
      {"type":"response.output_audio.delta","event_id":"e","response_id":"resp_1","item_id":"item_2","output_index":0,
       "content_index":1,"delta":"AAECAwQF","obfuscation":"x"}
      """#,
      .audio(AudioDelta(responseID: "resp_1", itemID: "item_2", contentIndex: 1, bytes: [0, 1, 2, 3, 4, 5]))),
    ServerSample(
      #"{"type":"response.audio.delta","response_id":"r","item_id":"i","content_index":0,"delta":"AAE="}"#,
      .audio(AudioDelta(responseID: "r", itemID: "i", bytes: [0, 1]))),
    ServerSample(#"{"type":"response.output_audio.delta","delta":""}"#, .audio(AudioDelta(bytes: []))),
    ServerSample(#"{"type":"response.output_audio.done","item_id":"item_2"}"#, .audioDone(itemID: "item_2")),
    ServerSample(#"{"type":"response.audio.done","item_id":"item_2"}"#, .audioDone(itemID: "item_2")),
    ServerSample(
      #"{"type":"response.output_audio_transcript.delta","response_id":"r","item_id":"i","delta":" \ud83d\ude00é\n"}"#,
      .text(TextDelta(speaker: .assistant, responseID: "r", itemID: "i", text: " 😀é\n", isWhole: false))),
    ServerSample(
      #"{"type":"response.output_audio_transcript.done","response_id":"r","item_id":"i","transcript":"Hello."}"#,
      .text(TextDelta(speaker: .assistant, responseID: "r", itemID: "i", text: "Hello.", isWhole: true))),
    ServerSample(
      #"{"type":"response.audio_transcript.delta","delta":"a"}"#,
      .text(TextDelta(speaker: .assistant, text: "a", isWhole: false))),
    ServerSample(
      #"{"type":"response.audio_transcript.done","transcript":"ab"}"#,
      .text(TextDelta(speaker: .assistant, text: "ab", isWhole: true))),
    ServerSample(
      #"{"type":"response.output_text.delta","delta":"a"}"#,
      .text(TextDelta(speaker: .assistant, text: "a", isWhole: false, isTranscript: false))),
    ServerSample(
      #"{"type":"response.output_text.done","text":"ab"}"#,
      .text(TextDelta(speaker: .assistant, text: "ab", isWhole: true, isTranscript: false))),
    ServerSample(
      #"{"type":"response.text.delta","delta":"a"}"#,
      .text(TextDelta(speaker: .assistant, text: "a", isWhole: false, isTranscript: false))),
    ServerSample(
      #"{"type":"response.text.done","text":"ab"}"#,
      .text(TextDelta(speaker: .assistant, text: "ab", isWhole: true, isTranscript: false))),
    ServerSample(
      #"{"type":"conversation.item.input_audio_transcription.delta","item_id":"i","content_index":0,"delta":"Hi"}"#,
      .text(TextDelta(speaker: .user, itemID: "i", text: "Hi", isWhole: false))),
    ServerSample(
      #"""
      {"type":"conversation.item.input_audio_transcription.completed","item_id":"i","content_index":0,"transcript":
       "Hi there","usage":{"type":"tokens","total_tokens":22,"input_tokens":13,"output_tokens":9}}
      """#,
      .text(TextDelta(speaker: .user, itemID: "i", text: "Hi there", isWhole: true))),
    ServerSample(
      #"""
      {"type":"conversation.item.input_audio_transcription.failed","item_id":"i","error":{"type":"transcription_error",
       "code":"audio_unintelligible","message":"The audio could not be transcribed.","param":null}}
      """#,
      .error(
        ServiceError(
          type: "transcription_error", code: "audio_unintelligible", message: "The audio could not be transcribed."))),
    ServerSample(
      #"""
      {"type":"response.output_item.done","response_id":"r","output_index":0,"item":{"id":"i","object":"realtime.item",
       "type":"function_call","status":"completed","name":"get_weather","call_id":"c","arguments":"{\"city\":\"Köln\"}"}}
      """#,
      .functionCall(
        FunctionCall(
          callID: "c", name: "get_weather", arguments: #"{"city":"Köln"}"#, responseID: "r", itemID: "i"))),
    ServerSample(
      #"{"type":"response.output_item.done","item":{"type":"function_call","name":"f","call_id":"c","arguments":{"b":1,"a":2}}}"#,
      .functionCall(FunctionCall(callID: "c", name: "f", arguments: #"{"b":1,"a":2}"#))),
    ServerSample(
      #"{"type":"response.output_item.done","item":{"type":"function_call","status":"incomplete","arguments":"{\"ci"}}"#,
      .ignored(type: "response.output_item.done")),
    ServerSample(
      #"{"type":"response.output_item.done","item":{"type":"message","content":[{"type":"output_audio"}]}}"#,
      .ignored(type: "response.output_item.done")),
    ServerSample(
      #"{"type":"response.function_call_arguments.done","call_id":"c","name":"f","arguments":"{}"}"#,
      .ignored(type: "response.function_call_arguments.done")),
    ServerSample(
      #"""
      {"type":"response.done","response":{"id":"resp_1","status":"completed","status_details":null,"output":[],"usage":
       {"total_tokens":253,"input_tokens":132,"output_tokens":121,"input_token_details":{"text_tokens":119,
       "audio_tokens":13,"image_tokens":0,"cached_tokens":64,"cached_tokens_details":{"text_tokens":60,"audio_tokens":4,
       "image_tokens":0}},"output_token_details":{"text_tokens":30,"audio_tokens":91}}}}
      """#,
      .responseDone(
        ResponseOutcome(
          responseID: "resp_1", status: .completed,
          usage: Usage(
            input: Usage.Tokens(text: 119, audio: 13), cachedInput: Usage.Tokens(text: 60, audio: 4),
            output: Usage.Tokens(text: 30, audio: 91))))),
    ServerSample(
      #"""
      {"type":"response.done","response":{"id":"r","status":"cancelled","status_details":{"type":"cancelled",
       "reason":"turn_detected"},"usage":{"input_tokens":10,"output_tokens":3,"input_token_details":{"text_tokens":4,
       "audio_tokens":6,"cached_tokens":7}}}}
      """#,
      .responseDone(
        ResponseOutcome(
          responseID: "r", status: .cancelled(reason: "turn_detected"),
          usage: Usage(
            input: Usage.Tokens(text: 4, audio: 6), cachedInput: Usage.Tokens(text: 4, audio: 3),
            output: Usage.Tokens(unsplit: 3))))),
    ServerSample(
      #"{"type":"response.done","response":{"status":"incomplete","status_details":{"reason":"max_output_tokens"}}}"#,
      .responseDone(ResponseOutcome(status: .incomplete(reason: "max_output_tokens")))),
    ServerSample(
      #"""
      {"type":"response.done","response":{"status":"failed","status_details":{"type":"failed","error":{"type":
       "server_error","code":"x","message":"went wrong"}}}}
      """#,
      .responseDone(
        ResponseOutcome(status: .failed(ServiceError(type: "server_error", code: "x", message: "went wrong"))))),
    ServerSample(
      #"{"type":"response.done","response":{"status":"failed"}}"#, .responseDone(ResponseOutcome(status: .failed(nil)))),
    ServerSample(
      #"{"type":"response.done","response":{"status":"paused"}}"#,
      .responseDone(ResponseOutcome(status: .incomplete(reason: "paused")))),
    ServerSample(
      #"{"type":"conversation.item.truncated","item_id":"i","content_index":0,"audio_end_ms":1500}"#,
      .itemTruncated(itemID: "i", audioEnd: .milliseconds(1_500))),
    ServerSample(#"{"type":"conversation.item.deleted","item_id":"i"}"#, .itemDeleted(itemID: "i")),
    ServerSample(
      #"""
      {"type":"rate_limits.updated","rate_limits":[{"name":"requests","limit":1000,"remaining":999,"reset_seconds":60},
       {"name":"tokens","limit":50000,"remaining":49950,"reset_seconds":0.06}]}
      """#,
      .rateLimits([
        RateLimit(name: "requests", limit: 1_000, remaining: 999, reset: .seconds(60)),
        RateLimit(name: "tokens", limit: 50_000, remaining: 49_950, reset: .milliseconds(60)),
      ])),
    ServerSample(
      #"""
      {"type":"error","event_id":"e1","error":{"type":"invalid_request_error","code":"input_audio_buffer_commit_empty",
       "message":"buffer too small","param":null,"event_id":"ours"}}
      """#,
      .error(
        ServiceError(
          type: "invalid_request_error", code: "input_audio_buffer_commit_empty", message: "buffer too small",
          eventID: "ours"))),
    ServerSample(#"{"type":"error","error":{"code":429}}"#, .error(ServiceError(code: "429", message: "429"))),
    ServerSample(#"{"type":"error","error":"no such model"}"#, .error(ServiceError(message: "no such model"))),
    ServerSample(#"{"type":"response.new_thing","event_id":7,"a":[[{}]]}"#, .unknown(type: "response.new_thing")),
  ]

  @Test("Each event, in both dialects", arguments: samples, [Dialect.openAI, .openAIBeta])
  func event(sample: ServerSample, dialect: Dialect) throws {
    #expect(try decode(sample.text, dialect) == sample.events)
  }

  /// What the union of the vendor's SDK has and the session does not need.
  @Test(
    "Known events without use are told apart from unknown ones",
    arguments: [
      "conversation.created", "conversation.item.created", "conversation.item.added", "conversation.item.done",
      "conversation.item.retrieved", "conversation.item.input_audio_transcription.segment",
      "input_audio_buffer.dtmf_event_received", "input_audio_buffer.timeout_triggered", "output_audio_buffer.started",
      "output_audio_buffer.stopped", "output_audio_buffer.cleared", "response.content_part.added",
      "response.content_part.done", "response.output_item.added", "response.function_call_arguments.delta",
      "response.mcp_call_arguments.delta", "response.mcp_call_arguments.done", "response.mcp_call.in_progress",
      "response.mcp_call.completed", "response.mcp_call.failed", "mcp_list_tools.in_progress",
      "mcp_list_tools.completed", "mcp_list_tools.failed",
    ])
  func ignored(type: String) throws {
    #expect(try decode(#"{"type":"\#(type)","item":17}"#, .openAI) == [.ignored(type: type)])
  }

  @Test("The identifier of a message is told")
  func eventID() throws {
    #expect(try message(#"{"event_id":"ev_1","type":"input_audio_buffer.cleared"}"#, .openAI).eventID == "ev_1")
    #expect(try message(#"{"event_id":"ev_2","type":"new"}"#, .openAI).eventID == "ev_2")
    #expect(try message(#"{"type":"input_audio_buffer.cleared"}"#, .openAI).eventID == nil)
  }

  @Test("A whole answer with a call, as it comes")
  func answer() throws {
    let lines = [
      #"{"type":"response.created","response":{"id":"r"}}"#, #"{"type":"rate_limits.updated","rate_limits":[]}"#,
      #"{"type":"response.output_item.added","response_id":"r","item":{"id":"i","type":"message"}}"#,
      #"{"type":"conversation.item.added","item":{"id":"i"}}"#,
      #"{"type":"response.content_part.added","part":{"type":"audio","transcript":""}}"#,
      #"{"type":"response.output_audio_transcript.delta","item_id":"i","delta":"It"}"#,
      #"{"type":"response.output_audio.delta","item_id":"i","delta":"AQID"}"#,
      #"{"type":"response.output_audio.done","item_id":"i"}"#,
      #"{"type":"response.output_audio_transcript.done","item_id":"i","transcript":"It"}"#,
      #"{"type":"response.output_item.done","response_id":"r","item":{"id":"i","type":"message"}}"#,
      #"{"type":"response.function_call_arguments.delta","call_id":"c","delta":"{"}"#,
      #"{"type":"response.function_call_arguments.done","call_id":"c","name":"f","arguments":"{}"}"#,
      #"{"type":"response.output_item.done","item":{"id":"j","type":"function_call","call_id":"c","name":"f","arguments":"{}"}}"#,
      #"{"type":"response.done","response":{"id":"r","status":"completed","output":[{"type":"function_call","call_id":"c"}]}}"#,
    ]
    let events = try lines.flatMap { try decode($0, .openAI) }.filter { event in
      if case .ignored = event { false } else { true }
    }
    #expect(
      events == [
        .responseStarted(id: "r"), .rateLimits([]),
        .text(TextDelta(speaker: .assistant, itemID: "i", text: "It", isWhole: false)),
        .audio(AudioDelta(itemID: "i", bytes: [1, 2, 3])), .audioDone(itemID: "i"),
        .text(TextDelta(speaker: .assistant, itemID: "i", text: "It", isWhole: true)),
        .functionCall(FunctionCall(callID: "c", name: "f", arguments: "{}", itemID: "j")),
        .responseDone(ResponseOutcome(responseID: "r", status: .completed)),
      ])
  }

  static let errors: [(String, ServerEventDecodingError)] = [
    ("", .notJSON(offset: 0)), ("{", .notJSON(offset: 1)), (#"{"type":"error"} x"#, .notJSON(offset: 17)),
    ("[1]", .notAnObject), (#""text""#, .notAnObject),
    ("{}", .missing(type: "", field: "type")),
    (#"{"type":7}"#, .wrongType(type: "", field: "type", expected: "a string")),
    (
      #"{"type":"response.output_audio.delta"}"#, .missing(type: "response.output_audio.delta", field: "delta")
    ),
    (
      #"{"type":"response.output_audio.delta","delta":[1]}"#,
      .wrongType(type: "response.output_audio.delta", field: "delta", expected: "a string")
    ),
    (
      #"{"type":"response.output_audio.delta","delta":"AAA*"}"#,
      .badBase64(type: "response.output_audio.delta", field: "delta", .invalidCharacter(offset: 3))
    ),
    (
      #"{"type":"response.output_audio.delta","delta":"AAAAA"}"#,
      .badBase64(type: "response.output_audio.delta", field: "delta", .truncated(offset: 5))
    ),
    (
      #"{"type":"response.audio.delta","delta":"AAA=","item_id":4}"#,
      .wrongType(type: "response.audio.delta", field: "item_id", expected: "a string")
    ),
    (
      #"{"type":"response.done","response":{"status":"completed","usage":{"input_token_details":{"text_tokens":-1}}}}"#,
      .wrongType(
        type: "response.done", field: "response.usage.input_token_details.text_tokens", expected: "a number of tokens")
    ),
    (
      #"{"type":"response.done","response":{"status":"completed","usage":{"input_tokens":9e300}}}"#,
      .wrongType(type: "response.done", field: "response.usage.input_tokens", expected: "a number of tokens")
    ),
    (#"{"type":"response.done"}"#, .missing(type: "response.done", field: "response")),
    (
      #"{"type":"rate_limits.updated","rate_limits":[{"name":"a"},1]}"#,
      .wrongType(type: "rate_limits.updated", field: "rate_limits[1]", expected: "an object")
    ),
    (
      #"{"type":"input_audio_buffer.speech_started","audio_start_ms":1e99}"#,
      .wrongType(type: "input_audio_buffer.speech_started", field: "audio_start_ms", expected: "a time")
    ),
    (
      #"{"type":"conversation.item.truncated","item_id":"i"}"#,
      .missing(type: "conversation.item.truncated", field: "audio_end_ms")
    ),
    (
      #"{"type":"response.output_item.done","item":{"type":"function_call","name":"f","arguments":"{}"}}"#,
      .missing(type: "response.output_item.done", field: "item.call_id")
    ),
    (#"{"type":"session.created","session":null}"#, .missing(type: "session.created", field: "session")),
    (#"{"type":"error"}"#, .missing(type: "error", field: "error")),
  ]

  @Test("What is wrong is one error that names type and field", arguments: errors)
  func wrong(text: String, expected: ServerEventDecodingError) {
    #expect(decodingError(text, .openAI) == expected)
    #expect(!expected.description.contains("\n"))
  }

  @Test("An error holds nothing of what was said")
  func errorsAreSilent() {
    for text in [
      #"{"type":"response.output_audio.delta","delta":"SECRET*"}"#,
      #"{"type":"response.output_audio_transcript.delta","delta":{"SECRET":"SECRET"}}"#,
      #"{"type":"response.done","response":{"status":"completed","usage":"SECRET"}}"#,
      #"{"type":"error","error":[SECRET]}"#,
    ] {
      let error = decodingError(text, .openAI)
      #expect(error != nil)
      #expect(!"\(error!) \(String(reflecting: error!))".contains("SECRET"))
    }
  }

  @Test("A type from outside is bounded and on one line")
  func boundedType() throws {
    let long = String(repeating: "x", count: 1_000)
    #expect(try decode(#"{"type":"a\nb\#(long)"}"#, .openAI) == [.unknown(type: "a\\nb" + long.prefix(77) + "…")])
  }

  @Test("The order of fields and blanks between them do not matter")
  func permutations() throws {
    let fields = [
      #""type":"response.output_audio.delta""#, #""delta":"AAECAwQF""#, #""item_id":"i""#, #""response_id":"r""#,
      #""content_index":2"#,
    ]
    let expected = ServerEvent.audio(
      AudioDelta(responseID: "r", itemID: "i", contentIndex: 2, bytes: [0, 1, 2, 3, 4, 5]))
    func check(_ rest: [String], _ taken: [String]) throws {
      if rest.isEmpty {
        for text in ["{" + taken.joined(separator: ",") + "}", " {\n" + taken.joined(separator: "\t,\r\n ") + "\n}\n"] {
          #expect(try decode(text, .openAI) == [expected])
          #expect(try decode(text.replacing(":", with: " : "), .openAI) == [expected])
        }
      }
      for (i, field) in rest.enumerated() {
        var others = rest
        others.remove(at: i)
        try check(others, taken + [field])
      }
    }
    try check(fields, [])
  }

  @Test("A long event of audio is read whole")
  func longAudio() throws {
    let bytes = (0..<96_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let text = #"{"type":"response.output_audio.delta","delta":"\#(Base64.encode(bytes))"}"#
    #expect(try decode(text, .openAI) == [.audio(AudioDelta(bytes: bytes))])
    #expect(try decode(text.replacing("/", with: #"\/"#), .openAI) == [.audio(AudioDelta(bytes: bytes))])
  }
}
