import AudioDSP
import AudioFiles
import Foundation
import Testing

@Suite struct ConvertCommandTests {
  @Test(arguments: [
    ("wav", "pcm16"), ("wav", "pcm24"), ("wav", "float32"), ("wav", "ulaw"), ("wav", "alaw"), ("flac", "pcm16"),
    ("aiff", "pcm16"), ("au", "ulaw"), ("caf", "float32"), ("w64", "pcm16"), ("rf64", "pcm16"),
  ])
  func theNameChoosesTheContainer(container: String, encoding: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("out.\(container)")
    let outcome = try Tool.run("convert", Tool.audio("stereo-44k1.ogg"), path, "--encoding", encoding, "--rate", "8000")
    #expect(outcome.status == 0)
    #expect(outcome.output.isEmpty && outcome.errors.isEmpty)
    var reader = try AudioFileReader(path: path)
    #expect(reader.sampleRate == .hz8000)
    #expect(reader.channelCount == 1)
    var count = 0
    var energy = 0.0
    try reader.forEachBlock { block in
      count += block.count
      for i in block.indices { energy += Double(block[i] * block[i]) }
    }
    // 4.72 s of speech, at about -23 dBFS while someone speaks.
    let frames = try #require(try Self.frameCount("stereo-44k1.ogg"))
    #expect(count == (frames * 8_000 + 44_099) / 44_100)
    #expect((1e-4...1e-1).contains(energy / Double(count)))
  }

  private static func frameCount(_ name: String) throws -> Int? {
    var reader = try AudioFileReader(path: Tool.audio(name))
    var count = 0
    let channels = reader.channelCount
    try reader.forEachBlock { count += $0.count / channels }
    return count
  }

  @Test(arguments: [4_000, 8_000, 11_025, 44_100, 48_000, 192_000])
  func theLengthIsExact(rate: Int) throws {
    let converted = try ChunkCommandTests.converted(Tool.audio("mono-22k05.caf"), rate: rate)
    let frames = try #require(try Self.frameCount("mono-22k05.caf"))
    #expect(converted.count / 2 == (frames * rate + 22_049) / 22_050)
  }

  @Test func theSameRateAndOneChannelChangeNothing() throws {
    let file = Tool.audio("clean-mono-16k.wav")
    let converted = try ChunkCommandTests.converted(file, rate: 16_000)
    // The samples stand behind a header of 44 bytes.
    #expect(try converted == Data(contentsOf: URL(filePath: file)).dropFirst(44))
  }

  @Test func standardOutputIsAWholeFile() throws {
    let folder = try TemporaryFolder()
    #expect(try Tool.run("convert", Tool.speech, folder.path("a.wav")).status == 0)
    let file = try Data(contentsOf: URL(filePath: folder.path("a.wav")))
    #expect(try Tool.run("convert", Tool.speech, "-").output == file)
    #expect(try Tool.shell("\"$UTTER\" convert '\(Tool.speech)' - | cat").output == file)
  }

  @Test(arguments: [["a"], ["a.flac", "--encoding", "float32"], ["no/such/folder/a.wav"]])
  func whatCannotBeWrittenIsSaid(arguments: [String]) throws {
    let folder = try TemporaryFolder()
    let path = folder.path(arguments[0])
    let outcome = try Tool.run(["convert", Tool.speech, path] + arguments.dropFirst())
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("utter: \(path): "))
    #expect(outcome.errorLines.count == 2)
    #expect(try folder.contents.isEmpty)
  }

  @Test func anExtensionThatNamesNoFormatIsMisuse() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run("convert", Tool.speech, folder.path("a.xyz"))
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains(".xyz names no format that can be written (wav, flac,"))
    #expect(try folder.contents.isEmpty)
  }

  @Test func aFileThatIsReplacedIsReplacedWhole() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a.wav", Array("what was here before".utf8))
    #expect(try Tool.run("convert", folder.path("missing.wav"), path).status == 1)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "what was here before")
    #expect(try Tool.run("convert", Tool.speech, path).status == 0)
    #expect(try AudioFileReader(path: path).frameCount == 276_000)
  }
}
