import Foundation
import RealtimeVoice

/// What a service says, as text, from the protocols' descriptions.
struct ServiceWords {
  let dialect: Dialect

  init(_ dialect: Dialect) { self.dialect = dialect }

  var sessionStarted: String {
    switch dialect {
    case .openAI, .openAIBeta, .pcm: #"{"type":"session.created","session":{"id":"sess_1","type":"realtime"}}"#
    case .gemini: #"{"setupComplete":{}}"#
    case .elevenLabs:
      #"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c1","agent_output_audio_format":"pcm_16000","user_input_audio_format":"pcm_16000"}}"#
    }
  }

  static func base64(_ samples: [Int16]) -> String {
    var data = Data(capacity: 2 * samples.count)
    for sample in samples {
      data.append(UInt8(truncatingIfNeeded: sample))
      data.append(UInt8(truncatingIfNeeded: sample >> 8))
    }
    return data.base64EncodedString()
  }

  /// Audio of an answer; names are OpenAI's, the number ElevenLabs'.
  func audio(_ samples: [Int16], response: String = "r1", item: String = "i1", number: Int = 1, eventID: String? = nil)
    -> String
  {
    let text = Self.base64(samples)
    switch dialect {
    case .openAI, .pcm, .openAIBeta:
      let id = eventID.map { #""event_id":"\#($0)","# } ?? ""
      return
        #"{"type":"response.output_audio.delta",\#(id)"response_id":"\#(response)","item_id":"\#(item)","output_index":0,"content_index":0,"delta":"\#(text)"}"#
    case .gemini:
      return
        #"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"\#(text)"}}]}}}"#
    case .elevenLabs: return #"{"type":"audio","audio_event":{"audio_base_64":"\#(text)","event_id":\#(number)}}"#
    }
  }

  // OpenAI's.

  static func created(_ id: String = "r1") -> String {
    #"{"type":"response.created","response":{"id":"\#(id)","status":"in_progress"}}"#
  }

  static func done(
    _ id: String = "r1", _ status: String = "completed", details: String = "null", usage: String = "null"
  )
    -> String
  {
    #"{"type":"response.done","response":{"id":"\#(id)","status":"\#(status)","status_details":\#(details),"usage":\#(usage)}}"#
  }

  static func transcript(_ text: String, response: String = "r1", item: String = "i1") -> String {
    #"{"type":"response.output_audio_transcript.delta","response_id":"\#(response)","item_id":"\#(item)","delta":"\#(text)"}"#
  }

  static func userSaid(_ text: String, item: String = "u1") -> String {
    #"{"type":"conversation.item.input_audio_transcription.completed","item_id":"\#(item)","transcript":"\#(text)"}"#
  }

  static func committed(_ item: String = "u1") -> String {
    #"{"type":"input_audio_buffer.committed","item_id":"\#(item)"}"#
  }

  static func call(_ id: String, _ name: String = "clock", response: String = "r1", arguments: String = "{}") -> String
  {
    #"{"type":"response.output_item.done","response_id":"\#(response)","item":{"id":"f\#(id)","type":"function_call","status":"completed","name":"\#(name)","call_id":"\#(id)","arguments":"\#(arguments)"}}"#
  }

  static func error(_ code: String, about eventID: String? = nil) -> String {
    let id = eventID.map { "\"\($0)\"" } ?? "null"
    return
      #"{"type":"error","error":{"type":"invalid_request_error","code":"\#(code)","message":"no","event_id":\#(id)}}"#
  }

  static let speechStarted = #"{"type":"input_audio_buffer.speech_started","audio_start_ms":0,"item_id":"u1"}"#
  static let speechStopped = #"{"type":"input_audio_buffer.speech_stopped","audio_end_ms":900,"item_id":"u1"}"#
}
