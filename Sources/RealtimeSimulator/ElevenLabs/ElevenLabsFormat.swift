/// The names that ElevenLabs gives to formats.
enum ElevenLabsFormat {
  static func format(named name: String) -> WireFormat? {
    if name == "ulaw_8000" { return WireFormat(coding: .muLaw, rate: 8000) }
    guard name.hasPrefix("pcm_"), let rate = Int(name.dropFirst(4)),
      [8000, 16_000, 22_050, 24_000, 44_100, 48_000].contains(rate)
    else { return nil }
    return WireFormat(coding: .pcm16, rate: rate)
  }
}
