import AudioDSP
import Foundation
import RealtimeVoice
import Testing

@Suite struct ChatCompletionResponseTests {
  private static func decode(
    _ json: String, _ format: ChatCompletionRequest.OutputFormat = .wav
  ) throws(ChatCompletionError) -> ChatCompletionResponse {
    try ChatCompletionResponse.decode(Array(json.utf8), format: format)
  }

  private static func answer(audio bytes: [UInt8]) -> String {
    #"{"choices":[{"message":{"audio":{"data":"\#(Data(bytes).base64EncodedString())","transcript":"t"}}}]}"#
  }

  @Test func everyFieldIsRead() throws {
    let json = #"""
      {"id":"c1","object":"chat.completion","created":1,"model":"gpt-audio-1.5","choices":[{"index":0,"message":
      {"role":"assistant","content":null,"refusal":null,"audio":{"id":"audio_7","data":"AQD//w==","expires_at":17,
      "transcript":"Hello"},"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},
      "finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
      "prompt_tokens_details":{"cached_tokens":70,"audio_tokens":40},
      "completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":30}},"new":[]}
      """#
    let response = try Self.decode(json, .pcm16)
    #expect(response.id == "c1" && response.model == "gpt-audio-1.5" && response.text == nil && response.refusal == nil)
    #expect(response.finishReason == "stop")
    #expect(response.audio?.id == "audio_7")
    #expect(response.audio?.bytes == [1, 0, 255, 255])
    #expect(response.audio?.samples == [1, -1])
    #expect(response.audio?.sampleRate == .hz24000)
    #expect(response.audio?.transcript == "Hello")
    #expect(response.audio?.expiresAt == 17)
    #expect(response.functionCalls == [FunctionCall(callID: "call_1", name: "f", arguments: "{}")])
    #expect(
      response.usage
        == Usage(
          input: Usage.Tokens(text: 60, audio: 40), cachedInput: Usage.Tokens(text: 60, audio: 10),
          output: Usage.Tokens(text: 20, audio: 30)))
  }

  @Test func aTextOrARefusalHasNoAudio() throws {
    let response = try Self.decode(
      #"{"choices":[{"message":{"content":"x","refusal":"no"},"finish_reason":"length"}]}"#)
    #expect(response.text == "x" && response.refusal == "no" && response.finishReason == "length")
    #expect(response.audio == nil && response.usage == nil && response.functionCalls == [])
  }

  /// A file of these chunks.
  private static func wav(_ chunks: [(String, [UInt8])], dataSize: [UInt8]? = nil) -> [UInt8] {
    chunks.reduce(into: Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WAVE".utf8)) { file, chunk in
      let size = chunk.0 == "data" ? dataSize : nil
      file += Array(chunk.0.utf8) + (size ?? [UInt8(chunk.1.count), 0, 0, 0]) + chunk.1
      if chunk.1.count % 2 == 1 { file.append(0) }
    }
  }
  private static func format(channels: UInt8 = 1, bits: UInt8 = 16, tag: UInt8 = 1) -> [UInt8] {
    [tag, 0, channels, 0, 0x40, 0x1F, 0, 0, 0, 0, 0, 0, 2, 0, bits, 0]
  }

  @Test func wavIsReadWithOtherChunksAndWithoutALength() throws {
    let files = [
      Self.wav([("fmt ", Self.format()), ("data", [1, 0, 2, 0])]),
      Self.wav([("LIST", [1, 2, 3]), ("fmt ", Self.format()), ("fact", []), ("data", [1, 0, 2, 0]), ("x   ", [9])]),
      Self.wav([("fmt ", Self.format()), ("data", [1, 0, 2, 0])], dataSize: [255, 255, 255, 255]),
    ]
    for file in files {
      let audio = try Self.decode(Self.answer(audio: file)).audio
      #expect(audio?.samples == [1, 2])
      #expect(audio?.sampleRate == .hz8000)
      #expect(audio?.bytes == file)
    }
  }

  @Test func wrongAudioIsSaid() {
    let files: [[UInt8]] = [
      [], [1, 2, 3], Self.wav([("data", [1, 0]), ("fmt ", Self.format())]), Self.wav([("fmt ", Self.format())]),
      Self.wav([("fmt ", Self.format(channels: 2)), ("data", [1, 0])]),
      Self.wav([("fmt ", Self.format(bits: 8)), ("data", [1, 0])]),
      Self.wav([("fmt ", Self.format(tag: 3)), ("data", [1, 0])]), Self.wav([("fmt ", [1, 0])]),
      Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WAVEfmt ".utf8) + [255, 255, 255, 255],
    ]
    for file in files {
      #expect(throws: ChatCompletionError.badAudio("it is no WAV of one channel of PCM16"), "\(file)") {
        try Self.decode(Self.answer(audio: file))
      }
    }
    #expect(throws: ChatCompletionError.badAudio("half a sample at its end")) {
      try Self.decode(Self.answer(audio: [1, 2, 3]), .pcm16)
    }
    #expect(throws: ChatCompletionError.self) {
      try Self.decode(#"{"choices":[{"message":{"audio":{"data":"A*=="}}}]}"#, .mp3)
    }
  }

  @Test func otherFormatsAreHandedOut() throws {
    let audio = try Self.decode(Self.answer(audio: [1, 2, 3]), .mp3).audio
    #expect(audio?.bytes == [1, 2, 3])
    #expect(audio?.samples == nil && audio?.sampleRate == nil)
  }

  @Test func theServicesComplaintIsItsOwn() {
    #expect(
      throws: ChatCompletionError.service(
        ServiceError(type: "t", code: "invalid_value", message: "No.", parameter: "messages"))
    ) {
      try Self.decode(#"{"error":{"message":"No.","type":"t","param":"messages","code":"invalid_value"}}"#)
    }
    #expect(throws: ChatCompletionError.service(ServiceError(code: "429", message: "Slow"))) {
      try Self.decode(#"{"error":{"message":"Slow","code":429,"type":null}}"#)
    }
  }

  @Test(arguments: [
    ("", "not JSON"), ("<html>", "not JSON"), ("[]", "no JSON object"), ("{}", "choices is missing or empty"),
    (#"{"choices":[]}"#, "choices is missing or empty"), (#"{"choices":[{}]}"#, "choices.0.message is missing"),
    (#"{"choices":[{"message":{"audio":{"data":5}}}]}"#, "choices.0.message.audio.data is of a wrong type"),
  ])
  func whatIsNoAnswerIsSaid(json: String, place: String) {
    #expect(throws: ChatCompletionError.malformed(place)) { try Self.decode(json) }
  }
}
