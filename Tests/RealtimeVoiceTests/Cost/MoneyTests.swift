import RealtimeVoice
import Testing

@Suite struct MoneyTests {
  @Test func t() throws { #expect(PriceTable.builtIn.models.count > 20) }
}
