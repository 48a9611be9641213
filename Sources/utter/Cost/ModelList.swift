import RealtimeVoice

/// The models and what they cost.
struct ModelList {
  private let models: [ModelPrices]

  init(_ table: PriceTable) {
    models = table.models
  }

  var lines: [String] {
    var table = TextTable([.left, .left, .left, .right, .right, .left])
    table.add("model", "aliases", "service", "user $/min", "agent $/min", "as of")
    for model in models {
      let session = model.perMinute?.active.map { "\($0) open" }
      table.add(
        model.id, model.aliases.joined(separator: ", "), model.service + CostReport.status(model),
        session ?? model.inputRate.map { "\($0)" } ?? "-", model.outputRate.map { "\($0)" } ?? "-", "\(model.asOf)")
    }
    return table.lines + ["", "audio by itself: history, text and images are in --json"]
  }

  var members: [(String, JSONValue)] {
    [("currency", .string("USD")), ("models", .array(models.map(Self.json)))]
  }

  private static func json(_ model: ModelPrices) -> JSONValue {
    var shutdown = JSONValue.null
    if case .shutDown(let date) = model.status { shutdown = .string("\(date)") }
    return .object([
      ("id", .string(model.id)), ("aliases", .array(model.aliases.map { .string($0) })),
      ("service", .string(model.service)), ("purpose", .string(model.purpose.rawValue)),
      ("status", .string(model.statusWord)), ("shutdown", shutdown), ("unit", .string(model.unit.rawValue)),
      ("audio", tokens(model.audio)), ("text", tokens(model.text)), ("image", tokens(model.image)),
      (
        "per_minute",
        object(
          model.perMinute.map {
            [("in", $0.input), ("out", $0.output), ("active", $0.active), ("standby", $0.standby)]
          })
      ),
      (
        "tokens_per_second",
        .object([("in", .integer(model.inputTokensPerSecond)), ("out", .integer(model.outputTokensPerSecond))])
      ),
      ("silence", .string(model.silence.rawValue)), ("rebills_context", .boolean(model.rebillsContext)),
      ("latency", .latency(model.latency)), ("session_cap_minutes", .integer(model.sessionCapMinutes)),
      ("session_cap_note", model.sessionCapNote.map { .string($0) } ?? .null),
      ("dialect", model.dialect.map { .string($0.rawValue) } ?? .null), ("fits", .string(model.fits)),
      ("as_of", .string("\(model.asOf)")), ("source", .string(model.source)),
      ("notes", .array(model.notes.map { .string($0) })),
    ])
  }

  private static func tokens(_ prices: ModelPrices.TokenPrices?) -> JSONValue {
    object(prices.map { [("in", $0.input), ("cached", $0.cachedInput), ("out", $0.output)] })
  }

  private static func object(_ prices: [(String, Money?)]?) -> JSONValue {
    guard let prices else { return .null }
    return .object(prices.compactMap { name, price in price.map { (name, .money($0)) } })
  }
}
