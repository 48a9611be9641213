#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Of a line of a log, what tells of usage, and of which model it is.
struct UsageEvent {
  enum Content {
    /// The id is the service's, where it gives one.
    case answer(Usage, id: String?, model: String?)
    case transcription(Usage, seconds: Int)
    /// So many seconds since the session's start.
    case openSession(seconds: Int)
  }

  var content: Content?
  var startsSession = false
  var sessionModel: String?
  var transcriptionModel: String?
  var isGemini = false

  /// How many objects may stand around an event.
  private static let wrapperLimit = 4

  init(json: [UInt8]) throws(UsageLogError) {
    do {
      self = try JSONDecoder().decode(UsageEvent.self, from: Data(json))
    } catch {
      if let inner = error as? UsageLogError { throw inner }
      // A number that does not fit and broken JSON come as one error, perhaps both without a place.
      guard (try? JSONDecoder().decode(AnyObject.self, from: Data(json))) != nil else { throw .notJSON }
      throw .badUsage(Self.words(error))
    }
  }

  /// In one line, with the place.
  private static func words(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    let context: DecodingError.Context
    switch error {
    case .dataCorrupted(let its), .keyNotFound(_, let its), .typeMismatch(_, let its), .valueNotFound(_, let its):
      context = its
    @unknown default: return "\(error)"
    }
    let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    if path.isEmpty, case .dataCorrupted = error { return "a number is not whole, or too large" }
    return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
  }
}

extension UsageEvent: Decodable {
  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: EventKey.self)
    let type = fields.text("type")
    switch type {
    case "session.created", "session.updated", "session.update", "session.start", "session.started":
      startsSession = type == "session.created" || type == "session.started"
      takeModels(of: fields)
    case "response.done":
      guard let response = fields.object("response") else { break }
      // A response that failed has none.
      guard let usage = try response.decodeIfPresent(Usage.self, forKey: "usage") else { break }
      content = .answer(usage, id: response.text("id"), model: response.text("model"))
    case "conversation.item.input_audio_transcription.completed":
      content = try Self.transcription(fields)
    case "session.usage.updated":
      content = .openSession(seconds: try Self.seconds(fields, "seconds"))
    default:
      try takeOther(fields)
    }
  }

  private mutating func takeModels(of fields: KeyedDecodingContainer<EventKey>) {
    guard let session = fields.object("session") else { return }
    sessionModel = session.text("model")
    let transcription =
      session.object("audio")?.object("input")?.object("transcription") ?? session.object("input_audio_transcription")
    transcriptionModel = transcription?.text("model")
    // A session that transcribes has its model there only.
    if sessionModel == nil, session.text("type") == "transcription" { sessionModel = transcriptionModel }
  }

  private mutating func takeOther(_ fields: KeyedDecodingContainer<EventKey>) throws {
    if fields.text("event") == "usage" {
      content = .answer(
        try fields.decode(Usage.self, forKey: "usage"), id: fields.text("response_id"), model: fields.text("model"))
    } else if let setup = fields.object("setup") {
      startsSession = true
      sessionModel = setup.text("model")
    } else if let key: EventKey = ["usageMetadata", "usage_metadata"].first(where: { fields.contains($0) }) {
      guard let usage = try fields.decodeIfPresent(Usage.self, forKey: key) else { return }
      content = .answer(usage, id: nil, model: nil)
      isGemini = true
    } else if fields.text("object")?.hasPrefix("chat.completion") == true {
      guard let usage = try fields.decodeIfPresent(Usage.self, forKey: "usage") else { return }
      content = .answer(usage, id: fields.text("id"), model: fields.text("model"))
    } else {
      for key: EventKey in ["event", "message", "data"] {
        guard let inner = try Self.wrapped(fields, key) else { continue }
        if inner.content != nil || inner.sessionModel != nil || inner.startsSession {
          self = inner
          return
        }
      }
    }
  }

  /// An event inside of another, as an object or as its text.
  private static func wrapped(
    _ fields: KeyedDecodingContainer<EventKey>, _ key: EventKey
  ) throws -> UsageEvent? {
    guard fields.codingPath.count < wrapperLimit else { return nil }
    if fields.object(key) != nil { return try fields.decode(UsageEvent.self, forKey: key) }
    guard let text = fields.text(key), text.utf8.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else { return nil }
    do throws(UsageLogError) {
      return try UsageEvent(json: Array(text.utf8))
    } catch {
      // Words may only look like it.
      if error == .notJSON { return nil }
      throw error
    }
  }

  /// Tokens or, with models that are billed by time, seconds.
  private static func transcription(_ fields: KeyedDecodingContainer<EventKey>) throws -> Content? {
    guard fields.contains("usage"), try !fields.decodeNil(forKey: "usage") else { return nil }
    let usage = try fields.nestedContainer(keyedBy: EventKey.self, forKey: "usage")
    if usage.text("type") == "duration" || usage.contains("seconds") {
      return .transcription(.zero, seconds: try seconds(usage, "seconds"))
    }
    return .transcription(try fields.decode(Usage.self, forKey: "usage"), seconds: 0)
  }

  /// Whole ones, rounded up as the service does.
  private static func seconds(_ fields: KeyedDecodingContainer<EventKey>, _ key: EventKey) throws -> Int {
    let seconds = try fields.decode(Double.self, forKey: key)
    // What is no number fails this too.
    guard seconds >= 0, seconds <= 1e9 else {
      throw DecodingError.dataCorruptedError(forKey: key, in: fields, debugDescription: "\(seconds) is no duration")
    }
    return Int(seconds.rounded(.up))
  }
}

/// An object of whatever members.
private struct AnyObject: Decodable {
  init(from decoder: any Decoder) throws {
    _ = try decoder.container(keyedBy: EventKey.self)
  }
}

private struct EventKey: CodingKey, ExpressibleByStringLiteral {
  var stringValue: String
  var intValue: Int? { nil }

  init(stringLiteral: String) { stringValue = stringLiteral }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer<EventKey> {
  /// nil for what is no string, too: other services' fields are of no concern.
  fileprivate func text(_ key: EventKey) -> String? {
    try? decodeIfPresent(String.self, forKey: key)
  }

  fileprivate func object(_ key: EventKey) -> Self? {
    try? nestedContainer(keyedBy: EventKey.self, forKey: key)
  }
}
