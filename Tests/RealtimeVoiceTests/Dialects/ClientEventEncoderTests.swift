import AudioDSP
import Foundation
import RealtimeVoice
import Testing

@Suite struct ClientEventEncoderTests {
  static let tool = ToolDescription(
    name: "get_weather", description: "Tells the weather",
    parameters: #"{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number"}}}"#)
  static let result = FunctionResult(callID: "c", name: "f", output: "22 °C")
  static let user = HistoryMessage(speaker: .user, text: "Hi \"you\"\n\u{2028}\u{1}")
  static let assistant = HistoryMessage(speaker: .assistant, text: "Hello")

  static let full = SessionSettings(
    model: "m", instructions: "Be brief.", voice: "marin", language: "de", transcriptionModel: "",
    turnDetection: .silence(), tools: [tool], temperature: 0.8, speed: 1.25, maximumOutputTokens: 4_096)

  static let openAI: [ClientSample] = [
    ClientSample(.commitAudio, #"{"type":"input_audio_buffer.commit"}"#),
    ClientSample(.clearAudio, #"{"type":"input_audio_buffer.clear"}"#),
    ClientSample(.createResponse, #"{"type":"response.create"}"#),
    ClientSample(.cancelResponse(id: nil), #"{"type":"response.cancel"}"#),
    ClientSample(.cancelResponse(id: "r"), #"{"type":"response.cancel","response_id":"r"}"#),
    ClientSample(
      .truncateItem(id: "i", contentIndex: 0, audioEndInMilliseconds: 1_500),
      #"{"type":"conversation.item.truncate","item_id":"i","content_index":0,"audio_end_ms":1500}"#),
    ClientSample(.deleteItem(id: "i"), #"{"type":"conversation.item.delete","item_id":"i"}"#),
    ClientSample(
      .functionResult(result),
      #"{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"c","output":"22 °C"}}"#),
    ClientSample(
      .message(user),
      #"{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi \"you\"\n\u2028\u0001"}]}}"#
    ),
    ClientSample(.activityStart, nil), ClientSample(.activityEnd, nil), ClientSample(.audioStreamEnd, nil),
    ClientSample(.history([user]), nil), ClientSample(.pong(eventID: 1), nil),
  ]

  @Test("OpenAI's events, of both dialects", arguments: openAI, [Dialect.openAI, .openAIBeta])
  func openAIEvent(sample: ClientSample, dialect: Dialect) {
    #expect(encode(sample.event, dialect) == sample.text)
  }

  @Test("Words of the assistant have a type of their own in each of OpenAI's dialects")
  func assistant() {
    func expected(_ type: String) -> String {
      #"{"type":"conversation.item.create","item":{"type":"message","role":"assistant","content":[{"type":"\#(type)","text":"Hello"}]}}"#
    }
    #expect(encode(.message(Self.assistant), .openAI) == expected("output_text"))
    #expect(encode(.message(Self.assistant), .openAIBeta) == expected("text"))
  }

  @Test("An event's identifier stands where the dialect takes it")
  func eventID() {
    #expect(encode(.commitAudio, .openAI, eventID: "e") == #"{"type":"input_audio_buffer.commit","event_id":"e"}"#)
    #expect(encode(.pong(eventID: 1), .elevenLabs, eventID: "e") == #"{"type":"pong","event_id":1}"#)
    #expect(encode(.activityEnd, .gemini, eventID: "e") == #"{"realtimeInput":{"activityEnd":{}}}"#)
  }

  static let sessions: [(Dialect, SessionSettings, String)] = [
    (
      .openAI, full,
      #"""
      {"type":"session.update","session":{"type":"realtime","output_modalities":["audio"],"instructions":"Be brief.",
       "max_output_tokens":4096,"tool_choice":"auto","tools":[{"type":"function","name":"get_weather","description":
       "Tells the weather","parameters":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number"}}}}],
       "audio":{"input":{"format":{"type":"audio/pcm","rate":24000},"transcription":{"model":"gpt-transcribe",
       "language":"de"},"turn_detection":{"type":"server_vad","threshold":0.5,"prefix_padding_ms":300,
       "silence_duration_ms":500,"create_response":true,"interrupt_response":true}},
       "output":{"format":{"type":"audio/pcm","rate":24000},"voice":"marin","speed":1.25}}}}
      """#
    ),
    (
      .openAI,
      SessionSettings(
        transcriptionModel: nil, isSpoken: false,
        extra:
          #"{"tracing":"auto","audio":{"input":{"noise_reduction":{"type":"near_field"},"turn_detection":{"type":"semantic_vad"}}}}"#
      ),
      #"""
      {"type":"session.update","session":{"type":"realtime","output_modalities":["text"],"tracing":"auto","audio":{"input":
       {"format":{"type":"audio/pcm","rate":24000},"transcription":null,"turn_detection":{"type":"semantic_vad"},
       "noise_reduction":{"type":"near_field"}}}}}
      """#
    ),
    (
      .openAI,
      SessionSettings(
        transcriptionModel: "whisper-1",
        turnDetection: .meaning(eagerness: "high", createsResponse: false, interruptsResponse: false)),
      #"""
      {"type":"session.update","session":{"type":"realtime","output_modalities":["audio"],"audio":{"input":{"format":
       {"type":"audio/pcm","rate":24000},"transcription":{"model":"whisper-1"},"turn_detection":{"type":"semantic_vad",
       "eagerness":"high","create_response":false,"interrupt_response":false}},"output":{"format":{"type":"audio/pcm",
       "rate":24000}}}}}
      """#
    ),
    (
      .openAIBeta, full,
      #"""
      {"type":"session.update","session":{"modalities":["audio","text"],"instructions":"Be brief.","voice":"marin","speed":
       1.25,"input_audio_format":"pcm16","output_audio_format":"pcm16","input_audio_transcription":{"model":"whisper-1",
       "language":"de"},"turn_detection":{"type":"server_vad","threshold":0.5,"prefix_padding_ms":300,
       "silence_duration_ms":500,"create_response":true,"interrupt_response":true},"tools":[{"type":"function","name":
       "get_weather","description":"Tells the weather","parameters":{"type":"object","properties":{"z":{"type":"string"},
       "a":{"type":"number"}}}}],"tool_choice":"auto","temperature":0.8,"max_response_output_tokens":4096}}
      """#
    ),
    (
      .openAIBeta, SessionSettings(transcriptionModel: nil, isSpoken: false, extra: #"{"turn_detection":{"a":1}}"#),
      #"""
      {"type":"session.update","session":{"modalities":["text"],"input_audio_format":"pcm16","output_audio_format":"pcm16",
       "input_audio_transcription":null,"turn_detection":{"a":1}}}
      """#
    ),
    (
      .gemini, full,
      #"""
      {"setup":{"model":"models/m","generationConfig":{"responseModalities":["AUDIO"],"speechConfig":{"voiceConfig":
       {"prebuiltVoiceConfig":{"voiceName":"marin"}}},"temperature":0.8,"maxOutputTokens":4096},"systemInstruction":
       {"parts":[{"text":"Be brief."}]},"tools":[{"functionDeclarations":[{"name":"get_weather","description":
       "Tells the weather","parametersJsonSchema":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":
       "number"}}}}]}],"realtimeInputConfig":{"automaticActivityDetection":{"disabled":false,"silenceDurationMs":500},
       "activityHandling":"START_OF_ACTIVITY_INTERRUPTS"},"sessionResumption":{},"contextWindowCompression":
       {"slidingWindow":{}},"inputAudioTranscription":{"languageCodes":["de"]},"outputAudioTranscription":{}}}
      """#
    ),
    (
      .gemini,
      SessionSettings(
        model: "tunedModels/x", transcriptionModel: nil, isSpoken: false, resumptionHandle: "h",
        extra: #"{"generationConfig":{"topP":0.9,"responseModalities":["AUDIO"]},"proactivity":{}}"#),
      #"""
      {"setup":{"model":"tunedModels/x","generationConfig":{"responseModalities":["AUDIO"],"topP":0.9},
       "realtimeInputConfig":{"automaticActivityDetection":{"disabled":true}},"sessionResumption":{"handle":"h"},
       "contextWindowCompression":{"slidingWindow":{}},"proactivity":{}}}
      """#
    ),
    (
      .gemini, SessionSettings(turnDetection: .meaning(eagerness: "low", interruptsResponse: false)),
      #"""
      {"setup":{"generationConfig":{"responseModalities":["AUDIO"]},"realtimeInputConfig":{"automaticActivityDetection":
       {"disabled":false,"endOfSpeechSensitivity":"END_SENSITIVITY_LOW"},"activityHandling":"NO_INTERRUPTION"},
       "sessionResumption":{},"contextWindowCompression":{"slidingWindow":{}},"inputAudioTranscription":{},
       "outputAudioTranscription":{}}}
      """#
    ),
    (.elevenLabs, SessionSettings(), #"{"type":"conversation_initiation_client_data"}"#),
    (
      .elevenLabs,
      SessionSettings(
        instructions: "Be brief.", voice: "v", language: "de", speed: 1.1, isSpoken: false,
        extra: #"{"dynamic_variables":{"name":"Ada"},"conversation_config_override":{"agent":{"first_message":"Hi"}}}"#),
      #"""
      {"type":"conversation_initiation_client_data","conversation_config_override":{"agent":{"prompt":{"prompt":
       "Be brief."},"language":"de","first_message":"Hi"},"tts":{"voice_id":"v","speed":1.1},"conversation":{"text_only":
       true}},"dynamic_variables":{"name":"Ada"}}
      """#
    ),
  ]

  @Test("Settings of a session", arguments: sessions)
  func session(dialect: Dialect, settings: SessionSettings, expected: String) throws {
    try settings.validate()
    let text = try #require(encode(.configure(settings), dialect))
    #expect(try parsed(text) == parsed(expected), "\(text)")
    #expect(!text.contains { $0.isNewline })
  }

  @Test("A schema's properties keep their order")
  func schemaOrder() throws {
    for dialect in [Dialect.openAI, .openAIBeta, .gemini] {
      let text = try #require(encode(.configure(SessionSettings(tools: [Self.tool])), dialect))
      #expect(text.contains(Self.tool.parameters))
    }
  }

  static let gemini: [ClientSample] = [
    ClientSample(.activityStart, #"{"realtimeInput":{"activityStart":{}}}"#),
    ClientSample(.activityEnd, #"{"realtimeInput":{"activityEnd":{}}}"#),
    ClientSample(.audioStreamEnd, #"{"realtimeInput":{"audioStreamEnd":true}}"#),
    ClientSample(
      .functionResult(result),
      #"{"toolResponse":{"functionResponses":[{"id":"c","name":"f","response":{"result":"22 °C"}}]}}"#),
    ClientSample(
      .functionResult(FunctionResult(callID: "", name: "f", output: #" {"b":1,"a":[2]} "#)),
      #"{"toolResponse":{"functionResponses":[{"name":"f","response":{"b":1,"a":[2]}}]}}"#),
    ClientSample(
      .functionResult(FunctionResult(callID: "c", name: "f", output: "[1]")),
      #"{"toolResponse":{"functionResponses":[{"id":"c","name":"f","response":{"result":"[1]"}}]}}"#),
    ClientSample(
      .functionResult(FunctionResult(callID: "c", name: "f", output: #"{"a":1}"#, isError: true)),
      #"{"toolResponse":{"functionResponses":[{"id":"c","name":"f","response":{"error":"{\"a\":1}"}}]}}"#),
    ClientSample(.message(HistoryMessage(speaker: .user, text: "Hi")), #"{"realtimeInput":{"text":"Hi"}}"#),
    ClientSample(
      .message(assistant),
      #"{"clientContent":{"turns":[{"role":"model","parts":[{"text":"Hello"}]}],"turnComplete":false}}"#),
    ClientSample(
      .history([HistoryMessage(speaker: .user, text: "Hi"), assistant]),
      #"{"clientContent":{"turns":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Hello"}]}],"turnComplete":false}}"#
    ),
    ClientSample(.history([]), nil), ClientSample(.commitAudio, nil), ClientSample(.clearAudio, nil),
    ClientSample(.createResponse, nil), ClientSample(.cancelResponse(id: "r"), nil),
    ClientSample(.truncateItem(id: "i", contentIndex: 0, audioEndInMilliseconds: 1), nil),
    ClientSample(.deleteItem(id: "i"), nil), ClientSample(.pong(eventID: 1), nil),
  ]

  @Test("Gemini's events", arguments: gemini)
  func geminiEvent(sample: ClientSample) {
    #expect(encode(sample.event, .gemini) == sample.text)
  }

  static let elevenLabs: [ClientSample] = [
    ClientSample(
      .functionResult(result), #"{"type":"client_tool_result","tool_call_id":"c","result":"22 °C","is_error":false}"#),
    ClientSample(
      .functionResult(FunctionResult(callID: "c", name: "f", output: "no", isError: true)),
      #"{"type":"client_tool_result","tool_call_id":"c","result":"no","is_error":true}"#),
    ClientSample(.message(HistoryMessage(speaker: .user, text: "Hi")), #"{"type":"user_message","text":"Hi"}"#),
    ClientSample(
      .message(assistant), #"{"type":"contextual_update","text":"The conversation so far:\nAgent: Hello"}"#),
    ClientSample(
      .history([HistoryMessage(speaker: .user, text: "Hi"), assistant]),
      #"{"type":"contextual_update","text":"The conversation so far:\nUser: Hi\nAgent: Hello"}"#),
    ClientSample(.pong(eventID: 12), #"{"type":"pong","event_id":12}"#),
    ClientSample(.history([]), nil), ClientSample(.commitAudio, nil), ClientSample(.clearAudio, nil),
    ClientSample(.activityStart, nil), ClientSample(.activityEnd, nil), ClientSample(.audioStreamEnd, nil),
    ClientSample(.createResponse, nil), ClientSample(.cancelResponse(id: "r"), nil),
    ClientSample(.truncateItem(id: "i", contentIndex: 0, audioEndInMilliseconds: 1), nil),
    ClientSample(.deleteItem(id: "i"), nil),
  ]

  @Test("ElevenLabs' events", arguments: elevenLabs)
  func elevenLabsEvent(sample: ClientSample) {
    #expect(encode(sample.event, .elevenLabs) == sample.text)
  }

  @Test("Every character comes back")
  func characters() throws {
    let text = String(String.UnicodeScalarView((0...0x2FFF).compactMap(Unicode.Scalar.init))) + "😀\u{10FFFF}"
    let line = try #require(encode(.message(HistoryMessage(speaker: .user, text: text)), .elevenLabs))
    #expect(try parsed(line) == ["type": "user_message", "text": text] as NSDictionary)
    #expect(
      !line.unicodeScalars.contains {
        $0.properties.generalCategory == .control || $0 == "\u{2028}" || $0 == "\u{2029}"
      })
  }

  static let mistakes: [(SessionSettings, SessionSettingsError)] = [
    (SessionSettings(extra: "[]"), .extraIsNoObject), (SessionSettings(extra: "{"), .extraIsNoObject),
    (SessionSettings(extra: ""), .extraIsNoObject),
    (
      SessionSettings(tools: [ToolDescription(name: "f", description: "", parameters: "{}}")]),
      .parametersAreNoObject(tool: "f")
    ),
    (SessionSettings(tools: [ToolDescription(name: "a b", description: "", parameters: "")]), .badToolName("a b")),
    (SessionSettings(tools: [ToolDescription(name: "", description: "", parameters: "")]), .badToolName("")),
    (SessionSettings(tools: [tool, tool]), .repeatedToolName("get_weather")),
    (SessionSettings(temperature: .nan), .outOfRange(setting: "the temperature")),
    (SessionSettings(speed: .infinity), .outOfRange(setting: "the speed")),
    (SessionSettings(maximumOutputTokens: 0), .outOfRange(setting: "the maximum of output tokens")),
    (
      SessionSettings(turnDetection: .silence(threshold: 1.5)),
      .outOfRange(setting: "the threshold of turn detection")
    ),
    (
      SessionSettings(turnDetection: .silence(silence: .seconds(1e17))),
      .outOfRange(setting: "the silence of turn detection")
    ),
    (
      SessionSettings(turnDetection: .silence(prefixPadding: .seconds(-1))),
      .outOfRange(setting: "the prefix padding of turn detection")
    ),
    (
      SessionSettings(turnDetection: .meaning(eagerness: "very")),
      .outOfRange(setting: "the eagerness of turn detection")
    ),
  ]

  @Test("Settings that nobody could take are refused before there is a connection", arguments: mistakes)
  func mistake(settings: SessionSettings, expected: SessionSettingsError) {
    #expect(throws: expected) { try settings.validate() }
  }

  @Test("A tool without parameters takes an empty object, and with Gemini none")
  func noParameters() throws {
    let settings = SessionSettings(tools: [ToolDescription(name: "f", description: "d", parameters: "")])
    try settings.validate()
    let text = try #require(encode(.configure(settings), .openAI))
    #expect(text.contains(#""parameters":{"type":"object","properties":{}}"#))
    #expect(try !#require(encode(.configure(settings), .gemini)).contains("parameters"))
  }
}
