import AudioDSP
import Foundation
import RealtimeVoice
import Testing

@Suite struct ChatCompletionRequestTests {
  private static func text(_ request: ChatCompletionRequest) throws -> String {
    String(decoding: try request.body(), as: UTF8.self)
  }

  @Test func aQuestionIsAsTheServiceTakesIt() throws {
    let request = ChatCompletionRequest(
      model: "gpt-audio-1.5",
      messages: [
        .system("be \"brief\""), .user([.text("hi")]), .assistant("yes"), .assistantAudio(id: "audio_1"),
        .user([.file([1, 2, 3], format: .mp3)]),
      ],
      voice: "alloy", outputFormat: .pcm16,
      tools: [ToolDescription(name: "t", description: "d", parameters: #"{"type":"object"}"#)], temperature: 0.5,
      maximumOutputTokens: 100)
    #expect(
      try Self.text(request)
        == #"{"model":"gpt-audio-1.5","modalities":["text","audio"],"audio":{"voice":"alloy","format":"pcm16"},"#
        + #""messages":[{"role":"system","content":"be \"brief\""},"#
        + #"{"role":"user","content":[{"type":"text","text":"hi"}]},{"role":"assistant","content":"yes"},"#
        + #"{"role":"assistant","audio":{"id":"audio_1"}},"#
        + #"{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AQID","format":"mp3"}}]}],"#
        + #""tools":[{"type":"function","function":{"name":"t","description":"d","parameters":{"type":"object"}}}],"#
        + #""temperature":0.5,"max_completion_tokens":100}"#)
    let silent = ChatCompletionRequest(model: "m", messages: [.system("s")])
    #expect(
      try Self.text(silent) == #"{"model":"m","modalities":["text"],"messages":[{"role":"system","content":"s"}]}"#)
  }

  @Test func everyFieldOfTheWAVHeaderIsRight() throws {
    let samples: [Int16] = [1, -1, .max, .min, 258]
    let request = ChatCompletionRequest(
      model: "m", messages: [.user([.samples(samples, rate: .hz44100)])], voice: "alloy")
    let text = try Self.text(request)
    let start = try #require(text.range(of: #""data":""#)).upperBound
    let end = try #require(text.range(of: #"","format":"wav"}}]}]}"#)).lowerBound
    let file = [UInt8](try #require(Data(base64Encoded: String(text[start..<end]))))
    func word(_ offset: Int) -> Int { Int(file[offset]) + 256 * Int(file[offset + 1]) }
    func long(_ offset: Int) -> Int { word(offset) + 65_536 * word(offset + 2) }
    func tag(_ offset: Int) -> String { String(decoding: file[offset..<offset + 4], as: UTF8.self) }
    #expect(file.count == 54)
    #expect([tag(0), tag(8), tag(12), tag(36)] == ["RIFF", "WAVE", "fmt ", "data"])
    #expect(long(4) == 46)
    #expect(long(16) == 16)
    #expect(word(20) == 1 && word(22) == 1)
    #expect(long(24) == 44_100 && long(28) == 88_200)
    #expect(word(32) == 2 && word(34) == 16)
    #expect(long(40) == 10)
    #expect(Array(file[44...]) == [1, 0, 255, 255, 255, 127, 0, 128, 2, 1])
  }

  @Test func whatCannotBeSentIsSaid() {
    #expect(throws: ChatCompletionError.noMessages) { try ChatCompletionRequest(model: "m", messages: []).body() }
    for content in [ChatCompletionRequest.Content.samples([], rate: .hz8000), .file([], format: .mp3)] {
      #expect(throws: ChatCompletionError.emptyAudio) {
        try ChatCompletionRequest(model: "m", messages: [.user([content])]).body()
      }
    }
    let long = [UInt8](repeating: 0, count: 51 << 20)
    #expect(throws: ChatCompletionError.tooLong(byteCount: 71_303_168)) {
      try ChatCompletionRequest(model: "m", messages: [.user([.file(long, format: .mp3)])]).body()
    }
  }
}
