/// What a session, or several, used, by the record of its events: the sum over the lines of a log.
///
/// ```swift
/// var recorded = RecordedUsage()
/// for line in lines { try recorded.add(line: line) }
/// let bill = try PriceTable.builtIn.bill(for: recorded, model: "gpt-realtime-2.1")
/// ```
public struct RecordedUsage: Sendable, Equatable {
  /// What one model counted.
  public struct Part: Sendable, Equatable {
    /// As the log names it; nil where it does not. Gemini's messages never do, so that "gemini" stands for the one that
    /// a table calls so.
    public var model: String?
    /// Whether the log did not name it.
    public var isModelAssumed = false
    public var usage: Usage
    /// How many answers, or transcribed turns, it is of.
    public var count: Int
    /// Time that is billed by time, in whole seconds.
    public var seconds: Int
  }

  /// The answers, by model, in the order of the log.
  public private(set) var answers: [Part] = []
  /// Transcriptions of the input, which are billed apart.
  public private(set) var transcriptions: [Part] = []
  /// How many sessions the log saw begin.
  public private(set) var sessionCount = 0
  /// Answers that were left out, because the log had told them already.
  public private(set) var repeatedCount = 0
  private var answerIDs: Set<String> = []
  private var sessionModel: String?
  private var transcriptionModel: String?
  /// Of the present session, of which the service tells the sum so far.
  private var openSeconds = 0

  public init() {}

  public var isEmpty: Bool { answers.isEmpty && transcriptions.isEmpty }

  /// Takes a line of a log in JSON: an event that a server sent, what holds one as its `event`, `message` or `data`, or
  /// what a client sent, of which only the model is looked at; also `{"event": "usage", "usage": ..., "model": ...}`.
  ///
  /// - Returns: Whether it told of usage.
  /// - Throws: ``UsageLogError``; the sum is then as it was.
  @discardableResult
  public mutating func add(line: [UInt8]) throws(UsageLogError) -> Bool {
    let event = try UsageEvent(json: line)
    if event.startsSession {
      sessionCount += 1
      openSeconds = 0
    }
    sessionModel = event.sessionModel ?? sessionModel
    transcriptionModel = event.transcriptionModel ?? transcriptionModel
    guard let content = event.content else { return false }
    switch content {
    case .answer(let usage, let id, let model):
      if let id, !answerIDs.insert(id).inserted {
        repeatedCount += 1
        return false
      }
      let named = model ?? sessionModel
      Self.add(
        usage, seconds: 0, of: named ?? (event.isGemini ? "gemini" : nil), isAssumed: named == nil, to: &answers)
    case .transcription(let usage, let seconds):
      Self.add(usage, seconds: seconds, of: transcriptionModel, to: &transcriptions)
    case .openSession(let seconds):
      guard seconds > openSeconds else { return true }
      Self.add(.zero, seconds: seconds - openSeconds, of: sessionModel, to: &answers)
      openSeconds = seconds
    }
    return true
  }

  private static func add(
    _ usage: Usage, seconds: Int, of model: String?, isAssumed: Bool = false, to parts: inout [Part]
  ) {
    if let index = parts.firstIndex(where: { $0.model == model }) {
      parts[index].usage += usage
      parts[index].seconds += seconds
      parts[index].count += 1
    } else {
      parts.append(Part(model: model, isModelAssumed: isAssumed, usage: usage, count: 1, seconds: seconds))
    }
  }
}

/// What is wrong with a line of a log.
public enum UsageLogError: Error, Hashable, Sendable {
  /// The line is no JSON object.
  case notJSON
  /// The line tells of usage, and its counts are none.
  case badUsage(String)
}

extension UsageLogError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notJSON: "not a JSON object"
    case .badUsage(let words): "usage that cannot be read: \(words)"
    }
  }
}
