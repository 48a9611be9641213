import Foundation
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Synchronization
import Testing

/// The README's smallest session, as it stands there.
private func session(
  _ endpoint: ServiceEndpoint, microphone: AsyncStream<[Float]>, speaker: @escaping @Sendable ([Int16]) async -> Void,
  print: @escaping @Sendable (String) -> Void
) async throws {
  // README begins
  let client = try VoiceClient(endpoint, SessionConfiguration(endpoint.dialect))
  await client.start()
  Task {
    for await block in microphone { try await client.hear(block) }
    await client.endInput()
  }
  Task {
    while await !client.isClosed { await speaker(client.play(480).samples) }
  }
  for await event in client.events {
    if case .text(let words) = event.event, words.isWhole { print("\(words.speaker): \(words.text)") }
    if case .answerFinished = event.event { await client.close() }
  }
  // README ends
}

extension ClientSuites {
  @Suite("The smallest session") struct SmallestSessionTests {
    @Test func isWhatTheReadmeShows() throws {
      let readme = try String(
        contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../README.md"),
        encoding: .utf8)
      let source = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
      let begin = try #require(source.range(of: "  // README begins\n"))
      let end = try #require(source.range(of: "  // README ends\n"))
      let body = source[begin.upperBound..<end.lowerBound].split(separator: "\n").map { $0.dropFirst(2) }
      #expect(readme.contains(body.joined(separator: "\n")))
      #expect(body.count <= 15)
    }

    @Test func works() async throws {
      let simulator = try await Simulator.start()
      let lines = Mutex<[String]>([])
      let played = Mutex(0)
      let microphone = AsyncStream<[Float]> { continuation in
        for block in SpokenSound.blocks { continuation.yield(block) }
        continuation.finish()
      }
      let endpoint = try ServiceEndpoint(.openAI, url: simulator.url(.openAI))
      try await session(endpoint, microphone: microphone) { samples in
        played.withLock { $0 += samples.count { $0 != 0 } }
        try? await Task.sleep(for: .milliseconds(5))
      } print: { line in
        lines.withLock { $0.append(line) }
      }
      try await simulator.stop()
      #expect(lines.withLock { $0 }.contains { $0.hasPrefix("assistant: ") })
    }
  }
}

/// Speech of the repository's, at 24 kHz, in blocks of 20 ms.
enum SpokenSound {
  static var blocks: [[Float]] {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../TestAudio/pcm24-extensible-24k.wav")
    // 24-bit samples behind a header; what the header holds in excess is a click, which does no harm.
    guard let data = try? Data(contentsOf: url) else { return [] }
    let bytes = [UInt8](data.dropFirst(80))
    let samples = stride(from: 0, to: bytes.count - 2, by: 3).map { place -> Float in
      let value = Int32(bytes[place]) << 8 | Int32(bytes[place + 1]) << 16 | Int32(bytes[place + 2]) << 24
      return Float(value) / 2_147_483_648
    }
    return stride(from: 0, to: samples.count, by: 480).map { Array(samples[$0..<min($0 + 480, samples.count)]) }
  }
}
