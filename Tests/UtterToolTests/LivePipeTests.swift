import AudioDSP
import Foundation
import Synchronization
import Testing

/// A pipe is a live microphone: what is said in it leaves as an event at once.
///
/// A recording is written to the tool in pieces of 10 ms, each at its time, and the time at which each event comes out is
/// held against the time at which its last sample went in, or, where the detector must make up its mind first, at which
/// a live listener knows.
@Suite(.serialized) struct LivePipeTests {
  private static let pieceMilliseconds = 10
  private static let chunkMilliseconds = 40

  /// What came of a recording that was played to the tool.
  private struct Play {
    /// When each piece of the recording had been written.
    var written: [ContinuousClock.Instant]
    /// When each line came.
    var lines: [(text: String, time: ContinuousClock.Instant)]
    var errors: String
    var status: Int32

    /// How long after the recording's instant `seconds` had been written something came.
    func delay(of time: ContinuousClock.Instant, after seconds: Double) -> Double {
      let piece = Int((seconds * 1_000 / Double(pieceMilliseconds)).rounded(.up)) - 1
      return (time - written[min(max(0, piece), written.count - 1)]) / .milliseconds(1)
    }
  }

  /// Plays samples of 16 bits in real time.
  private func play(_ arguments: [String], header: [UInt8], _ samples: [UInt8], rate: Int) throws -> Play {
    let process = Process()
    let (input, output, errors) = (Pipe(), Pipe(), Pipe())
    process.executableURL = Tool.url
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let lines = Mutex<[(text: String, time: ContinuousClock.Instant)]>([])
    let reader = Thread {
      var rest: [UInt8] = []
      while case let data = output.fileHandleForReading.availableData, !data.isEmpty {
        let time = ContinuousClock.now
        rest += data
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          let text = String(decoding: rest[..<end], as: UTF8.self)
          lines.withLock { $0.append((text, time)) }
          rest.removeSubrange(...end)
        }
      }
      lines.withLock { $0.append(("", .now)) }
    }
    reader.start()

    var written: [ContinuousClock.Instant] = []
    let pieceSize = 2 * rate * Self.pieceMilliseconds / 1_000
    let start = ContinuousClock.now
    try input.fileHandleForWriting.write(contentsOf: header)
    for offset in stride(from: 0, to: samples.count, by: pieceSize) {
      // A piece is there when its last sample has been spoken.
      let due = start + .milliseconds((offset / pieceSize + 1) * Self.pieceMilliseconds)
      while ContinuousClock.now < due { usleep(500) }
      try input.fileHandleForWriting.write(contentsOf: samples[offset..<min(offset + pieceSize, samples.count)])
      written.append(.now)
    }
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    while lines.withLock({ $0.last?.text.isEmpty != true }) { usleep(1_000) }
    return Play(
      written: written, lines: lines.withLock { $0.dropLast() }, errors: errorText, status: process.terminationStatus)
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

  /// Nearly all are in time, however busy the machine is with other tests, and none is far off.
  private func expectInTime(_ delays: [Double], _ name: String) {
    let sorted = delays.sorted()
    let (median, late) = (sorted[sorted.count / 2], sorted[sorted.count * 9 / 10])
    print(
      "\(name): \(delays.count) events, \(String(format: "%.1f ms median, %.1f ms for 90 %%, %.1f ms at most", median, late, sorted.last!))"
    )
    #expect(late <= Double(Self.chunkMilliseconds), "\(name)")
    #expect(sorted.last! <= 1_000, "\(name)")
    // What came before its samples would be made up.
    #expect(sorted.first! >= -Double(Self.pieceMilliseconds), "\(name)")
  }

  @Test(.timeLimit(.minutes(2)), arguments: ["wav", "wav-0", "au"])
  func aChunkLeavesWithItsLastSample(container: String) throws {
    let samples = try samples(of: "clean-mono-16k.wav", seconds: 2, rate: 16_000)
    let played = container == "au" ? samples.swappedPairs : samples
    let play = try play(["chunk", "-"], header: header(container, rate: 16_000), played, rate: 16_000)
    #expect(play.status == 0, "\(play.errors)")
    #expect(play.lines.count == 50)
    // The last one comes with the end of the input.
    let delays = play.lines.dropLast().enumerated().map { index, line in
      play.delay(of: line.time, after: Double((index + 1) * Self.chunkMilliseconds) / 1_000)
    }
    expectInTime(delays, container)
  }

  @Test(.timeLimit(.minutes(2))) func aTurnIsTakenLive() throws {
    let folder = try TemporaryFolder()
    let samples = try samples(of: "clean-mono-16k.wav", seconds: 10, rate: 16_000)
    let play = try play(
      ["chunk", "-", "--vad", "turns", "--hangover-ms", "200", "--manifest", folder.path("m.jsonl")],
      header: header("wav", rate: 16_000),
      samples, rate: 16_000)
    #expect(play.status == 0, "\(play.errors)")
    let manifest = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: folder.path("m.jsonl"))))
    let segments = (manifest as? [String: Any])?["segments"] as? [[String: Any]] ?? []
    try #require(segments.count >= 2)
    var delays: [Double] = []
    var lines = play.lines[...]
    for segment in segments {
      let sent = try #require(segment["sent"] as? [String: Any])
      let decided = try #require(segment["start_decided_s"] as? Double)
      var place = try #require(sent["start"] as? Int)
      let eventCount = try #require(segment["events"] as? Int)
      for _ in 0..<eventCount {
        let next = lines.popFirst()
        let line = try #require(next)
        place += try sampleCount(of: line.text)
        delays.append(play.delay(of: line.time, after: max(Double(place) / 24_000, decided)))
      }
      #expect(place == sent["end"] as? Int)
      let last = lines.popFirst()
      let commit = try #require(last)
      #expect(commit.text == #"{"type":"input_audio_buffer.commit"}"#)
      let endDecided = try #require(segment["end_decided_s"] as? Double)
      delays.append(play.delay(of: commit.time, after: endDecided))
    }
    #expect(lines.isEmpty)
    expectInTime(delays, "turns")
  }

  /// Ctrl-C ends a recording that is being made; what has come is written whole.
  @Test(
    .timeLimit(.minutes(1)),
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
