extension ModelPrices {
  /// What calls cost that have not happened.
  ///
  /// - Throws: ``CostError``
  public func bill(for scenario: CallScenario, mode: CostMode) throws(CostError) -> Bill {
    guard scenario.isInRange else { throw .scenarioOutOfRange }
    guard unit == .token else { return try timeBill(for: scenario, mode: mode) }
    guard audio?.input != nil || audio?.output != nil else { throw .noAudioPrice(model: id) }
    return switch mode {
    case .perMinute: flatBill(for: scenario)
    case .tokens: tokenBill(for: scenario)
    case .context where rebillsContext: contextBill(for: scenario)
    case .context: tokenBill(for: scenario, note: "The history is not input again with this model.")
    }
  }

  /// What a minute of the user's audio costs, by the minute or by its tokens; nil where it costs nothing by itself.
  public var inputRate: Money? {
    perMinute?.input ?? Self.rate(audio?.input, inputTokensPerSecond)
  }

  /// What a minute of the agent's audio costs.
  public var outputRate: Money? {
    perMinute?.output ?? Self.rate(audio?.output, outputTokensPerSecond)
  }

  /// 60 seconds' tokens, at a price per million.
  private static func rate(_ price: Money?, _ tokensPerSecond: Int?) -> Money? {
    guard let price, let tokensPerSecond else { return nil }
    return price.multiplied(by: 60 * tokensPerSecond, over: 1_000_000)
  }

  // MARK: By time

  private func timeBill(for scenario: CallScenario, mode: CostMode) throws(CostError) -> Bill {
    guard let rates = perMinute else { throw .noAudioPrice(model: id) }
    var lines: [Bill.Line] = []
    if let active = rates.active {
      let speech = scenario.userSpeech + scenario.agentSpeech
      let isSilenceActive = silence == .session
      lines.append(
        Bill.Line(
          "open session", billed(isSilenceActive ? speech + scenario.silence : speech), .millisecond, at: active))
      if let standby = rates.standby, silence == .standby {
        lines.append(Bill.Line("silence", billed(scenario.silence), .millisecond, at: standby))
      }
    } else {
      lines = flatLines(for: scenario)
    }
    let notes =
      mode == .perMinute ? [] : ["This model is billed by time, so that all modes of reckoning come to the same."]
    return Bill(lines: lines, calls: scenario.calls, notes: notes)
  }

  private func flatBill(for scenario: CallScenario) -> Bill {
    Bill(
      lines: flatLines(for: scenario), calls: scenario.calls,
      notes: rebillsContext ? ["History that is input again is not in it: --mode context."] : [])
  }

  private func flatLines(for scenario: CallScenario) -> [Bill.Line] {
    var lines: [Bill.Line] = []
    if let inputRate {
      lines.append(Bill.Line("user audio", billed(scenario.userSpeech), .millisecond, at: inputRate))
      if silence == .input, scenario.silence > .zero {
        lines.append(Bill.Line("silence sent", billed(scenario.silence), .millisecond, at: inputRate))
      }
    }
    if let outputRate {
      lines.append(Bill.Line("agent audio", billed(scenario.agentSpeech), .millisecond, at: outputRate))
    }
    return lines
  }

  /// In milliseconds.
  private func billed(_ duration: Duration) -> Int {
    let milliseconds = duration.millisecondsRoundedUp
    return unit == .second ? (milliseconds + 999) / 1_000 * 1_000 : milliseconds
  }

  // MARK: By tokens

  private func tokenBill(for scenario: CallScenario, note: String? = nil) -> Bill {
    var lines: [Bill.Line] = []
    if let price = audio?.input {
      let tokens = inputTokens(of: scenario.userSpeech)
      lines.append(Bill.Line("audio in", tokens, .token, at: price))
      if silence == .input, scenario.silence > .zero {
        // Of one stream with the speech, so that only the sum is rounded.
        let all = inputTokens(of: scenario.userSpeech + scenario.silence)
        lines.append(Bill.Line("audio in, silence", all - tokens, .token, at: price))
      }
    }
    if let price = audio?.output {
      lines.append(Bill.Line("audio out", outputTokens(of: scenario.agentSpeech), .token, at: price))
    }
    let floor = rebillsContext ? "The least it can be: history that is input again is not in it." : nil
    return Bill(lines: lines, calls: scenario.calls, notes: [note ?? floor].compactMap(\.self))
  }

  private func inputTokens(of duration: Duration) -> Int {
    (duration.millisecondsRoundedUp * (inputTokensPerSecond ?? 0) + 999) / 1_000
  }

  private func outputTokens(of duration: Duration) -> Int {
    (duration.millisecondsRoundedUp * (outputTokensPerSecond ?? 0) + 999) / 1_000
  }

  /// Turn k's input is the instructions, what the user has said in k turns, and what the agent has said in k - 1, as
  /// audio and as transcript. What the turn before had as input may come from the cache; what the agent said in it has
  /// been output, not input, and the user's last words are new. Speech is spread evenly over the turns.
  private func contextBill(for scenario: CallScenario) -> Bill {
    let turns = scenario.turns
    let heard = silence == .input ? scenario.userSpeech + scenario.silence : scenario.userSpeech
    let userTokens = inputTokens(of: heard)
    let agentTokens = outputTokens(of: scenario.agentSpeech)
    let transcriptTokens =
      text?.output == nil
      ? 0 : (scenario.agentSpeech.millisecondsRoundedUp * scenario.transcriptTokensPerMinute + 59_999) / 60_000
    let audioShare = audio?.cachedInput == nil ? 0 : scenario.cacheShareInMillionths
    let textShare = text?.cachedInput == nil ? 0 : scenario.cacheShareInMillionths

    var audioIn = CachedCount()
    var textIn = CachedCount()
    for turn in 1...turns {
      audioIn.add(userTokens * turn / turns + agentTokens * (turn - 1) / turns, share: audioShare)
      textIn.add(scenario.instructionTokens + transcriptTokens * (turn - 1) / turns, share: textShare)
    }

    var lines = Self.lines("audio in", audioIn, audio)
    lines += Self.lines("text in", textIn, text)
    if let price = audio?.output { lines.append(Bill.Line("audio out", agentTokens, .token, at: price)) }
    if let price = text?.output, transcriptTokens > 0 {
      lines.append(Bill.Line("text out, transcript", transcriptTokens, .token, at: price))
    }
    var notes: [String] = []
    if audio?.cachedInput == nil {
      notes.append("This model has no price for cached input: all history costs in full.")
    }
    return Bill(lines: lines, calls: scenario.calls, notes: notes)
  }

  /// Input tokens of a session so far.
  private struct CachedCount {
    var full = 0
    var cached = 0
    private var before = 0

    /// - Parameters:
    ///   - count: All input of a turn.
    ///   - share: Of what the turn before had, in millionths.
    mutating func add(_ count: Int, share: Int) {
      let fromCache = before * share / 1_000_000
      cached += fromCache
      full += count - fromCache
      before = count
    }
  }

  private static func lines(_ item: String, _ count: CachedCount, _ prices: TokenPrices?) -> [Bill.Line] {
    guard let input = prices?.input else { return [] }
    var lines = [Bill.Line(item, count.full, .token, at: input)]
    if count.cached > 0 {
      lines.append(Bill.Line("\(item), cached", count.cached, .token, at: prices?.cachedInput ?? input))
    }
    return lines
  }
}
