import Foundation

/// What the tool makes of a recording.
struct ToolReading {
  var status: Int32
  /// The lines on standard error.
  var lines: [String]
  /// The file it wrote; nil when there is none.
  var file: Data?
  /// The samples in it, as bytes, which are compared faster.
  var sampleBytes: Data?
  var samples: [Float]? { sampleBytes?.floats }

  private init(status: Int32, lines: [String], output: String) throws {
    self.status = status
    self.lines = lines
    guard FileManager.default.fileExists(atPath: output) else { return }
    let bytes = try Data(contentsOf: URL(filePath: output))
    file = bytes
    // A WAV file of floats: chunks from byte 12 on.
    var place = 12
    while place + 8 <= bytes.count {
      let size = bytes[place + 4..<place + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      if bytes[place..<place + 4].elementsEqual("data".utf8) {
        sampleBytes = Data(bytes.dropFirst(place + 8).prefix(size))
        return
      }
      place += 8 + size + size % 2
    }
  }

  private static func options(_ rate: Int) -> [String] { ["--rate", "\(rate)", "--encoding", "float32"] }

  /// Reads a file.
  init(file: String, rate: Int, in folder: TemporaryFolder) throws {
    let output = folder.path("file-\(UUID().uuidString).wav")
    let outcome = try Tool.run(["convert", file, output] + Self.options(rate))
    try self.init(status: outcome.status, lines: outcome.errorLines.filter { !$0.isEmpty }, output: output)
  }

  /// Reads several files in one run, which gives of each what a run for it alone gives, but for one exit code for all.
  static func readings(of files: [String], rate: Int, in folder: TemporaryFolder) throws -> [ToolReading] {
    let place = folder.path("files-\(UUID().uuidString)")
    let outcome = try Tool.run(["convert"] + files + [place, "--quiet"] + options(rate))
    let lines = outcome.errorLines.filter { !$0.isEmpty }
    let readings = try files.map { file in
      let output = "\(place)/\((file as NSString).lastPathComponent).wav"
      let own = lines.filter { $0.contains("\(file): ") }
      let isFailed = own.contains { !$0.hasPrefix("utter: warning: ") }
      return try ToolReading(status: isFailed ? 1 : 0, lines: own, output: output)
    }
    // The one code and the line that counts failures agree with the lines.
    let failedCount = readings.count { $0.status == 1 }
    let isTold = failedCount == 0 || lines.contains("utter: \(failedCount) of \(files.count) files failed")
    let told = readings.reduce(0) { $0 + $1.lines.count } + (failedCount > 0 ? 1 : 0)
    guard outcome.status == (failedCount > 0 ? 1 : 0), isTold, told == lines.count else {
      throw Contradiction(description: "exit \(outcome.status) and these lines:\n\(outcome.errors)")
    }
    return readings
  }

  struct Contradiction: Error, CustomStringConvertible {
    var description: String
  }

  /// Reads a pipe into which bytes are written in pieces of these sizes, in turn.
  init(pipe bytes: Data, pieces: [Int], rate: Int, in folder: TemporaryFolder) throws {
    let output = folder.path("pipe-\(UUID().uuidString).wav")
    let errors = folder.path("errors-\(UUID().uuidString)")
    _ = FileManager.default.createFile(atPath: errors, contents: nil)
    let process = Process()
    let pipe = Pipe()
    process.executableURL = Tool.url
    process.arguments = ["convert", "-", output] + Self.options(rate)
    process.standardInput = pipe
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
    try process.run()
    let writing = pipe.fileHandleForWriting
    try? pipe.fileHandleForReading.close()
    let thread = Thread {
      // A tool that gives up closes its end; that is to end this thread and not the tests.
      var signals = sigset_t()
      sigemptyset(&signals)
      sigaddset(&signals, SIGPIPE)
      pthread_sigmask(SIG_BLOCK, &signals, nil)
      var (position, turn) = (bytes.startIndex, 0)
      while position < bytes.endIndex {
        let end = min(position + pieces[turn % pieces.count], bytes.endIndex)
        do { try writing.write(contentsOf: bytes[position..<end]) } catch { break }
        (position, turn) = (end, turn + 1)
      }
      try? writing.close()
    }
    thread.start()
    process.waitUntilExit()
    let text = String(decoding: try Data(contentsOf: URL(filePath: errors)), as: UTF8.self)
    let lines = text.split(separator: "\n").map(String.init)
    let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    try self.init(status: status, lines: lines, output: output)
  }
}
