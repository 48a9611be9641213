import Foundation
import Testing

/// What fuzzing found worth keeping, through the same functions that the fuzzer calls.
///
/// Each target has a process of its own: an input that traps there fails a test and does not end all of them, and ffmpeg
/// is out of sight.
@Suite struct FuzzReplayTests {
  @Test("The corpus holds", arguments: FuzzTarget.allCases)
  func corpus(target: FuzzTarget) async throws {
    let inputs = try Self.inputs("Corpus", target)
    #expect(inputs.count >= 3, "no corpus of \(target)")
    try await Self.replay(target, "Corpus")
  }

  @Test("What was found once holds", arguments: FuzzTarget.allCases)
  func crashes(target: FuzzTarget) async throws {
    if try Self.inputs("Crashes", target).isEmpty { return }
    try await Self.replay(target, "Crashes")
  }

  @Test("A finding ends a replay, and is told")
  func canary() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "utter-replay-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let last = folder.appending(path: "last").path
    await #expect(processExitsWith: .failure) { [last = last as String] in
      try Self.note("a-bad-input", in: last)
      throw FuzzFinding("something")
    }
    #expect(try String(contentsOfFile: last, encoding: .utf8) == "a-bad-input")
  }

  private static func replay(_ target: FuzzTarget, _ kind: String) async throws {
    let last = FileManager.default.temporaryDirectory.appending(path: "utter-replay-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: last) }
    let result = await #expect(processExitsWith: .success) {
      [name = target.rawValue as String, kind = kind as String, last = last as String] in
      setenv("PATH", "/nonexistent", 1)
      guard let target = FuzzTarget(rawValue: name) else { throw FuzzFinding("no target \(name)") }
      for input in try Self.inputs(kind, target) {
        try Self.note("\(input.path): a trap", in: last)
        do {
          try target.run(Array(Data(contentsOf: input)))
        } catch {
          try Self.note("\(input.path): \(error)", in: last)
          throw error
        }
      }
    }
    if result == nil {
      let finding = (try? String(contentsOfFile: last, encoding: .utf8)) ?? "no input"
      Issue.record("\(target), \(finding)")
    }
  }

  /// Leaves word of what is tried, for when it ends the process.
  private static func note(_ text: String, in path: String) throws {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  /// The files of a target.
  private static func inputs(_ folder: String, _ target: FuzzTarget) throws -> [URL] {
    let fuzzing = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let url = fuzzing.appending(path: "\(folder)/\(target.rawValue)")
    guard FileManager.default.fileExists(atPath: url.path) else { return [] }
    return try FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: nil)
      .filter { !$0.lastPathComponent.hasPrefix(".") }
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
  }
}
