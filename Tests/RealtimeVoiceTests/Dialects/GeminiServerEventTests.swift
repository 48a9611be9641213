import AudioDSP
import RealtimeVoice
import Testing

@Suite struct GeminiServerEventTests {
  static let pcm24 = AudioEvent.Format(encoding: .pcm16, sampleRate: .hz24000)

  static let samples: [ServerSample] = [
    ServerSample(#"{"setupComplete":{}}"#, .sessionStarted(SessionAnnouncement())),
    ServerSample(#"{"setup_complete":{"session_id":"s"}}"#, .sessionStarted(SessionAnnouncement(id: "s"))),
    ServerSample(
      #"{"serverContent":{"modelTurn":{"role":"model","parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"AAECAwQF"}}]}}}"#,
      .audio(AudioDelta(bytes: [0, 1, 2, 3, 4, 5], format: pcm24))),
    // URL-safe, without padding, in snake case.
    ServerSample(
      #"{"server_content":{"model_turn":{"parts":[{"inline_data":{"data":"_-8","mime_type":"audio/pcm;rate=24000"}}]}}}"#,
      .audio(AudioDelta(bytes: [0xFF, 0xEF], format: pcm24))),
    ServerSample(
      #"""
      {"serverContent":{"outputTranscription":{"text":" you?"},"inputTranscription":{"text":"Hi","finished":true},
       "modelTurn":{"parts":[{"text":"plan","thought":true},{"text":"Hello"},{"inlineData":{"mimeType":"audio/pcm",
       "data":"AAE="}},{"inlineData":{"mimeType":"image/png","data":"AAA="}},{"executableCode":{}}]},
       "generationComplete":true,"turnComplete":true,"groundingMetadata":{}},
       "usageMetadata":{"promptTokenCount":20,"cachedContentTokenCount":5,"responseTokenCount":30,"thoughtsTokenCount":2,
       "toolUsePromptTokenCount":3,"totalTokenCount":55,"promptTokensDetails":[{"modality":"TEXT","tokenCount":12},
       {"modality":"AUDIO","tokenCount":7},{"modality":"VIDEO","tokenCount":1}],
       "responseTokensDetails":[{"modality":"AUDIO","tokenCount":30}]}}
      """#,
      .text(TextDelta(speaker: .user, text: "Hi", isWhole: false)),
      .text(TextDelta(speaker: .assistant, text: "Hello", isWhole: false, isTranscript: false)),
      .audio(AudioDelta(bytes: [0, 1], format: AudioEvent.Format(encoding: .pcm16))),
      .text(TextDelta(speaker: .assistant, text: " you?", isWhole: false)), .audioDone(itemID: nil),
      .usage(
        Usage(
          input: Usage.Tokens(text: 12, audio: 7, image: 1, unsplit: 3), cachedInput: Usage.Tokens(text: 5),
          output: Usage.Tokens(text: 2, audio: 30))),
      .responseDone(ResponseOutcome(status: .completed))),
    ServerSample(
      #"{"usage_metadata":{"prompt_token_count":4,"candidates_tokens_details":[{"modality":"AUDIO","token_count":9}],"cache_tokens_details":[{"modality":"AUDIO","token_count":1}]}}"#,
      .usage(
        Usage(
          input: Usage.Tokens(unsplit: 4), cachedInput: Usage.Tokens(audio: 1), output: Usage.Tokens(audio: 9)))),
    ServerSample(#"{"serverContent":{"interrupted":true}}"#, .interrupted(through: nil)),
    ServerSample(
      #"{"serverContent":{"turnComplete":true}}"#, .responseDone(ResponseOutcome(status: .completed))),
    ServerSample(
      #"{"server_content":{"interrupted":true,"turn_complete":true}}"#, .interrupted(through: nil),
      .responseDone(ResponseOutcome(status: .cancelled(reason: "interrupted")))),
    ServerSample(#"{"serverContent":{"generationComplete":true}}"#, .audioDone(itemID: nil)),
    ServerSample(#"{"serverContent":{"outputTranscription":{"finished":true}}}"#),
    ServerSample(
      #"{"toolCall":{"functionCalls":[{"id":"a","name":"f","args":{"z":1,"a":[true,null,1.50]}},{"name":"g"}]}}"#,
      .functionCall(FunctionCall(callID: "a", name: "f", arguments: #"{"z":1,"a":[true,null,1.50]}"#)),
      .functionCall(FunctionCall(callID: "", name: "g", arguments: "{}"))),
    ServerSample(#"{"toolCallCancellation":{"ids":["a","b"]}}"#, .functionCallsCancelled(ids: ["a", "b"])),
    ServerSample(#"{"goAway":{"timeLeft":"50s"}}"#, .goingAway(timeLeft: .seconds(50))),
    ServerSample(#"{"go_away":{"time_left":"1.250s"}}"#, .goingAway(timeLeft: .milliseconds(1_250))),
    ServerSample(#"{"goAway":{}}"#, .goingAway(timeLeft: nil)),
    ServerSample(#"{"sessionResumptionUpdate":{"newHandle":"h","resumable":true}}"#, .resumption(handle: "h")),
    ServerSample(#"{"session_resumption_update":{"new_handle":"h"}}"#, .resumption(handle: "h")),
    ServerSample(#"{"sessionResumptionUpdate":{}}"#, .resumption(handle: nil)),
    ServerSample(#"{"sessionResumptionUpdate":{"newHandle":"h","resumable":false}}"#, .resumption(handle: nil)),
    ServerSample(
      #"{"voiceActivity":{"voiceActivityType":"ACTIVITY_START","audioOffset":"2.5s"}}"#,
      .speechStarted(at: .milliseconds(2_500), itemID: nil)),
    ServerSample(
      #"{"voice_activity":{"voice_activity_type":"ACTIVITY_END"}}"#, .speechStopped(at: nil, itemID: nil)),
    ServerSample(
      #"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"bad"}}"#,
      .error(ServiceError(code: "INVALID_ARGUMENT", message: "bad"))),
    ServerSample(
      #"{"newThing":{"a":1},"goAway":{}}"#, .goingAway(timeLeft: nil), .unknown(type: "newThing")),
    ServerSample("{}"),
  ]

  @Test("Each message", arguments: samples)
  func event(sample: ServerSample) throws {
    #expect(try decode(sample.text, .gemini) == sample.events)
  }

  static let errors: [(String, ServerEventDecodingError)] = [
    (
      #"{"serverContent":7}"#, .wrongType(type: "serverContent", field: "serverContent", expected: "an object")
    ),
    (
      #"{"serverContent":{"modelTurn":{"parts":[{},{"inlineData":{"mimeType":"audio/pcm","data":"A*"}}]}}}"#,
      .badBase64(
        type: "serverContent", field: "serverContent.modelTurn.parts[1].inlineData.data", .invalidCharacter(offset: 1))
    ),
    (
      #"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/mp3","data":""}}]}}}"#,
      .unsupportedFormat(type: "serverContent", field: "serverContent.modelTurn.parts[0].inlineData.mimeType")
    ),
    (
      #"{"goAway":{"timeLeft":50}}"#,
      .wrongType(type: "goAway", field: "goAway.timeLeft", expected: "a time in seconds")
    ),
    (
      #"{"goAway":{"timeLeft":"infs"}}"#,
      .wrongType(type: "goAway", field: "goAway.timeLeft", expected: "a time in seconds")
    ),
    (
      #"{"toolCall":{"functionCalls":[{"id":"a"}]}}"#,
      .missing(type: "toolCall", field: "toolCall.functionCalls[0].name")
    ),
  ]

  @Test("What is wrong is one error", arguments: errors)
  func wrong(text: String, expected: ServerEventDecodingError) {
    #expect(decodingError(text, .gemini) == expected)
  }
}
