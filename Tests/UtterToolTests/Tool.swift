import Foundation

/// The tool, run as users run it.
enum Tool {
  struct Outcome {
    var status: Int32
    var output: Data
    var errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
    var errorLines: [String] { errors.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
  }

  /// Built beside the program that runs the tests.
  static let url = Bundle.main.bundleURL.deletingLastPathComponentIfFile().appending(path: "utter")

  static let repository = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  static let speech = audio("speech.wav")

  static func audio(_ name: String) -> String { repository.appending(path: "TestAudio/\(name)").path }

  /// Runs the tool to its end.
  static func run(_ arguments: String..., input: Data? = nil, environment: [String: String] = [:]) throws -> Outcome {
    try run(arguments, input: input, environment: environment)
  }

  static func run(
    _ arguments: [String], input: Data? = nil, environment: [String: String] = [:]
  ) throws -> Outcome {
    // Files, because a full pipe would stop a tool that writes to both.
    let folder = try TemporaryFolder()
    let (outputPath, errorPath) = (folder.path("output"), folder.path("errors"))
    _ = FileManager.default.createFile(atPath: outputPath, contents: nil)
    _ = FileManager.default.createFile(atPath: errorPath, contents: nil)
    let process = Process()
    process.executableURL = url
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: outputPath))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: errorPath))
    if let input {
      let inputPath = folder.path("input")
      try input.write(to: URL(filePath: inputPath))
      process.standardInput = try FileHandle(forReadingFrom: URL(filePath: inputPath))
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    try process.run()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
      output: try Data(contentsOf: URL(filePath: outputPath)),
      errors: String(decoding: try Data(contentsOf: URL(filePath: errorPath)), as: UTF8.self))
  }

  /// Runs a shell's command line, in which `$UTTER` is the tool.
  static func shell(_ command: String) throws -> Outcome {
    let folder = try TemporaryFolder()
    let errorPath = folder.path("errors")
    _ = FileManager.default.createFile(atPath: errorPath, contents: nil)
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", command]
    process.environment = ProcessInfo.processInfo.environment.merging(["UTTER": url.path]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = try FileHandle(forWritingTo: URL(filePath: errorPath))
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: output,
      errors: String(decoding: try Data(contentsOf: URL(filePath: errorPath)), as: UTF8.self))
  }
}

extension URL {
  fileprivate func deletingLastPathComponentIfFile() -> URL {
    // The bundle of a test program is a folder on Apple's platforms and a file on Linux.
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    return exists && isFolder.boolValue && pathExtension != "xctest" ? self : deletingLastPathComponent()
  }
}

/// A folder that goes away with the test.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "utter-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    return file.path
  }

  /// What lies in the folder, hidden files included.
  var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}

/// Files that are not what they should be, or hardly.
enum Damaged {
  /// The header of a WAV file, and what follows it.
  static func wav(
    channels: UInt16 = 1, rate: UInt32 = 16_000, promisedFrames: UInt32, frames: Int
  ) -> [UInt8] {
    let frameSize = UInt32(max(1, channels)) * 2
    let dataSize = promisedFrames * frameSize
    var bytes = Array("RIFF".utf8) + little(36 + dataSize) + Array("WAVEfmt ".utf8) + little(UInt32(16))
    bytes += little(UInt16(1)) + little(channels) + little(rate) + little(rate * frameSize)
    bytes += little(UInt16(frameSize)) + little(UInt16(16)) + Array("data".utf8) + little(dataSize)
    // A ramp, so that there is something to hear.
    for i in 0..<frames * Int(max(1, channels)) { bytes += little(UInt16(truncatingIfNeeded: i * 37)) }
    return bytes
  }

  private static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    (0..<MemoryLayout<Value>.size).map { UInt8(truncatingIfNeeded: value >> Value(8 * $0)) }
  }
}
