import Foundation
import RealtimeVoice
import Testing

@Suite struct UsageTests {
  static func decode(_ json: String) throws -> Usage { try JSONDecoder().decode(Usage.self, from: Data(json.utf8)) }

  @Test func openAI() throws {
    let usage = try Self.decode(RecordedUsageTests.split)
    #expect(usage.input == .init(text: 300, audio: 700) && usage.input.total == 1_000)
    #expect(usage.cachedInput == .init(text: 200, audio: 400))
    #expect(usage.output == .init(text: 100, audio: 200))
  }

  @Test func whatTheServiceDoesNotSplit() throws {
    let usage = try Self.decode(
      #"{"input_tokens":100,"output_tokens":50,"input_token_details":{"audio_tokens":60,"image_tokens":10,"cached_tokens":7,"cached_tokens_details":null},"output_token_details":null}"#
    )
    #expect(usage.input == .init(audio: 60, image: 10, unsplit: 30))
    #expect(usage.cachedInput == .init(unsplit: 7) && usage.output == .init(unsplit: 50))
  }

  @Test func reasoningIsText() throws {
    let usage = try Self.decode(
      #"{"output_tokens":50,"output_token_details":{"text_tokens":10,"audio_tokens":20,"reasoning_tokens":20}}"#)
    #expect(usage.output == .init(text: 30, audio: 20))
    // Where it is counted as text already, it is not counted again.
    let counted = try Self.decode(
      #"{"output_tokens":50,"output_token_details":{"text_tokens":30,"audio_tokens":20,"reasoning_tokens":20}}"#)
    #expect(counted.output == usage.output)
  }

  @Test func chatCompletions() throws {
    let usage = try Self.decode(
      #"{"prompt_tokens":100,"completion_tokens":50,"prompt_tokens_details":{"audio_tokens":60,"cached_tokens":0},"completion_tokens_details":{"audio_tokens":40,"reasoning_tokens":0}}"#
    )
    #expect(usage == Usage(input: .init(text: 40, audio: 60), output: .init(text: 10, audio: 40)))
  }

  @Test func gemini() throws {
    let usage = try Self.decode(
      #"{"promptTokenCount":100,"cachedContentTokenCount":40,"responseTokenCount":30,"toolUsePromptTokenCount":5,"thoughtsTokenCount":2,"totalTokenCount":137,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":70},{"modality":"VIDEO","tokenCount":20},{"modality":"TEXT","tokenCount":10}],"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":40}],"responseTokensDetails":[{"modality":"AUDIO","tokenCount":30},{"modality":"MODALITY_UNSPECIFIED"}]}"#
    )
    #expect(usage.input == .init(text: 10, audio: 70, image: 20, unsplit: 5))
    #expect(usage.cachedInput == .init(audio: 40) && usage.output == .init(text: 2, audio: 30))
  }

  @Test func itsOwnEncodingIsDecoded() throws {
    let usage = Usage(
      input: .init(text: 1, audio: 2, image: 3, unsplit: 4), cachedInput: .init(text: 1, audio: 1),
      output: .init(text: 5, audio: 6, image: 0, unsplit: 7))
    #expect(try JSONDecoder().decode(Usage.self, from: JSONEncoder().encode(usage)) == usage)
  }

  @Test func sums() {
    let usage = Usage(
      input: .init(text: 1, audio: 2, image: 3, unsplit: 4), cachedInput: .init(audio: 1), output: .init(text: 9))
    var sum = Usage.zero
    for _ in 0..<3 { sum += usage }
    #expect(sum == usage + usage + usage)
    #expect(sum.input == .init(text: 3, audio: 6, image: 9, unsplit: 12) && sum.input.total == 30)
    #expect(sum.cachedInput.audio == 3 && sum.output.text == 27)
  }

  @Test(arguments: ["{}", "[]", "3", #"{"tokens":3}"#, #"{"input":{"text":-1}}"#, #"{"promptTokenCount":-1}"#])
  func whatIsNoUsage(_ json: String) {
    #expect(throws: DecodingError.self) { try Self.decode(json) }
  }
}
