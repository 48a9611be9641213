import AudioDSP
import Foundation
import Synchronization
import Testing

/// A pipe is a live microphone: what is said in it leaves as an event at once.
///
/// A recording is written to the tool in pieces of 10 ms. Whenever a piece completes an event, or what the detector needs
/// to decide upon one, nothing more is written until the event has come out: a tool that waits for more than it needs
/// never gives it. So nothing here depends on how busy the machine is.
@Suite(.serialized) struct LivePipeTests {
  private static let pieceMilliseconds = 10
  private static let chunkMilliseconds = 40
  /// No event takes longer than this, on any machine.
  private static let limit = Duration.seconds(30)

  /// What came of a recording that was written to the tool.
  private struct Play {
    var lines: [String]
    var errors: String
    var status: Int32
    /// The event that did not come when it was due.
    var missing: Int?
    /// How long after the last piece that they needed the events came.
    var delays: [Duration] = []
  }

  /// - Parameters:
  ///   - samples: Of 16 bits.
  ///   - due: For each line, the seconds of the recording before which it cannot come; `nil` for a recording that is
  ///     written as fast as it is taken.
  ///   - lookAhead: The seconds with which it must have come behind that, unless they are behind the end.
  private func play(
    _ arguments: [String], header: [UInt8], _ samples: [UInt8], rate: Int, due: [Double]?, lookAhead: Double = 0
  ) throws -> Play {
    let process = Process()
    let (input, output, errors) = (Pipe(), Pipe(), Pipe())
    process.executableURL = Tool.url
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let came = LineCollector(output.fileHandleForReading)

    var play = Play(lines: [], errors: "", status: 0)
    let pieceSize = 2 * rate * Self.pieceMilliseconds / 1_000
    var next = 0
    try input.fileHandleForWriting.write(contentsOf: header)
    for offset in stride(from: 0, to: samples.count, by: pieceSize) {
      let end = min(offset + pieceSize, samples.count)
      try input.fileHandleForWriting.write(contentsOf: samples[offset..<end])
      let written = ContinuousClock.now
      let seconds = Double(end / 2) / Double(rate)
      guard let due else { continue }
      while next < due.count, due[next] + lookAhead <= seconds {
        guard came.wait(for: next + 1, Self.limit) else {
          play.missing = next
          break
        }
        play.delays.append(came.times[next] - written)
        next += 1
      }
      // What came before its samples would be made up.
      #expect(came.times.count <= due.count { $0 <= seconds }, "after \(seconds) s")
      if play.missing != nil { break }
    }
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    play.errors = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    play.lines = came.finish()
    play.status = process.terminationStatus
    return play
  }

  /// A recording of 16 bits, without its header.
  private func samples(of name: String, seconds: Double, rate: Int) throws -> [UInt8] {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: Tool.audio(name))))
    return Array(bytes[44..<min(bytes.count, 44 + 2 * Int(seconds * Double(rate)))])
  }

  /// As a program writes that does not know how long it will go on.
  private func header(_ container: String, rate: Int) -> [UInt8] {
    func little(_ value: Int, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    func big(_ value: Int) -> [UInt8] { little(value, 4).reversed() }
    switch container {
    case "au": return Array(".snd".utf8) + [28, 0xFFFF_FFFF, 3, rate, 1, 0].flatMap(big)
    case "raw": return []
    default:
      let size = container == "wav-0" ? 0 : 0xFFFF_FFFF
      let format = little(16, 4) + little(1, 2) + little(1, 2) + little(rate, 4) + little(2 * rate, 4)
      return Array("RIFF".utf8) + little(size, 4) + Array("WAVEfmt ".utf8) + format + little(2, 2) + little(16, 2)
        + Array("data".utf8) + little(size, 4)
    }
  }

  /// - Parameter awaitedCount: The events that must come before the end of the input.
  private func expectInTime(_ play: Play, _ name: String, _ due: [Double], awaitedCount: Int) {
    #expect(play.status == 0, "\(play.errors)")
    #expect(
      play.missing == nil, "\(name): event \(play.missing ?? 0) does not come with second \(due[play.missing ?? 0])")
    #expect(play.delays.count == awaitedCount)
    let sorted = play.delays.sorted().map { $0 / .milliseconds(1) }
    guard let last = sorted.last else { return }
    print(
      "\(name): \(sorted.count) events, "
        + String(format: "%.1f ms median, %.1f ms at most", sorted[sorted.count / 2], last))
  }

  @Test(arguments: ["wav", "wav-0", "au"])
  func aChunkLeavesWithItsLastSample(container: String) throws {
    let samples = try samples(of: "clean-mono-16k.wav", seconds: 2, rate: 16_000)
    let played = container == "au" ? samples.swappedPairs : samples
    let due = (1...50).map { Double($0 * Self.chunkMilliseconds) / 1_000 }
    // The resampler needs less than a piece behind a sample.
    let play = try play(
      ["chunk", "-"], header: header(container, rate: 16_000), played, rate: 16_000, due: due, lookAhead: 0.01)
    #expect(play.lines.count == 50)
    // The last one comes with the end.
    expectInTime(play, container, due, awaitedCount: 49)
  }

  @Test func aTurnIsTakenLive() throws {
    let folder = try TemporaryFolder()
    let samples = try samples(of: "clean-mono-16k.wav", seconds: 10, rate: 16_000)
    let arguments = ["chunk", "-", "--vad", "turns", "--hangover-ms", "200", "--manifest", folder.path("m.jsonl")]
    let header = header("wav", rate: 16_000)
    // When a listener who hears all at once knows of what.
    let whole = try play(arguments, header: header, samples, rate: 16_000, due: nil)
    #expect(whole.status == 0, "\(whole.errors)")
    let manifest = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: folder.path("m.jsonl"))))
    let segments = (manifest as? [String: Any])?["segments"] as? [[String: Any]] ?? []
    try #require(segments.count >= 2)
    var due: [Double] = []
    var lines = whole.lines[...]
    for segment in segments {
      let sent = try #require(segment["sent"] as? [String: Any])
      let decided = try #require(segment["start_decided_s"] as? Double)
      var place = try #require(sent["start"] as? Int)
      let eventCount = try #require(segment["events"] as? Int)
      for _ in 0..<eventCount {
        let next = lines.popFirst()
        place += try sampleCount(of: try #require(next))
        due.append(max(Double(place) / 24_000, decided))
      }
      #expect(place == sent["end"] as? Int)
      let last = lines.popFirst()
      #expect(last == #"{"type":"input_audio_buffer.commit"}"#)
      due.append(try #require(segment["end_decided_s"] as? Double))
    }
    #expect(lines.isEmpty)
    // Samples follow the scores of their frames, which need a piece more.
    let live = try play(arguments, header: header, samples, rate: 16_000, due: due, lookAhead: 0.02)
    let isSame = live.lines == whole.lines
    #expect(isSame)
    expectInTime(live, "turns", due, awaitedCount: due.count { $0 + 0.02 <= 10 })
  }

  /// Ctrl-C ends a recording that is being made; what has come is written whole.
  @Test(
    .timeLimit(.minutes(10)),
    arguments: [
      ["convert", "-", "OUT"], ["chunk", "-", "--vad", "turns", "--out", "OUT"], ["vad", "-", "--format", "csv"],
    ])
  func anInterruptionEndsALiveInput(arguments: [String]) throws {
    let folder = try TemporaryFolder()
    let samples = try samples(of: "clean-mono-16k.wav", seconds: 3, rate: 16_000)
    // The same recording from a pipe that ends.
    let whole = try folder.write("whole.wav", header("wav", rate: 16_000) + samples)
    let expected = try Tool.shell(
      "cat '\(whole)' | \"$UTTER\" "
        + arguments.map { $0 == "OUT" ? "'\(folder.path("expected.wav"))'" : $0 }.joined(separator: " "))

    let process = Process()
    let (input, output) = (Pipe(), Pipe())
    process.executableURL = Tool.url
    process.arguments = arguments.map { $0 == "OUT" ? folder.path("got.wav") : $0 }
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: header("wav", rate: 16_000) + samples)
    // All is taken when nothing is left in the pipe.
    var waiting: Int32 = 1
    while waiting > 0 {
      try #require(ioctl(input.fileHandleForWriting.fileDescriptor, UInt(FIONREAD), &waiting) == 0)
      usleep(1_000)
    }
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
    #expect(output.fileHandleForReading.availableData == expected.output)
    if arguments.contains("OUT") {
      #expect(
        try Data(contentsOf: URL(filePath: folder.path("got.wav")))
          == Data(contentsOf: URL(filePath: folder.path("expected.wav"))))
    }
  }

  private func sampleCount(of event: String) throws -> Int {
    let object = try JSONSerialization.jsonObject(with: Data(event.utf8)) as? [String: Any]
    let audio = try #require((object?["audio"] as? String).flatMap { Data(base64Encoded: $0) })
    return audio.count / 2
  }
}

extension [UInt8] {
  /// 16-bit samples in the other byte order.
  fileprivate var swappedPairs: [UInt8] {
    indices.map { self[$0 ^ 1] }
  }
}

/// The lines that a process writes, and when each came.
private final class LineCollector: Sendable {
  private struct State {
    var lines: [String] = []
    var times: [ContinuousClock.Instant] = []
    var hasEnded = false
  }

  private let state = Mutex(State())
  private let changed = DispatchSemaphore(value: 0)

  init(_ output: FileHandle) {
    Thread { [self] in
      var rest: [UInt8] = []
      while case let data = output.availableData, !data.isEmpty {
        let time = ContinuousClock.now
        rest += data
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          let text = String(decoding: rest[..<end], as: UTF8.self)
          rest.removeSubrange(...end)
          state.withLock {
            $0.lines.append(text)
            $0.times.append(time)
          }
          changed.signal()
        }
      }
      state.withLock { $0.hasEnded = true }
      changed.signal()
    }
    .start()
  }

  var times: [ContinuousClock.Instant] { state.withLock { $0.times } }

  /// - Returns: Whether there are so many lines, before the limit and the end of the output.
  func wait(for count: Int, _ limit: Duration) -> Bool {
    let deadline = DispatchTime.now() + (limit / .seconds(1))
    while true {
      let (hasCome, hasEnded) = state.withLock { ($0.lines.count >= count, $0.hasEnded) }
      if hasCome || hasEnded { return hasCome }
      guard changed.wait(timeout: deadline) == .success else { return false }
    }
  }

  /// All lines, when the output has ended.
  func finish() -> [String] {
    while true {
      let (lines, hasEnded) = state.withLock { ($0.lines, $0.hasEnded) }
      if hasEnded { return lines }
      changed.wait()
    }
  }
}
