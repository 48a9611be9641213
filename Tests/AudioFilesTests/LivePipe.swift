import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// A pipe that a test writes to.
struct LivePipe {
  private let pipe = Pipe()

  var descriptor: Int32 { pipe.fileHandleForReading.fileDescriptor }

  /// - Parameter limit: When the pipe is closed if the test has not done it, so that a reader that waits for ever, for
  ///   which there is no reason, fails and does not hang.
  init(endingAfterSeconds limit: Int? = nil) {
    guard let limit else { return }
    let writing = pipe.fileHandleForWriting
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(limit)) { try? writing.close() }
  }

  /// Writes bytes now; no more than a pipe holds, or nobody would read them.
  func send(_ bytes: some Collection<UInt8>) {
    pipe.fileHandleForWriting.write(Data(bytes))
  }

  func end() throws {
    try pipe.fileHandleForWriting.close()
  }

  /// Has a thread write bytes in pieces of these sizes, in turn, and close the pipe.
  func feed(_ bytes: [UInt8], pieces: [Int], end: Bool = true) {
    let writing = pipe.fileHandleForWriting
    let thread = Thread {
      // A reader that gave up closes its end; that is to end this thread and not the process.
      var signals = sigset_t()
      sigemptyset(&signals)
      sigaddset(&signals, SIGPIPE)
      pthread_sigmask(SIG_BLOCK, &signals, nil)
      var position = 0
      var turn = 0
      while position < bytes.count {
        let count = min(pieces[turn % pieces.count], bytes.count - position)
        turn += 1
        do { try writing.write(contentsOf: Data(bytes[position..<position + count])) } catch { break }
        position += count
      }
      if end { try? writing.close() }
    }
    thread.start()
  }

  func reader(_ raw: RawSampleFormat? = nil) throws -> AudioFileReader {
    if let raw { return try AudioFileReader(fileDescriptor: descriptor, name: "pipe", raw: raw) }
    return try AudioFileReader(fileDescriptor: descriptor, name: "pipe")
  }

  /// What a pipe gives that gets these bytes in pieces of these sizes, in turn.
  static func recording(
    _ bytes: [UInt8], pieces: [Int] = [.max], raw: RawSampleFormat? = nil, blockSizes: [Int] = [4_096]
  ) throws -> Recording {
    let pipe = LivePipe()
    pipe.feed(bytes, pieces: pieces)
    var reader = try pipe.reader(raw)
    return try Recording(&reader, blockSizes: blockSizes)
  }
}
