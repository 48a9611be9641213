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
  /// Whether what comes after would fail in the same way, as on a full disk.
  var endsRun = false

  init(_ description: String) {
    self.description = description
  }

  /// The reader of our output has gone: `| head` has what it wanted.
  static let outputClosed = Failure(quietly: 0)

  /// The failures of single files have been told as they came.
  static let alreadyTold = Failure(quietly: 1)

  /// Nobody waits for the result any more.
  static let cancelled = Failure(quietly: 1)

  private init(quietly status: Int32) {
    description = ""
    self.status = status
    isQuiet = true
  }

  /// A failure of the system to write to the file `name`.
  init(writing name: String, errorNumber: Int32) {
    if errorNumber == EPIPE {
      self = .outputClosed
    } else {
      self.init("\(name): cannot write: \(unsafe String(cString: strerror(errorNumber)))")
      endsRun = Self.isFull(errorNumber)
    }
  }

  /// Whether there is no room, on the disk or for this user.
  private static func isFull(_ errorNumber: Int32) -> Bool { errorNumber == ENOSPC || errorNumber == EDQUOT }

  /// A failure of the file `name`, whatever threw it.
  init(_ error: any Error, of name: String) {
    switch error {
    case let failure as Failure: self = failure
    case PreparationError<any Error>.output(let error): self.init(error, of: name)
    case let error as AudioFileError where error.problem == .notAudio:
      self.init("\(error) (bare samples need --raw)")
    // Its description names the file.
    case let error as AudioFileError:
      if case .system(.write, EPIPE) = error.problem { self = .outputClosed } else { self.init("\(error)") }
      if case .system(_, let number) = error.problem { endsRun = Self.isFull(number) }
    default: self.init("\(name): \(error)")
    }
  }
}
