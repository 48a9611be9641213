import AudioTestSupport
import Foundation
import Testing

@testable import utter

/// What splitting takes does not grow with the recording.
@Suite struct SplitMemoryTests {
  /// Speech, over and over: mono WAV at 16 kHz.
  static func write(_ path: String, seconds: Int) throws {
    let speech = try Data(contentsOf: URL(filePath: Tool.audio("clean-mono-16k.wav"))).dropFirst(44)
    try Data(Damaged.wav(promisedFrames: UInt32(seconds * 16_000), frames: 0)).write(to: URL(filePath: path))
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.seekToEnd()
    var left = seconds * 32_000
    while left > 0 {
      try file.write(contentsOf: speech.prefix(left))
      left -= min(left, speech.count)
    }
    try file.close()
  }

  static func split(_ path: String, _ name: String, _ options: [String]) throws {
    let arguments = ["\(path)/\(name).wav", "--out-dir", "\(path)/\(name)", "--detector", "energy", "-q"]
    let command = try SplitCommand.parse(arguments + options)
    try command.run()
  }

  @Test(arguments: [
    [], ["--whole"], ["--whole", "--max-bytes", "1MB"], ["--hangover-ms", "10000"],
    ["--hangover-ms", "10000", "--max-segment-s", "20"],
  ])
  func tenMinutesTakeWhatTenSecondsDo(options: [String]) async throws {
    let folder = try TemporaryFolder()
    try Self.write(folder.path("short.wav"), seconds: 20)
    try Self.write(folder.path("long.wav"), seconds: 600)
    let words = options.joined(separator: " ")
    await #expect(processExitsWith: .success) { [path = folder.url.path as String, words = words as String] in
      let options = words.split(separator: " ").map(String.init)
      try SplitMemoryTests.split(path, "short", options)
      let before = peakMemoryInBytes()
      try SplitMemoryTests.split(path, "long", options)
      let growth = peakMemoryInBytes() - before
      // As 16 bits, the recording has 29 MB at 24 kHz. Half of a megabyte is held, and room is made by doubling.
      #expect(growth < 4 << 20, "\(growth)")
    }
  }
}
