import AudioTestSupport
import RealtimeVoice
import Testing

/// Bills of calls that have not happened, against sums that the tests make by themselves, in integers.
@Suite struct EstimateTests {
  static func model(_ name: String) throws -> ModelPrices { try #require(PriceTable.builtIn[name]) }

  static func cents(_ count: Int) -> Money { Money("0.01")! * count }

  // MARK: By the minute

  @Test(
    "The launch arithmetic, to the cent",
    arguments: [
      ("launch", 1_000, 84_000), ("launch", 10_000, 840_000), ("launch", 100_000, 8_400_000),
      ("launch-mini", 1_000, 14_000), ("launch-mini", 10_000, 140_000), ("launch-mini", 100_000, 1_400_000),
      ("gpt-4o-audio-preview-launch", 1_000, 84_000),
    ])
  func launch(_ name: String, _ calls: Int, _ cents: Int) throws {
    let scenario = CallScenario(calls: calls, userSpeech: .seconds(120), agentSpeech: .seconds(180))
    for mode in CostMode.allCases {
      let bill = try Self.model(name).bill(for: scenario, mode: mode)
      #expect(bill.total == Self.cents(cents))
      #expect(bill.lines.count == 2)
    }
  }

  @Test func perMinuteAndTokensAgreeForWholeSeconds() throws {
    for model in PriceTable.builtIn.models where model.unit == .token {
      let scenario = CallScenario(calls: 7, userSpeech: .seconds(97), agentSpeech: .seconds(211), silence: .seconds(31))
      #expect(
        try model.bill(for: scenario, mode: .perMinute).total == model.bill(for: scenario, mode: .tokens).total,
        "\(model.id)")
    }
  }

  @Test func partsOfMinutesAndSeconds() throws {
    // 61.5 s, by the millisecond: 61.5 / 60 * 6 and 24 cents.
    let scenario = CallScenario(calls: 1, userSpeech: .milliseconds(61_500), agentSpeech: .milliseconds(61_500))
    #expect(try Self.model("launch").bill(for: scenario, mode: .perMinute).total == Money("0.3075"))
    // By whole seconds: 123 of them at 5 cents a minute.
    #expect(try Self.model("gpt-live-1").bill(for: scenario, mode: .perMinute).total == Money("0.1025"))
    let more = CallScenario(calls: 1, userSpeech: .milliseconds(61_501), agentSpeech: .milliseconds(61_500))
    #expect(try Self.model("gpt-live-1").bill(for: more, mode: .perMinute).total == Money("0.103333333333"))
  }

  @Test(
    "Silence costs what the service takes for it",
    arguments: [
      // A minute each of user, agent and silence, in ten-thousandths of a dollar.
      ("launch", 3_000), ("gpt-realtime-2.1", 192 + 768), ("gemini-3.8-live", 45 + 45 + 180), ("gpt-live-1", 1_500),
      ("elevenlabs-agents", 1_600 + 40), ("gpt-realtime-whisper", 340), ("xai-voice", 1_500),
    ])
  func silence(_ name: String, _ expected: Int) throws {
    let minute = Duration.seconds(60)
    let scenario = CallScenario(calls: 1, userSpeech: minute, agentSpeech: minute, silence: minute)
    for mode in [CostMode.perMinute, .tokens] {
      #expect(try Self.model(name).bill(for: scenario, mode: mode).total == Money("0.0001")! * expected)
    }
  }

  // MARK: By tokens

  @Test func theFloorOfFiveMinutes() throws {
    let scenario = CallScenario(calls: 1, userSpeech: .seconds(120), agentSpeech: .seconds(180))
    let bill = try Self.model("gpt-realtime-2.1").bill(for: scenario, mode: .tokens)
    #expect(bill.lines.map(\.quantity) == [1_200, 3_600])
    #expect(bill.callTotal == Money("0.2688") && bill.callTotal.text(decimals: 2) == "0.27")
  }

  @Test func aStartedTokenCounts() throws {
    let scenario = CallScenario(calls: 1, userSpeech: .milliseconds(101), agentSpeech: .milliseconds(51))
    #expect(try Self.model("realtime").bill(for: scenario, mode: .tokens).lines.map(\.quantity) == [2, 2])
    let whole = CallScenario(calls: 1, userSpeech: .milliseconds(100), agentSpeech: .milliseconds(50))
    #expect(try Self.model("realtime").bill(for: whole, mode: .tokens).lines.map(\.quantity) == [1, 1])
  }

  // MARK: With context

  /// A conversation as a list of what stands in it, summed anew for each turn. In picodollars: prices are per token.
  struct Conversation {
    struct Piece {
      var audio = 0
      var text = 0
    }

    var user: Int
    var agent: Int
    var transcript: Int
    var instructions: Int
    var turns: Int
    /// In millionths.
    var share: Int

    /// - Parameter prices: Audio in, cached, out, text in, cached, out.
    func cost(_ prices: [Int]) -> Int {
      var history = [Piece(text: instructions)]
      var previous = Piece()
      var cost = 0
      for turn in 0..<turns {
        history.append(Piece(audio: part(user, turn)))
        var input = Piece()
        for piece in history {
          input.audio += piece.audio
          input.text += piece.text
        }
        let cachedAudio = previous.audio * share / 1_000_000
        let cachedText = previous.text * share / 1_000_000
        cost += (input.audio - cachedAudio) * prices[0] + cachedAudio * prices[1]
        cost += (input.text - cachedText) * prices[3] + cachedText * prices[4]
        let answer = Piece(audio: part(agent, turn), text: part(transcript, turn))
        cost += answer.audio * prices[2] + answer.text * prices[5]
        history.append(answer)
        previous = input
      }
      return cost
    }

    private func part(_ all: Int, _ turn: Int) -> Int { all * (turn + 1) / turns - all * turn / turns }
  }

  @Test func contextIsWhatATurnByTurnSumSays() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let prices = [
      ("gpt-realtime-2.1", [32, 0, 64, 4, 0, 24], [0, 400_000, 0, 0, 400_000, 0], (10, 20)),
      ("gpt-realtime-mini", [10, 0, 20, 0, 0, 0], [0, 300_000, 0, 600_000, 60_000, 2_400_000], (10, 20)),
      ("gemini-3.8-live", [3, 3, 12, 0, 0, 0], [0, 0, 0, 750_000, 750_000, 4_500_000], (25, 25)),
    ]
    for _ in 0..<60 {
      let (name, dollars, rest, rates) = try #require(prices.randomElement(using: &random))
      let (user, agent) = (Int.random(in: 0...600, using: &random), Int.random(in: 0...600, using: &random))
      let conversation = Conversation(
        user: user * rates.0, agent: agent * rates.1, transcript: agent * 6,
        instructions: .random(in: 0...5_000, using: &random),
        turns: .random(in: 1...60, using: &random), share: .random(in: 0...1_000_000, using: &random))
      let scenario = CallScenario(
        calls: 3, userSpeech: .seconds(user), agentSpeech: .seconds(agent), turns: conversation.turns,
        instructionTokens: conversation.instructions, cacheShareInMillionths: conversation.share,
        transcriptTokensPerMinute: 360)
      let bill = try Self.model(name).bill(for: scenario, mode: .context)
      let expected = conversation.cost(zip(dollars, rest).map { $0 * 1_000_000 + $1 })
      #expect(bill.callTotal == Money("0.000000000001")! * expected, "seed \(seed): \(name) \(conversation)")
      #expect(bill.total == bill.lines.reduce(.zero) { $0 + $1.amount } * 3)
    }
  }

  @Test func fiveMinutesAreInTheRangeThatPeopleReport() throws {
    let model = try Self.model("gpt-realtime-2.1")
    let (least, most) = (try #require(Money("0.31")), try #require(Money("1.77")))
    let scenario = CallScenario(calls: 1)
    for turns in [2, 5, 10, 15] {
      for share in [0, 250_000, 500_000, 1_000_000] {
        var scenario = scenario
        (scenario.turns, scenario.cacheShareInMillionths) = (turns, share)
        let total = try model.bill(for: scenario, mode: .context).callTotal
        #expect(total > least && total < most, "\(turns) turns, \(share)")
      }
    }
    // The upper end: twenty turns, nothing cached, no transcripts.
    let worst = CallScenario(calls: 1, turns: 20, cacheShareInMillionths: 0, transcriptTokensPerMinute: 0)
    #expect(try model.bill(for: worst, mode: .context).callTotal.text(decimals: 2) == "1.77")
  }

  @Test func oneTurnWithoutInstructionsIsTheFloorAndItsTranscript() throws {
    let scenario = CallScenario(calls: 1, turns: 1, instructionTokens: 0, transcriptTokensPerMinute: 0)
    for model in PriceTable.builtIn.models where model.unit == .token {
      #expect(
        try model.bill(for: scenario, mode: .context).total == model.bill(for: scenario, mode: .tokens).total,
        "\(model.id)")
    }
  }

  @Test func moreNeverCostsLess() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for model in PriceTable.builtIn.models {
      for mode in CostMode.allCases {
        var scenario = CallScenario(
          calls: .random(in: 0...1_000_000, using: &random),
          userSpeech: .milliseconds(Int.random(in: 0...900_000, using: &random)),
          agentSpeech: .milliseconds(Int.random(in: 0...900_000, using: &random)),
          turns: .random(in: 1...50, using: &random), cacheShareInMillionths: .random(in: 0...999_999, using: &random))
        let bill = try model.bill(for: scenario, mode: mode)
        let same = scenario
        func isMore(_ change: (inout CallScenario) -> Void) throws -> Bool {
          scenario = same
          change(&scenario)
          return try model.bill(for: scenario, mode: mode).total >= bill.total
        }
        #expect(try isMore { $0.calls += 1 }, "seed \(seed)")
        #expect(try isMore { $0.userSpeech += .seconds(1) }, "seed \(seed)")
        #expect(try isMore { $0.agentSpeech += .seconds(1) }, "seed \(seed)")
        #expect(try isMore { $0.silence += .seconds(1) }, "seed \(seed)")
        #expect(try isMore { $0.instructionTokens += 100 }, "seed \(seed)")
        #expect(try isMore { $0.cacheShareInMillionths = 0 }, "seed \(seed)")
        // A further call costs as much as each.
        scenario = same
        scenario.calls += 1
        #expect(try model.bill(for: scenario, mode: mode).total - bill.total == bill.callTotal, "seed \(seed)")
      }
    }
  }

  @Test func theLargestScenarioHasASum() throws {
    let day = Duration.seconds(86_400)
    let scenario = CallScenario(
      calls: 1_000_000_000, userSpeech: day, agentSpeech: day, silence: day, turns: 10_000,
      instructionTokens: 1_000_000,
      cacheShareInMillionths: 0, transcriptTokensPerMinute: 1_000_000)
    for model in PriceTable.builtIn.models {
      for mode in CostMode.allCases { #expect(try model.bill(for: scenario, mode: mode).total > .zero) }
    }
  }

  @Test func whatIsOutOfRange() throws {
    let model = try Self.model("realtime")
    for scenario in [
      CallScenario(calls: -1), CallScenario(userSpeech: .milliseconds(-1)), CallScenario(silence: .seconds(86_401)),
      CallScenario(turns: 0), CallScenario(instructionTokens: -1), CallScenario(cacheShareInMillionths: 1_000_001),
      CallScenario(transcriptTokensPerMinute: -1),
    ] {
      #expect(throws: CostError.scenarioOutOfRange) { try model.bill(for: scenario, mode: .context) }
    }
    let text = try PriceTable(
      json: #"{"models":[{"id":"m","service":"s","unit":"token","text":{"in":"1"},"as_of":"2026-01","source":"x"}]}"#
        .utf8)
    #expect(throws: CostError.noAudioPrice(model: "m")) {
      try #require(text["m"]).bill(for: CallScenario(), mode: .tokens)
    }
  }
}
