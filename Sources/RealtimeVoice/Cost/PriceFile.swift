/// The entries of a file of prices, not looked into yet.
struct PriceFile {
  /// Each with its place, as in "models[3]".
  var entries: [(path: String, entry: PlacedJSON)]

  init(_ json: some Collection<UInt8>) throws(PriceTableError) {
    let document: PlacedJSON
    do {
      document = try PlacedJSON(parsing: json)
    } catch {
      throw PriceTableError(line: error.line, path: "", problem: error.problem)
    }
    var fields = try PriceFields(document, at: "", what: "the file")
    // All amounts are dollars.
    if let currency = try fields.string("currency"), currency != "USD" {
      throw fields.error("currency", "is '\(currency)', and only USD is reckoned with")
    }
    guard let models = fields.take("models"), case .array(let values) = models.content else {
      throw fields.error("models", "an array of models is missing")
    }
    try fields.finish()
    entries = values.enumerated().map { ("models[\($0.offset)]", $0.element) }
    var ids: Set<String> = []
    for (path, entry) in entries {
      let id = try Self.id(of: entry, at: path)
      guard ids.insert(id).inserted else {
        throw PriceTableError(line: entry.line, path: path, problem: "the id '\(id)' comes twice")
      }
    }
  }

  static func id(of entry: PlacedJSON, at path: String) throws(PriceTableError) -> String {
    var fields = try PriceFields(entry, at: path, what: "a model")
    return try fields.required("id", try fields.string("id"))
  }
}

extension PlacedJSON {
  /// The value with what another says put in its place, member by member.
  func overlaid(by other: PlacedJSON) -> PlacedJSON {
    guard case .object(var members) = content, case .object(let changes) = other.content else { return other }
    for change in changes {
      if let index = members.firstIndex(where: { $0.name == change.name }) {
        members[index].value = members[index].value.overlaid(by: change.value)
      } else {
        members.append(change)
      }
    }
    return PlacedJSON(content: .object(members), line: other.line)
  }
}

/// The members of an object, taken one by one: what is left over has a name that nothing reads.
struct PriceFields {
  let path: String
  let line: Int
  private var members: [PlacedJSON.Member]
  private var taken: [String: Int] = [:]

  init(_ value: PlacedJSON, at path: String, what: String) throws(PriceTableError) {
    guard case .object(let members) = value.content else {
      throw PriceTableError(line: value.line, path: path, problem: "\(what) is \(value.kind), not an object")
    }
    self.path = path
    line = value.line
    self.members = members
  }

  func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  func error(_ name: String, _ problem: String) -> PriceTableError {
    PriceTableError(line: taken[name] ?? line, path: place(name), problem: problem)
  }

  /// The member of a name; nil where there is none, or null.
  mutating func take(_ name: String) -> PlacedJSON? {
    guard let index = members.firstIndex(where: { $0.name == name }) else { return nil }
    let value = members.remove(at: index).value
    taken[name] = value.line
    if case .null = value.content { return nil }
    return value
  }

  mutating func string(_ name: String) throws(PriceTableError) -> String? {
    guard let value = take(name) else { return nil }
    guard case .string(let text) = value.content else { throw error(name, "is \(value.kind), not a string") }
    guard text.contains(where: { !$0.isWhitespace }) else { throw error(name, "is empty") }
    return text
  }

  mutating func strings(_ name: String) throws(PriceTableError) -> [String]? {
    guard let value = take(name) else { return nil }
    guard case .array(let values) = value.content else { throw error(name, "is \(value.kind), not an array") }
    var texts: [String] = []
    for value in values {
      guard case .string(let text) = value.content else { throw error(name, "holds \(value.kind), not strings only") }
      texts.append(text)
    }
    return texts
  }

  mutating func bool(_ name: String) throws(PriceTableError) -> Bool? {
    guard let value = take(name) else { return nil }
    guard case .bool(let flag) = value.content else { throw error(name, "is \(value.kind), not true or false") }
    return flag
  }

  mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(PriceTableError) -> Int? {
    guard let value = take(name) else { return nil }
    guard case .number(let digits) = value.content else { throw error(name, "is \(value.kind), not a number") }
    guard let number = Int(digits), range.contains(number) else {
      throw error(name, "\(digits) is no whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Dollars, as a string or a number. With six decimals at the most, a millionth of a price per million is a whole
  /// number of picodollars.
  mutating func money(_ name: String) throws(PriceTableError) -> Money? {
    guard let value = take(name) else { return nil }
    let text: String
    switch value.content {
    case .string(let string): text = string
    case .number(let digits): text = digits
    default: throw error(name, "is \(value.kind), not an amount of dollars")
    }
    guard let amount = Money(text), amount.neededDecimals <= 6, amount <= Self.highestPrice else {
      throw error(name, "'\(text)' is no amount of dollars: digits, with up to six decimals, and at most a million")
    }
    return amount
  }

  private static let highestPrice = Money(picodollars: 1_000_000 * Money.picodollarsPerDollar)

  mutating func date(_ name: String) throws(PriceTableError) -> CalendarDate? {
    guard let text = try string(name) else { return nil }
    guard let date = CalendarDate(text) else { throw error(name, "'\(text)' is no date like 2026-11-22 or 2026-11") }
    return date
  }

  mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, _: Choice.Type
  ) throws(PriceTableError) -> Choice? {
    guard let text = try string(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw error(name, "'\(text)' is none of \(all)")
    }
    return choice
  }

  mutating func object(_ name: String) throws(PriceTableError) -> PriceFields? {
    guard let value = take(name) else { return nil }
    return try PriceFields(value, at: place(name), what: "it")
  }

  func required<Value>(_ name: String, _ value: Value?) throws(PriceTableError) -> Value {
    guard let value else { throw error(name, "is missing") }
    return value
  }

  /// - Throws: Where a member was not taken.
  func finish() throws(PriceTableError) {
    if let member = members.first {
      throw PriceTableError(
        line: member.value.line, path: place(member.name), problem: "there is no field of that name")
    }
  }
}
