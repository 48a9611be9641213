extension PriceTable {
  /// Why a record has no price.
  public enum RecordError: Error, Hashable, Sendable {
    /// There is no model of that name.
    case unknownModel(String)
    /// The log names no model, and neither does the caller.
    case unnamedModel
    /// The model counts tokens, and the record has seconds, or the other way round.
    case otherUnit(model: String)
  }

  /// What a record costs: one "call" of all that is in it.
  ///
  /// - Parameters:
  ///   - model: In place of the log's own, for the answers.
  ///   - transcriptionModel: In place of the log's own, for transcriptions. Where their model has no price, they are left
  ///     out of the sum, and a note says so.
  /// - Throws: ``RecordError``
  public func bill(
    for recorded: RecordedUsage, model: String? = nil, transcriptionModel: String? = nil, calls: Int = 1
  ) throws(RecordError) -> Bill {
    var bill = Bill(lines: [], calls: calls)
    let namesModels = recorded.answers.count > 1 && model == nil
    for part in recorded.answers {
      guard let name = model ?? part.model else { throw .unnamedModel }
      guard let prices = self[name] else { throw .unknownModel(name) }
      if model == nil, part.isModelAssumed {
        bill.note("The log does not name the model; it is taken for \(prices.id).")
      }
      try prices.add(part, prefix: namesModels ? "\(prices.id): " : "", to: &bill)
    }
    for part in recorded.transcriptions {
      guard let name = transcriptionModel ?? part.model, let prices = self[name] else {
        let counted = part.seconds > 0 ? "\(part.seconds) s" : "\(part.usage.input.total) tokens in"
        let name = (transcriptionModel ?? part.model).map { "'\($0)' has no price here" } ?? "the log names no model"
        bill.note("The transcription of \(counted) is not in the sum: \(name).")
        continue
      }
      try prices.add(part, prefix: "transcription: ", to: &bill)
    }
    if recorded.repeatedCount > 0 {
      let plural = recorded.repeatedCount == 1 ? "answer stands" : "answers stand"
      bill.note("\(recorded.repeatedCount) \(plural) in the log again, and counted once.")
    }
    return bill
  }
}

extension PriceTable.RecordError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownModel(let name): "there is no model '\(name)'"
    case .unnamedModel: "no line names the model"
    case .otherUnit(let model): "what the log counts is not what \(model) is billed by"
    }
  }
}

extension Bill {
  fileprivate mutating func note(_ note: String) {
    if !notes.contains(note) { notes.append(note) }
  }
}

extension ModelPrices {
  /// What a service counted, at this model's prices.
  public func bill(for usage: Usage, calls: Int = 1) -> Bill {
    var bill = Bill(lines: [], calls: calls)
    add(usage, prefix: "", to: &bill)
    return bill
  }

  fileprivate func add(
    _ part: RecordedUsage.Part, prefix: String, to bill: inout Bill
  ) throws(PriceTable.RecordError) {
    if part.seconds > 0 {
      guard let rate = perMinute?.active ?? perMinute?.input else { throw .otherUnit(model: id) }
      let item = perMinute?.active == nil ? "audio in" : "open session"
      bill.lines.append(Bill.Line(prefix + item, part.seconds * 1_000, .millisecond, at: rate))
    }
    if part.usage != .zero {
      guard audio != nil || text != nil else { throw .otherUnit(model: id) }
      add(part.usage, prefix: prefix, to: &bill)
    }
  }

  private func add(_ usage: Usage, prefix: String, to bill: inout Bill) {
    let cached = usage.cachedByModality(noteExcess: { bill.note($0) })
    let dearest = audio ?? text
    if usage.input.unsplit > 0 || usage.output.unsplit > 0 {
      bill.note(
        "The log does not say of all tokens whether they are text or audio; those cost as audio here, so that the sum is "
          + "the most that it can be.")
    }
    if usage.cachedInput.unsplit > 0, usage.input.unsplit == 0 {
      bill.note(
        "The log does not say of all cached tokens what they are; they are taken where they save least, so that the sum is "
          + "the most that it can be.")
    }
    if usage.input.image > 0, image?.input == nil {
      bill.note("Images have no price with this model; they cost as text here.")
    }
    let imagePrices = image?.input == nil ? text ?? audio : image
    let textPrices = text ?? audio
    let modalities: [(String, KeyPath<Usage.Tokens, Int>, TokenPrices?)] = [
      ("audio", \.audio, audio ?? text), ("text", \.text, textPrices), ("image", \.image, imagePrices),
      ("unsplit", \.unsplit, dearest),
    ]
    for (name, count, prices) in modalities {
      let input = usage.input[keyPath: count]
      let cached = cached[keyPath: count]
      guard input > 0, let price = prices?.input ?? textPrices?.input else { continue }
      if input > cached { bill.lines.append(Bill.Line("\(prefix)\(name) in", input - cached, .token, at: price)) }
      if cached > 0 {
        let cachedPrice = prices?.cachedInput ?? price
        if prices?.cachedInput == nil { bill.note("This model has no price for cached input: it costs in full.") }
        bill.lines.append(Bill.Line("\(prefix)\(name) in, cached", cached, .token, at: cachedPrice))
      }
    }
    for (name, count, prices) in modalities {
      let output = usage.output[keyPath: count]
      guard output > 0 else { continue }
      guard let price = prices?.output ?? textPrices?.output else {
        bill.note("This model has no price for \(name) that comes out: \(output) tokens are not in the sum.")
        continue
      }
      bill.lines.append(Bill.Line("\(prefix)\(name) out", output, .token, at: price))
    }
  }
}

extension Usage {
  /// The cached tokens, none of a modality more than its input has. Those of unknown modality go where a cached token
  /// saves least: to unsplit input first, then to text, images and audio.
  fileprivate func cachedByModality(noteExcess: (String) -> Void) -> Tokens {
    var cached = Tokens(
      text: min(cachedInput.text, input.text), audio: min(cachedInput.audio, input.audio),
      image: min(cachedInput.image, input.image))
    var rest = cachedInput.unsplit
    let order: [WritableKeyPath<Tokens, Int>] = [\.unsplit, \.text, \.image, \.audio]
    for count in order {
      let taken = min(rest, input[keyPath: count] - cached[keyPath: count])
      cached[keyPath: count] += taken
      rest -= taken
    }
    if cached.total < cachedInput.total {
      noteExcess("The log has more cached tokens than input of their kind; those beyond it are not counted.")
    }
    return cached
  }
}
