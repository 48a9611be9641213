struct GeminiContext: Sendable {}
final class GeminiSession: VoiceSession {
  init(_ context: SessionContext) {}
  func begin() {}
  func receive(_ message: [UInt8], isBinary: Bool) {}
  func becameWritable() {}
  func end() {}
}
