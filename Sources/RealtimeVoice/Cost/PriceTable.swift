/// The prices of models: those that this library knows, and those of a user's own file.
public struct PriceTable: Sendable {
  /// In the order of the file.
  public private(set) var models: [ModelPrices]
  /// What the models were read from, by which another file can change single fields of them.
  private var entries: [String: PlacedJSON]

  /// The prices in this library's own data file, `Cost/prices.json`, which the program contains.
  public static let builtIn: PriceTable = {
    do {
      return try PriceTable(json: PackageResources.prices_json)
    } catch {
      // A test reads it: it is part of the program.
      preconditionFailure("the built-in prices: \(error)")
    }
  }()

  /// Reads a data file: `{"models": [{"id": ..., ...}, ...]}` in UTF-8.
  ///
  /// - Throws: ``PriceTableError``, which names the place of the first thing that is wrong.
  public init(json: some Collection<UInt8>) throws(PriceTableError) {
    models = []
    entries = [:]
    try extend(with: json)
  }

  /// Adds the models of another file. An entry with the id of a model that is there changes the fields that it gives,
  /// within objects too, and leaves the others; `null` takes one away.
  ///
  /// - Throws: ``PriceTableError``; the table is then as it was.
  public mutating func extend(with json: some Collection<UInt8>) throws(PriceTableError) {
    var table = self
    let file = try PriceFile(json)
    for (path, entry) in file.entries {
      let id = try PriceFile.id(of: entry, at: path)
      let merged = table.entries[id].map { $0.overlaid(by: entry) } ?? entry
      let model = try ModelPrices(merged, at: path, line: entry.line)
      for name in [model.id] + model.aliases {
        if let other = table.models.first(where: { $0.id != id && ([$0.id] + $0.aliases).contains(name) }) {
          throw PriceTableError(line: entry.line, path: path, problem: "'\(name)' is already a name of \(other.id)")
        }
      }
      if let index = table.models.firstIndex(where: { $0.id == id }) {
        table.models[index] = model
      } else {
        table.models.append(model)
      }
      table.entries[id] = merged
    }
    self = table
  }

  /// The model of that id or alias, in capitals or not; a leading "models/", as Gemini writes it, does not count.
  public subscript(name: String) -> ModelPrices? {
    let name = Self.folded(name)
    return models.first { Self.folded($0.id) == name }
      ?? models.first { $0.aliases.contains { Self.folded($0) == name } }
  }

  /// The names that are most like one that is unknown, best first: up to `limit` of them, and none that differs by more
  /// than a third.
  public func names(like name: String, limit: Int = 3) -> [String] {
    let name = Array(Self.folded(name).utf8)
    guard !name.isEmpty else { return [] }
    var found: [(id: String, distance: Int)] = []
    for model in models {
      let distances = ([model.id] + model.aliases).map { candidate -> Int in
        let candidate = Array(Self.folded(candidate).utf8)
        // A part of a name is how people abbreviate it.
        if name.count >= 3, candidate.count > name.count, Self.contains(candidate, name) { return 1 }
        let distance = Self.editDistance(name, candidate)
        return distance * 3 <= max(name.count, candidate.count) ? distance : .max
      }
      if let least = distances.min(), least < .max { found.append((model.id, least)) }
    }
    return found.sorted { ($0.distance, $0.id) < ($1.distance, $1.id) }.prefix(limit).map(\.id)
  }

  private static func folded(_ name: String) -> String {
    let name = name.lowercased()
    return name.hasPrefix("models/") ? String(name.dropFirst(7)) : name
  }

  private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    (0...text.count - part.count).contains { text[$0...].starts(with: part) }
  }

  /// Levenshtein's: how many letters to put in, take out or change.
  private static func editDistance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    var row = Array(0...other.count)
    for (i, letter) in one.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, otherLetter) in other.enumerated() {
        let changed = diagonal + (letter == otherLetter ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(changed, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[other.count]
  }
}

/// What is wrong in a file of prices, and where.
public struct PriceTableError: Error, Hashable, Sendable {
  /// Counted from 1.
  public var line: Int
  /// Which value: "models[3].audio.in"; empty where the file is no JSON.
  public var path: String
  public var problem: String
}

extension PriceTableError: CustomStringConvertible {
  public var description: String { "line \(line): \(path.isEmpty ? "" : path + ": ")\(problem)" }
}
