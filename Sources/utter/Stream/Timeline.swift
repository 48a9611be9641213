import AudioDSP
import Foundation
import RealtimeVoice
import RealtimeVoiceNIO

/// What happened in a session, as lines of JSON: `time_s` on the session's clock, `event`, and what belongs to it.
struct Timeline {
  private let output: Output
  private let model: String?

  /// - Parameter model: Goes with what was used, for 'utter cost'.
  init(_ path: String, model: String?) throws {
    output = try Output(path)
    self.model = model
  }

  func write(_ event: TimedSessionEvent) throws {
    try write(event.event.fields(model: model), at: event.time)
  }

  func write(_ fields: [String: Any], at time: Duration) throws {
    var fields = fields
    fields["time_s"] = time.seconds
    let data = try JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys, .withoutEscapingSlashes])
    try output.write(String(decoding: data, as: UTF8.self))
    try output.endRecord()
  }

  func finish() throws { try output.finish() }
}

extension Duration {
  /// To a millionth.
  var seconds: Double { (self / .seconds(1) * 1e6).rounded() / 1e6 }
  var milliseconds: Double { (self / .milliseconds(1) * 1e3).rounded() / 1e3 }
}

extension SessionEvent {
  /// The event's name and what it tells, as JSON's types.
  func fields(model: String?) -> [String: Any] {
    var fields: [String: Any] = [:]
    func set(_ name: String, _ value: Any?) { if let value { fields[name] = value } }
    func named(_ name: String) { fields["event"] = name }
    switch self {
    case .ready(let sessionID, let isRenewed):
      named("ready")
      set("session_id", sessionID)
      set("renewed", isRenewed)
    case .turnStarted: named("turn_started")
    case .turnEnded(let audio):
      named("turn_ended")
      set("audio_s", audio?.seconds)
    case .turnTooShort(let audio):
      named("turn_too_short")
      set("audio_s", audio.seconds)
    case .answerStarted(let responseID):
      named("answer_started")
      set("response_id", responseID)
    case .text(let delta):
      named("text")
      set("speaker", delta.speaker.rawValue)
      set("text", delta.text)
      set("whole", delta.isWhole)
      if delta.isCorrection { set("correction", true) }
      set("item_id", delta.itemID)
    case .playoutStarted(let itemID, let timing):
      named("playout_started")
      set("item_id", itemID)
      set("speech_ended_s", timing.speechEnded?.seconds)
      set("committed_s", timing.committed?.seconds)
      set("answer_started_s", timing.answerStarted?.seconds)
      set("first_audio_s", timing.firstAudio?.seconds)
      set("first_played_s", timing.firstPlayed?.seconds)
    case .playoutFinished(let itemID):
      named("playout_finished")
      set("item_id", itemID)
    case .playoutStarved(let itemID):
      named("playout_starved")
      set("item_id", itemID)
    case .ducked: named("ducked")
    case .restored: named("restored")
    case .interrupted(let items):
      named("interrupted")
      set(
        "items",
        items.map {
          [
            "item_id": $0.itemID, "heard_ms": $0.heardInMilliseconds, "received_ms": $0.receivedInMilliseconds,
          ] as [String: Any]
        })
    case .toolCalled(let call):
      named("tool_called")
      set("name", call.name)
      set("call_id", call.callID)
      set("arguments", call.arguments)
    case .toolReturned(let result):
      named("tool_returned")
      set("name", result.name)
      set("call_id", result.callID)
      set("output", result.output)
      set("error", result.isError)
    case .answerFinished(let end):
      named("answer_finished")
      set("end", end.text)
      if case .told(let outcome) = end { set("response_id", outcome.responseID) }
    case .usage(let usage):
      named("usage")
      set("model", model)
      if let data = try? JSONEncoder().encode(usage) { set("usage", try? JSONSerialization.jsonObject(with: data)) }
    case .rateLimits(let limits):
      named("rate_limits")
      set(
        "limits",
        limits.map { limit in
          var fields: [String: Any] = ["name": limit.name]
          if let count = limit.limit { fields["limit"] = count }
          if let count = limit.remaining { fields["remaining"] = count }
          if let reset = limit.reset { fields["reset_s"] = reset.seconds }
          return fields
        })
    case .inputDropped(let count):
      named("input_dropped")
      set("samples", count)
    case .outputDropped(let count):
      named("output_dropped")
      set("samples", count)
    case .serviceError(let error):
      named("service_error")
      set("code", error.code)
      set("message", error.message)
    case .malformed(let what):
      named("malformed")
      set("what", what)
    case .unknown(let type):
      named("unknown")
      set("type", type)
    case .reconnecting(let attempt, let delay, let reason):
      named("reconnecting")
      set("attempt", attempt)
      set("after_s", delay.seconds)
      set("reason", reason)
    case .renewing: named("renewing")
    case .closed(let end):
      named("closed")
      if case .failed(let reason) = end { set("reason", reason) }
    }
    return fields
  }
}

extension AnswerEnd {
  /// In a few words.
  var text: String {
    switch self {
    case .told(let outcome):
      switch outcome.status {
      case .completed: "completed"
      case .cancelled(let reason): "cancelled" + (reason.map { " (\($0))" } ?? "")
      case .incomplete(let reason): "incomplete" + (reason.map { " (\($0))" } ?? "")
      case .failed(let error): "failed" + (error.map { " (\($0))" } ?? "")
      }
    case .stalled(let wait): "stalled: nothing came for \(wait.seconds) s"
    case .missing(let wait): "missing: nothing came within \(wait.seconds) s"
    case .lost: "lost with the connection"
    }
  }

  /// Whether the answer is all there, or was cut by the user.
  var isGood: Bool {
    switch self {
    case .told(let outcome):
      switch outcome.status {
      case .completed, .cancelled: true
      case .incomplete, .failed: false
      }
    case .stalled, .missing, .lost: false
    }
  }
}
