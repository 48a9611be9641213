import Foundation

/// Small readers of the label formats, strict where the formats are. They share nothing with what they judge.
enum LabelReaders {
  struct Label: Equatable {
    var start: Decimal
    var end: Decimal
    var text: String
    var file = ""
    var channel = ""
  }

  struct Malformed: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
      self.description = description
    }
  }

  static func audacity(_ text: String) throws -> [Label] {
    try lines(text).map { line in
      let fields = line.components(separatedBy: "\t")
      guard fields.count == 3 else { throw Malformed("\(fields.count) fields in '\(line)'") }
      return try Label(start: seconds(fields[0]), end: seconds(fields[1]), text: fields[2])
    }
  }

  static func rttm(_ text: String) throws -> [Label] {
    try lines(text).map { line in
      let fields = words(line)
      guard fields.count == 10, fields[0] == "SPEAKER", [5, 6, 8, 9].allSatisfy({ fields[$0] == "<NA>" }) else {
        throw Malformed("'\(line)'")
      }
      let start = try seconds(fields[3])
      return Label(
        start: start, end: start + (try seconds(fields[4])), text: fields[7], file: fields[1], channel: fields[2])
    }
  }

  static func ctm(_ text: String) throws -> [Label] {
    try lines(text).filter { !$0.hasPrefix(";;") }.map { line in
      let fields = words(line)
      guard fields.count == 5 else { throw Malformed("'\(line)'") }
      let start = try seconds(fields[2])
      return Label(
        start: start, end: start + (try seconds(fields[3])), text: fields[4], file: fields[0], channel: fields[1])
    }
  }

  static func subRip(_ text: String) throws -> [Label] {
    guard text.isEmpty || text.hasSuffix("\n\n") else { throw Malformed("no blank line at the end") }
    return try text.components(separatedBy: "\n\n").dropLast().enumerated().map { i, block in
      let lines = block.components(separatedBy: "\n")
      guard lines.count == 3, lines[0] == "\(i + 1)" else { throw Malformed("'\(block)'") }
      return try cue(lines[1], lines[2], mark: ",")
    }
  }

  static func webVTT(_ text: String) throws -> [Label] {
    var blocks = text.components(separatedBy: "\n\n")
    if blocks.count == 1, blocks[0] == "WEBVTT\n" { return [] }
    guard blocks.removeFirst() == "WEBVTT", text.hasSuffix("\n") else { throw Malformed("no header") }
    return try blocks.map { block in
      let lines = block.components(separatedBy: "\n").filter { !$0.isEmpty }
      guard lines.count == 2, !lines[1].contains("<"), !lines[1].contains("-->") else { throw Malformed("'\(block)'") }
      // Literally: a combining mark behind an entity does not make it another.
      let text = [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")].reduce(lines[1]) { text, entity in
        text.replacingOccurrences(of: entity.0, with: entity.1, options: .literal)
      }
      let label = try cue(lines[0], text, mark: ".")
      guard label.start < label.end else { throw Malformed("a cue that does not last") }
      return label
    }
  }

  /// The labels of the one tier, empty ones included, and the end of the recording.
  static func textGrid(_ text: String) throws -> (tierName: String, end: Decimal, intervals: [Label]) {
    // As Praat reads: of a text file only what stands in quotes, free-standing numbers and flags in angles count.
    var tokens: [String] = []
    var rest = Substring(text)
    guard rest.hasPrefix("File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n") else {
      throw Malformed("header")
    }
    while let first = rest.unicodeScalars.first {
      if first == "\"" {
        var value = ""
        rest.unicodeScalars.removeFirst()
        while true {
          guard let scalar = rest.unicodeScalars.popFirst() else { throw Malformed("a string without an end") }
          if scalar == "\"" {
            guard rest.unicodeScalars.first == "\"" else { break }
            rest.unicodeScalars.removeFirst()
          }
          value.unicodeScalars.append(scalar)
        }
        tokens.append(value)
      } else if first.properties.isWhitespace {
        rest.unicodeScalars.removeFirst()
      } else {
        let word = String(rest.unicodeScalars.prefix { !$0.properties.isWhitespace })
        rest.unicodeScalars.removeFirst(word.unicodeScalars.count)
        if word == "<exists>" || Decimal(string: word) != nil, word.first?.isNumber ?? false || word == "<exists>" {
          tokens.append(word)
        }
      }
    }
    guard tokens.count >= 11, Array(tokens[0..<3]) == ["ooTextFile", "TextGrid", "0"], tokens[4] == "<exists>",
      tokens[5] == "1", tokens[6] == "IntervalTier", tokens[8] == "0", tokens[9] == tokens[3],
      let count = Int(tokens[10]), tokens.count == 11 + 3 * count
    else { throw Malformed("\(tokens.prefix(11))") }
    let intervals = try (0..<count).map { i in
      try Label(start: seconds(tokens[11 + 3 * i]), end: seconds(tokens[12 + 3 * i]), text: tokens[13 + 3 * i])
    }
    return (tokens[7], try seconds(tokens[3]), intervals)
  }

  private static func lines(_ text: String) throws -> [String] {
    if text.isEmpty { return [] }
    guard text.hasSuffix("\n") else { throw Malformed("no line feed at the end") }
    return text.components(separatedBy: "\n").dropLast()
  }

  /// As Python's `split()` has it, which is what most readers of these formats call.
  private static func words(_ line: String) -> [String] {
    line.unicodeScalars.split { $0.properties.isWhitespace || (0x1C...0x1F).contains($0.value) }.map { String($0) }
  }

  private static func cue(_ times: String, _ text: String, mark: String) throws -> Label {
    let pattern = "^([0-9]{2,}):([0-5][0-9]):([0-5][0-9])\(mark == "." ? "\\." : ",")([0-9]{3})$"
    let expression = try NSRegularExpression(pattern: pattern)
    let places = try times.components(separatedBy: " --> ").map { time -> Decimal in
      guard let match = expression.firstMatch(in: time, range: NSRange(location: 0, length: time.utf16.count)) else {
        throw Malformed("'\(time)'")
      }
      let parts = (1...4).map { Decimal(string: (time as NSString).substring(with: match.range(at: $0)))! }
      return parts[0] * 3_600 + parts[1] * 60 + parts[2] + parts[3] / 1_000
    }
    guard places.count == 2 else { throw Malformed("'\(times)'") }
    return Label(start: places[0], end: places[1], text: text)
  }

  private static func seconds(_ text: String) throws -> Decimal {
    let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
    guard isPlain, let value = Decimal(string: text) else { throw Malformed("'\(text)' is no number") }
    return value
  }
}
