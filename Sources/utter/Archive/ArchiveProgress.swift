import Foundation
import Synchronization

/// How far a run over many files is, in files, in seconds of audio and in bytes, by which the time left is reckoned.
final class ArchiveProgress: Sendable {
  private struct State: Sendable {
    var progress = Progress()
    var finishedCount = 0
    var seconds = 0.0
    /// Of `totalWork`.
    var work = 0.0
  }

  private let isShown: Bool
  private let fileCount: Int
  private let totalWork: Double
  private let state = Mutex(State())

  init(_ files: [InputFiles.File], isShown: Bool) {
    self.isShown = isShown
    fileCount = files.count
    totalWork = files.reduce(0) { $0 + $1.weight }
  }

  /// - Parameters:
  ///   - name: What the present file is called, which is shown where there is no other.
  ///   - seconds: How many more seconds of audio are done.
  ///   - work: How much more of all files' weights is done; nil where that cannot be known.
  func advance(_ name: String, seconds: Double, work: Double?) {
    state.withLock { state in
      state.seconds += seconds
      state.work += work ?? 0
      guard isShown else { return }
      let part = work == nil && fileCount == 1 ? nil : state.work / max(1, totalWork)
      let rate = Double(state.finishedCount) / max(1e-9, state.progress.elapsedSeconds)
      state.progress.update(
        fileCount == 1 ? name : "\(state.finishedCount) of \(fileCount) files", part: part, seconds: state.seconds,
        details: fileCount == 1 ? nil : String(format: "%.\(rate < 10 ? 1 : 0)f files/s", rate))
    }
  }

  /// A file is done, or has failed.
  ///
  /// - Parameter failedSeconds: The seconds of audio that came to nothing.
  func finishFile(failedSeconds: Double) {
    state.withLock { state in
      state.finishedCount += 1
      state.seconds -= failedSeconds
    }
  }

  /// The seconds of audio that were done, and how long that took.
  var totals: (audioSeconds: Double, elapsedSeconds: Double) {
    state.withLock { ($0.seconds, $0.progress.elapsedSeconds) }
  }
}
