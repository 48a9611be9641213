import RealtimeVoice

/// Services side by side, the cheapest first.
struct CostComparison {
  private let entries: [(model: ModelPrices, bill: Bill)]
  private let scenario: CallScenario
  private let mode: CostMode

  /// - Parameter chosen: A model that is to be there though it is shut down, or not for conversations.
  init(_ table: PriceTable, chosen: ModelPrices?, _ scenario: CallScenario, _ mode: CostMode) throws(CostError) {
    var entries: [(model: ModelPrices, bill: Bill)] = []
    for model in table.models {
      let isOffered = model.purpose == .conversation && !model.isShutDown
      guard isOffered || model.id == chosen?.id else { continue }
      do throws(CostError) {
        entries.append((model, try model.bill(for: scenario, mode: mode)))
      } catch {
        // A user's file may have models that are for text.
        if case .noAudioPrice = error, model.id != chosen?.id { continue }
        throw error
      }
    }
    self.entries = entries.sorted { ($0.bill.callTotal, $0.model.id) < ($1.bill.callTotal, $1.model.id) }
    self.scenario = scenario
    self.mode = mode
  }

  var lines: [String] {
    let calls = counted(scenario.calls, "call")
    var table = TextTable([.left, .right, .right, .right, .left])
    table.add("model", "a call $", "\(calls) $", "first audio ms", "session")
    for (model, bill) in entries {
      table.add(
        model.id + (model.isShutDown ? " (shut down)" : ""), bill.callTotal.text(decimals: 4),
        bill.total.text(decimals: 2),
        model.latency.map { "\($0.medianMilliseconds)/\($0.p95Milliseconds)\($0.isEstimate ? " est." : "")" }
          ?? "unknown",
        model.sessionCapMinutes.map { "\($0) min" } ?? "unknown")
    }
    var lines = ["\(calls) of \(CostReport.description(of: scenario)), mode \(mode.rawValue)", ""]
    lines += table.lines
    lines += ["", "when each fits"]
    lines += entries.map { "  \($0.model.id): \($0.model.fits.isEmpty ? "nothing is said." : $0.model.fits)" }
    lines += ["", "first audio: of 50/95 % of the turns, behind their end; est. is an estimate, not measured"]
    var sources: [(String, [String])] = []
    for (model, _) in entries {
      guard let latency = model.latency else { continue }
      let source = latency.source + (latency.note.map { "; \($0)" } ?? "")
      if let index = sources.firstIndex(where: { $0.0 == source }) {
        sources[index].1.append(model.id)
      } else {
        sources.append((source, [model.id]))
      }
    }
    return lines + sources.map { "  \($0.1.joined(separator: ", ")): \($0.0)" }
  }

  var members: [(String, JSONValue)] {
    [
      ("mode", .string(mode.rawValue)), ("scenario", .scenario(scenario)), ("calls", .integer(scenario.calls)),
      ("currency", .string("USD")), ("services", .array(entries.map { Self.json($0.model, $0.bill) })),
    ]
  }

  private static func json(_ model: ModelPrices, _ bill: Bill) -> JSONValue {
    .object([
      ("model", .string(model.id)), ("service", .string(model.service)), ("status", .string(model.statusWord)),
      ("call_total", .money(bill.callTotal)), ("total", .money(bill.total)),
      ("latency", .latency(model.latency)), ("session_cap_minutes", .integer(model.sessionCapMinutes)),
      ("session_cap_note", model.sessionCapNote.map { .string($0) } ?? .null), ("fits", .string(model.fits)),
      ("as_of", .string("\(model.asOf)")), ("source", .string(model.source)),
      ("notes", .array((bill.notes + model.notes).map { .string($0) })),
    ])
  }
}

extension JSONValue {
  static func latency(_ latency: ModelPrices.Latency?) -> JSONValue {
    guard let latency else { return .null }
    return .object([
      ("p50_ms", .integer(latency.medianMilliseconds)), ("p95_ms", .integer(latency.p95Milliseconds)),
      ("estimate", .boolean(latency.isEstimate)), ("source", .string(latency.source)),
      ("note", latency.note.map { .string($0) } ?? .null),
    ])
  }
}
