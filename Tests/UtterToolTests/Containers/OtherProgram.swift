import Foundation

/// A program that is no part of this package: it makes files, and decodes them its own way.
struct OtherProgram {
  let path: String

  /// - Returns: Nil when it is not installed.
  init?(_ name: String) {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let found = folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let found else { return nil }
    path = found
  }

  static let ffmpeg = OtherProgram("ffmpeg")
  static let sox = OtherProgram("sox")

  /// - Parameter pipedTo: Where what it writes to its standard output goes, through a pipe, so that it cannot go back.
  /// - Returns: Whether it ended well.
  func run(_ arguments: [String], pipedTo output: String? = nil) throws -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    let command = output == nil ? #"shift; exec "$@""# : #"set -o pipefail; o="$1"; shift; "$@" | cat > "$o""#
    process.arguments = ["-c", command, "bash", output ?? "", path] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  /// What ffmpeg decodes of a file: interleaved samples at the file's own rate; nil when it does not.
  ///
  /// - Parameter options: Input options.
  func decode(_ file: String, _ options: [String], in folder: TemporaryFolder) throws -> [Float]? {
    let output = folder.path("decoded.f32")
    let arguments = ["-v", "quiet", "-nostdin", "-y"] + options + ["-i", file, "-map", "0:a:0", "-f", "f32le", output]
    guard try run(arguments) else { return nil }
    return try Data(contentsOf: URL(filePath: output)).floats
  }
}

extension Data {
  /// Floats in this machine's order, which is little-endian.
  var floats: [Float] {
    [Float](unsafeUninitializedCapacity: count / 4) { buffer, initializedCount in
      initializedCount = copyBytes(to: buffer) / 4
    }
  }
}
