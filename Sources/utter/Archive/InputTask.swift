import Synchronization

/// One input on its way through a command: what is said of it, and how far it is.
///
/// Where there are several inputs, what is said of each waits for its turn, so that lines come in the order of the
/// inputs whatever thread is done first.
final class InputTask: Sendable {
  private struct State: Sendable {
    var lines: [String] = []
    var seconds = 0.0
    var work = 0.0
    var isSkipped = false
  }

  let file: InputFiles.File
  private let progress: ArchiveProgress
  private let isAlone: Bool
  private let isCancelled: @Sendable () -> Bool
  private let state = Mutex(State())

  /// - Parameters:
  ///   - isAlone: Whether this is the only input, so that what is said of it need not wait.
  ///   - isCancelled: Whether nobody waits for the result any more.
  init(
    _ file: InputFiles.File, progress: ArchiveProgress, isAlone: Bool, isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.file = file
    self.progress = progress
    self.isAlone = isAlone
    self.isCancelled = isCancelled
  }

  /// What messages call the input.
  var name: String { file.path == "-" ? "standard input" : file.path }

  /// Says a line about the input.
  func tell(_ line: String) {
    if isAlone { Diagnostics.write(line) } else { state.withLock { $0.lines.append(line) } }
  }

  func warn(_ line: String) {
    tell(Diagnostics.warning(line))
  }

  /// What was said and has waited.
  func takeLines() -> [String] {
    state.withLock { state in
      defer { state.lines = [] }
      return state.lines
    }
  }

  /// Says how far the work is.
  ///
  /// - Parameters:
  ///   - seconds: Seconds of audio since the start.
  ///   - part: The part of the input, 0 to 1; nil where that cannot be known.
  /// - Throws: ``Failure/cancelled`` where nobody waits for the result any more.
  func advance(toSeconds seconds: Double, part: Double?) throws {
    if isCancelled() { throw Failure.cancelled }
    let (moreSeconds, moreWork) = state.withLock { state in
      let work = part.map { min(1, $0) * file.weight }
      defer {
        state.seconds = seconds
        state.work = work ?? state.work
      }
      return (seconds - state.seconds, work.map { $0 - state.work })
    }
    progress.advance(name, seconds: moreSeconds, work: moreWork)
  }

  /// The outputs were there already, and nothing was done.
  func skip() {
    state.withLock { $0.isSkipped = true }
  }

  var isSkipped: Bool { state.withLock { $0.isSkipped } }

  /// The work is done, or has failed.
  func end(hasFailed: Bool) {
    let (rest, seconds) = state.withLock { (file.weight - $0.work, $0.seconds) }
    progress.advance(name, seconds: 0, work: rest)
    progress.finishFile(failedSeconds: hasFailed ? seconds : 0)
  }
}
