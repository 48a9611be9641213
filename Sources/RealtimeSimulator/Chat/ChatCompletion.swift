import Foundation

/// Chat completions with audio in and out.
enum ChatCompletion {
  static func answer(_ body: [UInt8], _ core: SimulatorCore) -> Result<JSONValue, ServiceError> {
    do throws(ServiceError) {
      return .success(try completion(body, core))
    } catch {
      return .failure(error)
    }
  }

  private static func invalid(_ message: String, _ parameter: String? = nil) -> ServiceError {
    ServiceError(code: "invalid_value", message: message, parameter: parameter)
  }

  private static func completion(_ body: [UInt8], _ core: SimulatorCore) throws(ServiceError) -> JSONValue {
    let request: JSONValue
    do throws(JSONParsingError) {
      request = try JSONParser.parse(body)
    } catch {
      throw ServiceError(code: "invalid_json", message: "We could not parse the JSON body of your request: \(error).")
    }
    guard let model = request["model"]?.string else { throw JSONRule.missing("model") }
    guard let messages = request["messages"]?.array, !messages.isEmpty else { throw JSONRule.missing("messages") }
    if request["stream"]?.bool == true { throw invalid("The simulator does not stream completions.", "stream") }
    let wantsAudio = request["modalities"]?.array?.contains("audio") ?? false
    let format = request["audio"]?["format"]?.string
    if wantsAudio {
      guard request["audio"]?["voice"] != nil else { throw JSONRule.missing("audio.voice") }
      guard let format else { throw JSONRule.missing("audio.format") }
      let formats = ["wav", "aac", "mp3", "flac", "opus", "pcm16"]
      guard formats.contains(format) else { throw JSONRule.wrongValue("audio.format", format, formats) }
      guard format == "wav" || format == "pcm16" else {
        throw invalid("The simulator answers as wav or pcm16 only.", "audio.format")
      }
    }
    var input = TokenCount()
    var turn: WaveFile.Contents?
    var text: String?
    for (index, message) in messages.enumerated() {
      let path = "messages[\(index)]"
      guard let role = message["role"]?.string else { throw JSONRule.missing("\(path).role") }
      if let string = message["content"]?.string {
        input.text += TokenCount.of(text: string)
        if role == "user" { (text, turn) = (string, nil) }
      }
      for (place, part) in (message["content"]?.array ?? []).enumerated() {
        let path = "\(path).content[\(place)]"
        switch part["type"]?.string {
        case "text":
          let string = part["text"]?.string ?? ""
          input.text += TokenCount.of(text: string)
          if role == "user" { text = string }
        case "input_audio":
          let heard = try audio(part, path)
          input.audio += TokenCount.of(userAudioMilliseconds: heard.format.milliseconds(ofBytes: heard.audio.count))
          if role == "user" { turn = heard }
        case let type?: throw JSONRule.wrongValue("\(path).type", type, ["text", "input_audio"])
        case nil: throw JSONRule.missing("\(path).type")
        }
      }
    }
    core.countChatCompletion()
    let answer =
      turn.map { Hearing($0.audio, $0.format).answer } ?? text.map(Hearing.answer(to:)) ?? "I have heard nothing yet."
    var output = TokenCount(text: TokenCount.of(text: answer))
    var message: JSONObject = ["role": "assistant", "content": wantsAudio ? nil : .string(answer), "refusal": nil]
    if wantsAudio {
      let configuration = core.configuration
      var sound = core.voice(byteCount: WireFormat.pcm24k.byteCount(of: configuration.answerDuration), format: .pcm24k)
      var wire = WireFormat.pcm24k
      if case .echo = configuration.answer, let turn {
        // A file says what rate it has, so that no sample needs to change; bare samples have 24 kHz.
        wire = format == "wav" ? WireFormat(coding: .pcm16, rate: turn.format.rate) : .pcm24k
        sound = turn.format.converted(turn.audio, to: wire)
      }
      output.audio = TokenCount.of(modelAudioMilliseconds: wire.milliseconds(ofBytes: sound.count))
      let file = format == "wav" ? WaveFile.write(pcm16: sound, rate: wire.rate) : sound
      message["audio"] = [
        "id": "audio_1", "data": .string(Base64.encode(file)),
        "expires_at": .integer(Int(Date().timeIntervalSince1970) + 3600), "transcript": .string(answer),
      ]
    }
    return [
      "id": "chatcmpl-simulated", "object": "chat.completion", "created": .integer(Int(Date().timeIntervalSince1970)),
      "model": .string(model),
      "choices": [["index": 0, "message": .object(message), "finish_reason": "stop", "logprobs": nil]],
      "usage": [
        "prompt_tokens": .integer(input.sum), "completion_tokens": .integer(output.sum),
        "total_tokens": .integer(input.sum + output.sum),
        "prompt_tokens_details": [
          "audio_tokens": .integer(input.audio), "text_tokens": .integer(input.text), "cached_tokens": 0,
        ],
        "completion_tokens_details": [
          "audio_tokens": .integer(output.audio), "text_tokens": .integer(output.text), "reasoning_tokens": 0,
        ],
      ],
    ]
  }

  private static func audio(_ part: JSONValue, _ path: String) throws(ServiceError) -> WaveFile.Contents {
    let path = "\(path).input_audio"
    guard let format = part["input_audio"]?["format"]?.string else { throw JSONRule.missing("\(path).format") }
    guard let data = part["input_audio"]?["data"]?.string else { throw JSONRule.missing("\(path).data") }
    guard ["wav", "mp3"].contains(format) else { throw JSONRule.wrongValue("\(path).format", format, ["wav", "mp3"]) }
    guard format == "wav" else { throw invalid("The simulator does not decode mp3.", "\(path).format") }
    guard let file = Base64.decode(Array(data.utf8)[...]) else {
      throw invalid("Invalid '\(path).data': not base64.", "\(path).data")
    }
    guard let contents = WaveFile.read(file) else {
      throw invalid("The data provided for 'input_audio' is not of valid wav format.", "\(path).data")
    }
    return contents
  }
}
