import AudioDSP
import AudioFiles
import Foundation

/// What ends a command, in one line.
struct Failure: Error, CustomStringConvertible {
  var description: String
  /// The tool's exit status.
  var status: Int32 = 1
  /// Whether everything has been said already.
  var isQuiet = false

  init(_ description: String) {
    self.description = description
  }

  /// The reader of our output has gone: `| head` has what it wanted.
  static let outputClosed = Failure(quietly: 0)

  /// The failures of single files have been told as they came.
  static let alreadyTold = Failure(quietly: 1)

  private init(quietly status: Int32) {
    description = ""
    self.status = status
    isQuiet = true
  }

  /// A failure of the file `name`, whatever threw it.
  init(_ error: any Error, of name: String) {
    switch error {
    case let failure as Failure: self = failure
    // Its description names the file.
    case let error as AudioFileError:
      if case .system(.write, EPIPE) = error.problem { self = .outputClosed } else { self.init("\(error)") }
    default: self.init("\(name): \(error)")
    }
  }
}

/// Standard error: warnings, summaries and progress.
enum Diagnostics {
  /// Writes a line; what would break it, in a file's name say, is escaped.
  static func write(_ line: String) {
    Progress.erase()
    // Nothing can be done about a standard error that does not work.
    try? FileHandle.standardError.write(contentsOf: Data((line.onOneLine + "\n").utf8))
  }

  static func warn(_ line: String) {
    write("utter: warning: \(line)")
  }
}
