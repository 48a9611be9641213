import AudioDSP
import AudioFiles
import RealtimeVoice

/// The audio of a log of events, line by line: that of one side of a conversation, and an account of all the rest.
struct EventLog: ~Copyable {
  /// What to take; `nil` for what the log has, as long as that is one thing.
  struct Choice {
    var dialect: Dialect?
    var side: AudioEvent.Side?
    var itemID: String?
    var encoding: AudioEvent.Encoding?
    var rate: SampleRate?
    var isStrict = false
  }

  /// Audio as it comes.
  struct Piece {
    var samples: [Int16]
    var rate: SampleRate
    var lineNumber: Int
  }

  /// What could go to one file: one side of what one service speaks.
  struct Stream: Hashable {
    var side: AudioEvent.Side
    var dialect: Dialect
  }

  /// How many malformed lines are told one by one.
  private static let toldCount = 5
  private static let jsonDialects = Set(Dialect.allCases).subtracting([.pcm])

  private let choice: Choice
  private var lines: LineReader
  private var decoder: AudioEventDecoder
  /// Pieces of a line that carried several.
  private var waiting: [Piece] = []
  private var payloadDecoder = PayloadDecoder()
  private var announced: [Stream: AudioEvent.Format] = [:]

  private(set) var lineCount = 0
  /// Events with audio, before ``Choice/itemID`` chooses.
  private(set) var counts: [Stream: Int] = [:]
  /// The items with audio, in their order; a few of them.
  private var items: [String] = []
  /// Whose audio is taken: the first that came.
  private(set) var stream: Stream?
  private(set) var encoding = AudioEvent.Encoding.pcm16
  private(set) var takenCount = 0
  private var malformedCount = 0
  private var isCutOff = false
  /// Complaints that wait for a line that shows that this is a log at all.
  private var complaints: [String] = []
  private var hasEvents = false

  /// - Parameter path: A path, or `-` for standard input.
  init(_ path: String, _ choice: Choice) throws {
    lines = try LineReader(path, limit: AudioEventDecoder.maximumByteCount)
    self.choice = choice
    decoder =
      switch choice.dialect {
      case nil: AudioEventDecoder()
      // What a client sends is the same in both.
      case .openAI, .openAIBeta: AudioEventDecoder([.openAI, .openAIBeta])
      case let dialect?: AudioEventDecoder([dialect])
      }
  }

  var name: String { lines.name }

  /// The next audio; `nil` at the end.
  mutating func next() throws -> Piece? {
    while waiting.isEmpty {
      guard let line = try lines.next() else { return nil }
      lineCount = line.number
      do throws(AudioEventDecodingError) {
        if line.isTooLong { throw .tooLong }
        guard let event = try decoder.decode(line.bytes.span) else {
          if !hasEvents, line.bytes.contains(UInt8(ascii: "{")) { foundEvents(isBare: false) }
          continue
        }
        foundEvents(isBare: event.dialect == .pcm)
        take(event, lineNumber: line.number)
      } catch {
        try note(error, in: line)
      }
    }
    return waiting.removeFirst()
  }

  /// The first good line tells whether the log is of JSON or of bare base64: a stray word can look like the latter.
  private mutating func foundEvents(isBare: Bool) {
    guard !hasEvents else { return }
    hasEvents = true
    if choice.dialect == nil { decoder = AudioEventDecoder(isBare ? [.pcm] : Self.jsonDialects) }
    for complaint in complaints { Diagnostics.warn(complaint) }
    complaints = []
  }

  private mutating func take(_ event: AudioEvent, lineNumber: Int) {
    let family = event.dialect == .openAIBeta ? .openAI : event.dialect
    for (side, format) in event.announcedFormats { announced[Stream(side: side, dialect: family)] = format }
    var sides: Set<AudioEvent.Side> = []
    for payload in event.payloads {
      let stream = Stream(side: payload.side, dialect: family)
      if sides.insert(payload.side).inserted { counts[stream, default: 0] += 1 }
      if let itemID = payload.itemID, items.count < 4, !items.contains(itemID) { items.append(itemID) }
      if let side = choice.side, side != payload.side { continue }
      if let itemID = choice.itemID, itemID != payload.itemID { continue }
      if self.stream == nil { self.stream = stream }
      guard self.stream == stream else { continue }
      takenCount += 1
      let said = announced[stream] ?? AudioEvent.Format()
      encoding = choice.encoding ?? payload.format.encoding ?? said.encoding ?? .pcm16
      let rate =
        choice.rate ?? payload.format.sampleRate ?? said.sampleRate
        ?? (encoding == .pcm16 ? event.dialect.defaultRate(of: payload.side) : .hz8000)
      let samples = payloadDecoder.decode(payload, as: encoding)
      if !samples.isEmpty { waiting.append(Piece(samples: samples, rate: rate, lineNumber: lineNumber)) }
    }
  }

  private mutating func note(_ error: AudioEventDecodingError, in line: LineReader.Line) throws {
    if !line.isTerminated, Self.isOfCut(error) {
      isCutOff = true
      let complaint = "\(name): the log is cut off inside of line \(line.number), which is left out"
      if choice.isStrict { throw Failure(complaint) }
      complaints.append(complaint)
    } else {
      malformedCount += 1
      let complaint = "\(name): line \(line.number): \(error)"
      if choice.isStrict { throw Failure(complaint) }
      if malformedCount <= Self.toldCount { complaints.append(complaint) }
    }
    guard hasEvents else { return }
    for complaint in complaints { Diagnostics.warn(complaint) }
    complaints = []
  }

  /// Whether a line that was cut off would look like that.
  private static func isOfCut(_ error: AudioEventDecodingError) -> Bool {
    switch error {
    case .notJSON, .badBase64(_, .truncated), .neitherJSONNorBase64, .tooLong: true
    default: false
    }
  }

  /// Ends the log: tells what was left out.
  ///
  /// - Throws: Where there was no audio, or more than one file's.
  mutating func finish() throws {
    let malformed = counted(malformedCount, "malformed line")
    guard hasEvents else {
      guard let first = complaints.first else { throw Failure("\(name): there are no events") }
      throw Failure(first + (malformedCount > 1 ? "; no line of \(lineCount) is an event" : "; there are no events"))
    }
    if malformedCount > Self.toldCount { Diagnostics.warn("\(name): \(malformed) in all, of \(lineCount)") }
    guard takenCount > 0 else { throw Failure("\(name): \(complaintOfNothing)") }
    let rivals = rivals
    if rivals.count > 1 {
      let sides = Set(rivals.map(\.side)).count > 1 ? "--side sent or --side received" : nil
      let names = Set(rivals.map(\.dialect)).map { "--dialect \($0.rawValue)" }.sorted()
      let option = [sides, names.count > 1 ? names.joined(separator: " or ") : nil].compactMap(\.self)
      throw Failure("\(name): audio of \(list(rivals)); choose with \(option.joined(separator: ", and "))")
    }
    let halves = payloadDecoder.halfSampleCount
    if halves > 0 {
      let complaint = "\(name): the audio ends with half a sample" + (halves > 1 ? " in \(halves) items" : "")
      if choice.isStrict { throw Failure(complaint) }
      Diagnostics.warn(complaint + ", which is left out")
    }
  }

  /// The streams among which the options do not choose.
  private var rivals: [Stream] {
    // Only what is received has items.
    sorted(counts.keys.filter { choice.itemID == nil && (choice.side == nil || $0.side == choice.side) })
  }

  private var complaintOfNothing: String {
    if let itemID = choice.itemID, !counts.isEmpty {
      let known = "there are " + items.joined(separator: ", ") + (items.count > 3 ? " and perhaps others" : "")
      return "no audio of item \(itemID): \(items.isEmpty ? "no event names its item" : known)"
    }
    if let side = choice.side, !counts.isEmpty {
      return "no audio that was \(side.rawValue), but \(list(sorted(counts.keys.map(\.self))))"
    }
    return "no audio in \(counted(lineCount, "line"))"
  }

  private func sorted(_ streams: [Stream]) -> [Stream] {
    streams.sorted { ($0.dialect.rawValue, $0.side.rawValue) < ($1.dialect.rawValue, $1.side.rawValue) }
  }

  private func list(_ streams: [Stream]) -> String {
    let dialects = Set(streams.map(\.dialect))
    return streams.map { stream in
      counted(counts[stream] ?? 0, "event") + " \(stream.side.rawValue)"
        + (dialects.count > 1 ? " (\(stream.dialect.rawValue))" : "")
    }.joined(separator: " and ")
  }
}
