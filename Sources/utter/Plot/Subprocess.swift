import Foundation

/// Another program, run to its end with bytes in and bytes out.
enum Subprocess {
  struct Outcome {
    /// The exit status; that of a shell where a signal ended the program.
    var status: Int32
    var output: [UInt8]
    var errors: [UInt8]
  }

  /// Where a program lies, by the folders of PATH. The present folder, which an empty entry stands for, is left out:
  /// what lies beside a recording is not to be run.
  static func find(_ program: String) -> URL? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(program)" }.first { path in
      var isFolder: ObjCBool = false
      return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        && FileManager.default.isExecutableFile(atPath: path)
    }.map { URL(filePath: $0) }
  }

  /// - Throws: Where the program cannot be started.
  static func run(_ executable: URL, _ arguments: [String], input: [UInt8]) throws -> Outcome {
    let (standardInput, standardOutput, standardError) = (Pipe(), Pipe(), Pipe())
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.standardInput = standardInput
    process.standardOutput = standardOutput
    process.standardError = standardError
    try process.run()
    let (output, errors) = exchange(
      input, with: standardInput.fileHandleForWriting, standardOutput.fileHandleForReading,
      standardError.fileHandleForReading)
    process.waitUntilExit()
    let status = process.terminationStatus
    return Outcome(
      status: process.terminationReason == .exit ? status : 128 + status, output: output, errors: errors)
  }

  /// Writes all input and reads all output at once, since a program that waits for room in one pipe would never read
  /// from the other.
  private static func exchange(
    _ input: [UInt8], with writer: FileHandle, _ output: FileHandle, _ errors: FileHandle
  ) -> (output: [UInt8], errors: [UInt8]) {
    _ = fcntl(writer.fileDescriptor, F_SETFL, fcntl(writer.fileDescriptor, F_GETFL) | O_NONBLOCK)
    var rest = input[...]
    var isWriting = true
    var read: [[UInt8]] = [[], []]
    // A negative descriptor is passed over.
    var entries = [
      pollfd(fd: writer.fileDescriptor, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: output.fileDescriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: errors.fileDescriptor, events: Int16(POLLIN), revents: 0),
    ]
    while entries.contains(where: { $0.fd >= 0 }) {
      guard unsafe poll(&entries, nfds_t(entries.count), -1) >= 0 else { continue }
      for i in 1...2 where entries[i].fd >= 0 && entries[i].revents != 0 {
        if !readSome(entries[i].fd, into: &read[i - 1]) { entries[i].fd = -1 }
      }
      if isWriting, entries[0].revents != 0 { isWriting = writeSome(&rest, to: entries[0].fd) }
      if !isWriting, entries[0].fd >= 0 {
        entries[0].fd = -1
        // The program waits for the end of its input.
        try? writer.close()
      }
    }
    return (read[0], read[1])
  }

  /// - Returns: Whether there may be more.
  private static func readSome(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
    let piece = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      unsafe count = max(0, Foundation.read(descriptor, buffer.baseAddress, buffer.count))
    }
    bytes += piece
    return !piece.isEmpty
  }

  /// - Returns: Whether there is more to write, and someone who reads.
  private static func writeSome(_ bytes: inout ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
    let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 { return errno == EAGAIN || errno == EINTR }
    bytes = bytes.dropFirst(count)
    return !bytes.isEmpty
  }
}
