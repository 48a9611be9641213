import AudioTestSupport
import RealtimeVoice
import Testing

@Suite struct PayloadDecoderTests {
  @Test func halfSamplesWaitForTheirItem() {
    var decoder = PayloadDecoder()
    func samples(_ bytes: [UInt8], _ item: String?) -> [Int16] {
      decoder.decode(AudioEvent.Payload(side: .received, bytes: bytes, itemID: item), as: .pcm16)
    }
    #expect(samples([1, 2, 3], "a") == [0x0201])
    #expect(samples([9], "b") == [])
    #expect(decoder.halfSampleCount == 2)
    #expect(samples([4, 5], "a") == [0x0403])
    #expect(samples([0xFF], "b") == [Int16(bitPattern: 0xFF09)])
    #expect(samples([6, 7, 8], "a") == [0x0605, 0x0807])
    #expect(decoder.halfSampleCount == 0)
    #expect(samples([1], nil) == [])
    #expect(decoder.halfSampleCount == 1)
  }

  @Test(arguments: [AudioEvent.Encoding.muLaw, .aLaw])
  func eightBitsAreG711(encoding: AudioEvent.Encoding) {
    let reference = encoding == .muLaw ? ReferenceG711.muLaw : .aLaw
    let codes = (0...255).map { UInt8($0) }
    var decoder = PayloadDecoder()
    let samples = decoder.decode(AudioEvent.Payload(side: .sent, bytes: codes), as: encoding)
    #expect(samples == codes.map { reference.decoded($0) })
    #expect(decoder.halfSampleCount == 0)
  }

  @Test func anyCutsGiveTheSameSamples() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let bytes = (0..<9_999).map { _ in UInt8.random(in: 0...255, using: &random) }
    let expected = (0..<4_999).map { Int16(bitPattern: UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8) }
    for _ in 0..<20 {
      var decoder = PayloadDecoder()
      let samples = random.cuts(of: bytes.count).flatMap {
        decoder.decode(AudioEvent.Payload(side: .sent, bytes: Array(bytes[$0])), as: .pcm16)
      }
      #expect(samples == expected, "seed \(seed)")
      #expect(decoder.halfSampleCount == 1)
    }
  }
}
