import AudioDSP
import AudioFiles
import Foundation
import RealtimeVoice
import Testing

/// The README's example, as it stands there.
private func example(send: @escaping (Span<UInt8>) -> Void) throws {
  // README begins
  var reader = try AudioFileReader(path: "TestAudio/speech.wav")
  var chunker = try SpeechChunker(
    from: reader.sampleRate, to: Dialect.openAI.defaultRate, channelCount: reader.channelCount,
    chunkDuration: .milliseconds(40), segmentation: .turns)
  var sink = AudioEventSink(.openAI, marksTurns: true) { event in send(event) }
  try reader.forEachBlock { block in try chunker.process(block, into: &sink) }
  try chunker.finish(into: &sink)
  // README ends
}

@Suite struct ReadmeTests {
  @Test func theExampleIsWhatTheReadmeShows() throws {
    let readme = try String(contentsOf: Tool.repository.appending(path: "README.md"), encoding: .utf8)
    let source = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
    let begin = try #require(source.range(of: "  // README begins\n"))
    let end = try #require(source.range(of: "  // README ends\n"))
    let body = source[begin.upperBound..<end.lowerBound].split(separator: "\n").map { $0.dropFirst(2) }
    #expect(readme.contains(body.joined(separator: "\n")))
  }

  @Test func theExampleWorks() throws {
    #expect(FileManager.default.changeCurrentDirectoryPath(Tool.repository.path))
    nonisolated(unsafe) var events: [String] = []
    try example { event in
      events.append(String(decoding: (0..<event.count).map { event[$0] }, as: UTF8.self))
    }
    #expect(events == (try Tool.run("chunk", Tool.speech, "--vad", "turns").lines))
    #expect(events.count > 100)
  }

  @Test func theMainCommandPrintsWhatTheReadmeShows() throws {
    let readme = try String(contentsOf: Tool.repository.appending(path: "README.md"), encoding: .utf8)
    let outcome = try Tool.run(["chunk", Tool.speech])
    let shown = outcome.errors.replacingOccurrences(of: Tool.speech, with: "TestAudio/speech.wav")
    #expect(readme.contains(shown))
    #expect(readme.contains("prints \(outcome.lines.count) lines"))
  }
}
