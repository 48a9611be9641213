import AudioDSP
import Testing

@Suite struct SensitivityTests {
  @Test func theLowerTheSensitivityTheHigherTheThreshold() {
    let (low, normal, high) = (Sensitivity.low, Sensitivity.normal, Sensitivity.high)
    #expect(low.enterThreshold > normal.enterThreshold)
    #expect(normal.enterThreshold > high.enterThreshold)
    for sensitivity in Sensitivity.allCases {
      #expect((0...1).contains(sensitivity.enterThreshold))
      #expect(abs(sensitivity.exitThreshold - 0.7 * sensitivity.enterThreshold) < 1e-6)
    }
  }

  @Test func normalIsThatOfThePresets() {
    #expect(SegmenterConfiguration.speech.withThresholds(of: .normal) == .speech)
    #expect(SegmenterConfiguration.turns.withThresholds(of: .normal) == .turns)
  }

  @Test("The thresholds change, the durations do not", arguments: Sensitivity.allCases)
  func durations(sensitivity: Sensitivity) throws {
    let own = try SegmenterConfiguration(
      enterThreshold: 0.9, exitThreshold: 0.1, minimumSpeech: .milliseconds(20), hangover: .milliseconds(370),
      prefixPadding: .milliseconds(110), maximumSegment: .seconds(7))
    for configuration in [SegmenterConfiguration.speech, .turns, own] {
      let changed = configuration.withThresholds(of: sensitivity)
      #expect(changed.enterThreshold == sensitivity.enterThreshold)
      #expect(changed.exitThreshold == sensitivity.exitThreshold)
      #expect(changed.minimumSpeech == configuration.minimumSpeech)
      #expect(changed.hangover == configuration.hangover)
      #expect(changed.prefixPadding == configuration.prefixPadding)
      #expect(changed.maximumSegment == configuration.maximumSegment)
    }
  }
}
