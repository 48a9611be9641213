import AudioDSP
import AudioFiles
import Foundation
import Testing

/// `--channel auto`, in every command that has the option.
@Suite struct AutomaticChannelTests {
  private static func samples(_ arguments: [String]) throws -> [Float] {
    let folder = try TemporaryFolder()
    let path = folder.path("out.wav")
    let outcome = try Tool.run(
      ["convert"] + arguments.prefix(1) + [path, "--encoding", "float32"] + arguments.dropFirst())
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    var reader = try AudioFileReader(path: path)
    var samples: [Float] = []
    try reader.forEachBlock { block in for i in block.indices { samples.append(block[i]) } }
    return samples
  }

  @Test func aDeadChannelIsLeftOut() throws {
    let file = Tool.audio("dead-right-channel-44k1.flac")
    let live = try Self.samples([file, "--rate", "44100", "--channel", "0"])
    let found = try Self.samples([file, "--rate", "44100", "--channel", "auto"])
    #expect(found.count == live.count)
    // It is known after the first block of 10 ms, and faded in over 30 ms.
    #expect(Array(found.dropFirst(4_410)) == Array(live.dropFirst(4_410)))
    let mean = try Self.samples([file, "--rate", "44100"])
    #expect(mean == live.map { $0 / 2 })
    #expect(try Self.samples([file, "--rate", "44100", "--channel", "mean"]) == mean)
  }

  @Test func anInvertedChannelIsNoLoss() throws {
    let file = Tool.audio("inverted-right-channel-8k.flac")
    func power(_ samples: [Float]) -> Float { samples.reduce(0) { $0 + $1 * $1 } }
    let one = power(try Self.samples([file, "--rate", "8000", "--channel", "0"]))
    #expect(power(try Self.samples([file, "--rate", "8000"])) < 0.01 * one)
    #expect(power(try Self.samples([file, "--rate", "8000", "--channel", "auto"])) > 0.8 * one)
  }

  @Test func everyCommandFindsTheSpeech() throws {
    let file = Tool.audio("inverted-right-channel-8k.flac")
    let segments = try Tool.run("vad", file, "--channel", "auto", "--format", "csv")
    #expect(segments.status == 0 && segments.lines.count == 3, "\(segments.text)")
    // At another rate, in chunks and as one file: the same engine, from the same channel.
    let converted = try ChunkCommandTests.converted(file, rate: 24_000, "--channel", "auto")
    let chunked = try Tool.run("chunk", file, "--channel", "auto")
    #expect(chunked.status == 0)
    let folder = try TemporaryFolder()
    let events = try folder.write("events.jsonl", Array(chunked.output))
    let back = folder.path("back.wav")
    #expect(try Tool.run("unchunk", events, back).status == 0)
    #expect(try Data(contentsOf: URL(filePath: back)).suffix(converted.count) == converted)
    let pieces = folder.path("pieces")
    let split = try Tool.run("split", file, "--out-dir", pieces, "--channel", "auto")
    #expect(split.status == 0, "\(split.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: pieces).filter { $0.hasSuffix(".wav") }.count == 2)
  }

  @Test func whatIsNoChannelIsMisuse() throws {
    for name in ["automatic", "-1", "best", ""] {
      #expect(try Tool.run("vad", Tool.speech, "--channel", name).status == 64)
    }
    #expect(try Tool.run("convert", "--help").text.contains("auto leaves out channels"))
  }
}
