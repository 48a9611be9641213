extension ModelPrices {
  /// An entry of a file of prices, checked.
  ///
  /// - Parameters:
  ///   - path: Its place, as in "models[3]".
  ///   - line: Where it stands, for what is missing.
  init(_ entry: PlacedJSON, at path: String, line: Int) throws(PriceTableError) {
    var fields = try PriceFields(PlacedJSON(content: entry.content, line: line), at: path, what: "a model")
    id = try fields.required("id", try fields.string("id"))
    aliases = try fields.strings("aliases") ?? []
    service = try fields.required("service", try fields.string("service"))
    purpose = try fields.choice("purpose", Purpose.self) ?? .conversation
    status = try Self.status(&fields)
    unit = try fields.required("unit", try fields.choice("unit", Unit.self))
    audio = try Self.tokenPrices("audio", &fields)
    text = try Self.tokenPrices("text", &fields)
    image = try Self.tokenPrices("image", &fields)
    perMinute = try Self.minuteRates(&fields)
    if var rates = try fields.object("tokens_per_second") {
      inputTokensPerSecond = try rates.integer("in", in: 1...1_000)
      outputTokensPerSecond = try rates.integer("out", in: 1...1_000)
      try rates.finish()
    }
    silence = try fields.choice("silence", SilenceBilling.self) ?? (unit == .token ? .input : .session)
    rebillsContext = try fields.bool("rebills_context") ?? (unit == .token)
    latency = try Self.latency(&fields)
    sessionCapMinutes = try fields.integer("session_cap_minutes", in: 1...100_000)
    sessionCapNote = try fields.string("session_cap_note")
    dialect = try fields.choice("dialect", Dialect.self)
    fits = try fields.string("fits") ?? ""
    asOf = try fields.required("as_of", try fields.date("as_of"))
    source = try fields.required("source", try fields.string("source"))
    notes = try fields.strings("notes") ?? []
    try fields.finish()

    if unit == .token {
      guard audio != nil || text != nil else { throw fields.error("audio", "is missing, and so is text") }
      guard audio?.input == nil || inputTokensPerSecond != nil, audio?.output == nil || outputTokensPerSecond != nil
      else { throw fields.error("tokens_per_second", "is missing for an audio price") }
    } else if perMinute == nil {
      throw fields.error("per_minute", "is missing")
    }
    if silence == .standby, perMinute?.standby == nil {
      throw fields.error("silence", "is 'standby', and per_minute has no rate of that name")
    }
  }

  private static func status(_ fields: inout PriceFields) throws(PriceTableError) -> Status {
    let shutdown = try fields.date("shutdown")
    let word = try fields.string("status") ?? "available"
    switch word {
    case "available", "preview":
      guard shutdown == nil else { throw fields.error("shutdown", "is there, and the status is '\(word)'") }
      return word == "preview" ? .preview : .available
    case "shut down": return .shutDown(try fields.required("shutdown", shutdown))
    default: throw fields.error("status", "'\(word)' is none of available, preview, shut down")
    }
  }

  private static func tokenPrices(
    _ name: String, _ fields: inout PriceFields
  ) throws(PriceTableError) -> TokenPrices? {
    guard var prices = try fields.object(name) else { return nil }
    let result = TokenPrices(
      input: try prices.money("in"), cachedInput: try prices.money("cached"), output: try prices.money("out"))
    try prices.finish()
    if let cached = result.cachedInput, let input = result.input, cached > input {
      throw prices.error("cached", "\(cached) is more than 'in', \(input)")
    }
    return result
  }

  private static func minuteRates(_ fields: inout PriceFields) throws(PriceTableError) -> MinuteRates? {
    guard var rates = try fields.object("per_minute") else { return nil }
    let result = MinuteRates(
      input: try rates.money("in"), output: try rates.money("out"), active: try rates.money("active"),
      standby: try rates.money("standby"))
    try rates.finish()
    guard (result.active == nil) != (result.input == nil && result.output == nil) else {
      throw fields.error("per_minute", "has either 'active', or 'in' and 'out'")
    }
    return result
  }

  private static func latency(_ fields: inout PriceFields) throws(PriceTableError) -> Latency? {
    guard var figures = try fields.object("latency") else { return nil }
    let result = Latency(
      medianMilliseconds: try figures.required("p50_ms", try figures.integer("p50_ms", in: 1...60_000)),
      p95Milliseconds: try figures.required("p95_ms", try figures.integer("p95_ms", in: 1...60_000)),
      isEstimate: try figures.bool("estimate") ?? false,
      source: try figures.required("source", try figures.string("source")), note: try figures.string("note"))
    try figures.finish()
    guard result.medianMilliseconds <= result.p95Milliseconds else {
      throw figures.error("p95_ms", "is less than p50_ms")
    }
    return result
  }
}
