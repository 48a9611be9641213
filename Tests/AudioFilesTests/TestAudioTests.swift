import AudioFiles
import Foundation
import Testing

/// The recordings in TestAudio are what their manifest says.
@Suite struct TestAudioTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("TestAudio")

  struct Entry: Decodable, Sendable, CustomTestStringConvertible {
    var file: String
    var lossy: Bool
    var sample_rate: Int
    var channels: Int
    var sample_frames: Int
    var testDescription: String { file }
  }

  static func manifest() throws -> [Entry] {
    let data = try Data(contentsOf: folder.appendingPathComponent("manifest.json"))
    return try JSONDecoder().decode([Entry].self, from: data)
  }

  @Test func manifestIsThere() throws {
    #expect(try Self.manifest().count > 20)
  }

  @Test(arguments: (try? manifest()) ?? [])
  func entry(_ entry: Entry) throws {
    let recording = try Recording(Self.folder.appendingPathComponent(entry.file).path, blockSizes: [10_000])
    #expect(recording.sampleRate == entry.sample_rate)
    #expect(recording.channelCount == entry.channels)
    #expect(recording.framesRead == entry.sample_frames)
    #expect(recording.frameCount == entry.sample_frames)
    #expect(recording.promisedFrameCount == entry.sample_frames)
    #expect(recording.truncation == nil)
    #expect(recording.samples.allSatisfy { $0.isFinite })
    #expect(recording.samples.contains { $0 != 0 } || entry.file.contains("silence"))
  }
}
