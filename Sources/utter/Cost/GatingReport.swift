import RealtimeVoice

/// What it saves to send speech only.
struct GatingReport {
  private let measurement: GatingMeasurement
  /// The chosen model first, and those that bill what is sent.
  private let models: [ModelPrices]
  private let calls: Int

  init(_ measurement: GatingMeasurement, _ chosen: ModelPrices, of table: PriceTable, calls: Int) {
    self.measurement = measurement
    let others = table.models.filter {
      $0.id != chosen.id && $0.silence == .input && !$0.isShutDown && $0.inputRate != nil
    }
    models = [chosen] + others
    self.calls = calls
  }

  var lines: [String] {
    let padding = measurement.prefixPadding / .milliseconds(1)
    let hangover = measurement.hangover / .milliseconds(1)
    var lines = [
      "sending speech only, with \(Int(padding)) ms before it and \(Int(hangover)) ms behind it (utter chunk --vad gate)",
      "",
    ]
    var files = TextTable([.left, .right, .right, .right, .right])
    files.add("recording", "length s", "speech s", "sent s", "not sent")
    for file in measurement.files {
      files.add(
        file.name.onOneLine, CostReport.seconds(file.length), CostReport.seconds(file.speech),
        CostReport.seconds(file.sent), Self.percent(file.length - file.sent, of: file.length))
    }
    if measurement.files.count > 1 {
      files.add(
        "all", CostReport.seconds(measurement.length), CostReport.seconds(measurement.speech),
        CostReport.seconds(measurement.sent),
        Self.percent(measurement.length - measurement.sent, of: measurement.length))
    }
    lines += files.lines + [""]
    var table = TextTable([.left, .right, .right])
    table.add("saves with", "a call $", "\(counted(calls, "call")) $")
    var remarks: [String] = []
    for model in models {
      if let saving = measurement.saving(with: model, calls: calls) {
        table.add(model.id, saving.call.text(decimals: 6), saving.total.text(decimals: 2))
      } else {
        table.add(model.id, "0", "0.00")
        remarks.append("note: \(model.id) \(Self.reason(model)).")
      }
    }
    return lines + table.lines + [
      "", "note: A recording is the user's side of a call; what history that is input again saves is not in it.",
    ] + remarks
  }

  private static func reason(_ model: ModelPrices) -> String {
    switch model.silence {
    case .free:
      "does not bill silence while its own detector cuts the turns; with your own commits it bills all that is sent"
    case .input: "has no price for audio that is sent"
    case .session, .standby: "bills the open session, whatever is sent"
    }
  }

  private static func percent(_ part: Int, of whole: Int) -> String {
    "\((200 * part + whole) / (2 * max(1, whole))) %"
  }

  var json: JSONValue {
    .object([
      ("prefix_padding_ms", .integer(Int(measurement.prefixPadding / .milliseconds(1)))),
      ("hangover_ms", .integer(Int(measurement.hangover / .milliseconds(1)))),
      ("length_s", .seconds(measurement.length)), ("speech_s", .seconds(measurement.speech)),
      ("sent_s", .seconds(measurement.sent)),
      (
        "files",
        .array(
          measurement.files.map {
            .object([
              ("file", .string($0.name)), ("length_s", .seconds($0.length)), ("speech_s", .seconds($0.speech)),
              ("sent_s", .seconds($0.sent)), ("segments", .integer($0.segmentCount)),
            ])
          })
      ),
      (
        "savings",
        .array(
          models.map { model in
            let saving = measurement.saving(with: model, calls: calls)
            return .object([
              ("model", .string(model.id)), ("bills_what_is_sent", .boolean(saving != nil)),
              ("call", .money(saving?.call ?? .zero)), ("total", .money(saving?.total ?? .zero)),
            ])
          })
      ),
    ])
  }
}
