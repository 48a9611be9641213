import Foundation
import Synchronization

/// Runs a command's work on its inputs, several at a time, and hands on the results in the order of the inputs.
///
/// An input that fails is told and does not stop the others. Memory is bounded: at most ``aheadLimit`` results wait for
/// one that takes longer.
struct ArchiveRun {
  /// How far the work may be ahead of the first input that is not done. A result is small beside a recording.
  private static let aheadLimit = 256

  let files: [InputFiles.File]
  /// What could not be walked, and why.
  let unreadableFolders: [String]
  let jobCount: Int
  let isQuiet: Bool

  init(_ inputs: InputFiles, _ options: ArchiveOptions) {
    files = inputs.files
    unreadableFolders = inputs.unreadableFolders
    jobCount = min(files.count, options.jobs ?? ProcessInfo.processInfo.activeProcessorCount)
    isQuiet = options.quiet
  }

  /// - Parameters:
  ///   - work: Is called on any thread, for a single input on this one.
  ///   - deliver: Is called on this thread, in the order of the inputs, for each whose work has not failed.
  ///   - finish: Is called when all is done, and not when the run is given up.
  /// - Throws: ``Failure/alreadyTold`` where an input failed, and what `deliver` and `finish` throw, which ends the
  ///   run.
  func callAsFunction<Result: Sendable>(
    work: @escaping @Sendable (InputTask) throws -> Result, deliver: (InputFiles.File, Result) throws -> Void,
    finish: () throws -> Void
  ) throws {
    defer { Diagnostics.eraseBar() }
    if files.count == 1, unreadableFolders.isEmpty {
      let task = InputTask(
        files[0], progress: ArchiveProgress(files, isShown: !isQuiet), isAlone: true, isCancelled: { false })
      do {
        try deliver(files[0], work(task))
      } catch {
        throw Failure(error, of: task.name)
      }
      return try finish()
    }
    for folder in unreadableFolders { Diagnostics.write("utter: \(folder)") }
    let progress = ArchiveProgress(files, isShown: !isQuiet)
    let queue = WorkQueue(files, progress, aheadLimit: Self.aheadLimit, work: work)
    queue.start(threadCount: jobCount)
    // Files that are being written must be given up before the process ends, however this returns.
    defer { queue.cancelAndWait() }
    try deliverAll(of: queue, deliver, finish)
  }

  private func deliverAll<Result: Sendable>(
    of queue: WorkQueue<Result>, _ deliver: (InputFiles.File, Result) throws -> Void, _ finish: () throws -> Void
  ) throws {
    var failedCount = 0
    var skippedCount = 0
    for (index, file) in files.enumerated() {
      let (task, result) = queue.result(at: index)
      let lines = task.takeLines()
      switch result {
      case .success(let value):
        Diagnostics.write(lines)
        if task.isSkipped { skippedCount += 1 }
        do {
          try deliver(file, value)
        } catch {
          throw Failure(error, of: task.name)
        }
      case .failure(let failure):
        if failure.isQuiet { throw failure }
        Diagnostics.write(lines + ["utter: \(failure)"])
        failedCount += 1
        if failure.endsRun {
          let restCount = files.count - index - 1
          throw Failure("stopped: \(counted(restCount, "file")) of \(files.count) not done")
        }
      }
    }
    try finish()
    if !isQuiet { Diagnostics.write(summary(queue.progress, failedCount: failedCount, skippedCount: skippedCount)) }
    if failedCount > 0 { Diagnostics.write("utter: \(failedCount) of \(files.count) files failed") }
    if failedCount > 0 || !unreadableFolders.isEmpty { throw Failure.alreadyTold }
  }

  private func summary(_ progress: ArchiveProgress, failedCount: Int, skippedCount: Int) -> String {
    let (audio, elapsed) = progress.totals
    if skippedCount == files.count { return "\(counted(skippedCount, "file")), all there already" }
    var line = "\(counted(files.count - failedCount - skippedCount, "file")), "
    line += "\(String(format: "%.1f", audio)) s of audio in \(String(format: "%.2f", elapsed)) s"
    if elapsed > 0 { line += " (\(Int(audio / elapsed))x real time)" }
    if skippedCount > 0 { line += ", \(skippedCount) more were there already" }
    return line
  }
}

/// Inputs that threads take one by one, and their results.
private final class WorkQueue<Success: Sendable>: @unchecked Sendable {
  // Sendable, because all that changes is changed under `condition`.

  typealias Outcome = Result<Success, Failure>

  /// In seconds: many times what a thread takes to see that nobody waits for it, unless it waits itself.
  private static var patience: TimeInterval { 5 }

  let progress: ArchiveProgress
  private let tasks: [InputTask]
  private let aheadLimit: Int
  private let work: @Sendable (InputTask) throws -> Success
  private let condition = NSCondition()
  private let cancelled = CancellationFlag()
  private var outcomes: [Int: Outcome] = [:]
  private var nextIndex = 0
  /// The first input whose result has not been taken.
  private var waitingIndex = 0
  private var runningThreadCount = 0

  init(
    _ files: [InputFiles.File], _ progress: ArchiveProgress, aheadLimit: Int,
    work: @escaping @Sendable (InputTask) throws -> Success
  ) {
    let cancelled = cancelled
    tasks = files.map { InputTask($0, progress: progress, isAlone: false, isCancelled: { cancelled.isSet }) }
    self.progress = progress
    self.aheadLimit = aheadLimit
    self.work = work
  }

  func start(threadCount: Int) {
    runningThreadCount = threadCount
    for _ in 0..<threadCount {
      Thread { [self] in
        while let index = take() { put(outcome(of: tasks[index]), at: index) }
        endThread()
      }.start()
    }
  }

  /// Waits for a result; each is taken once, in order.
  func result(at index: Int) -> (InputTask, Outcome) {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let outcome = outcomes.removeValue(forKey: index) {
        waitingIndex = index + 1
        condition.broadcast()
        return (tasks[index], outcome)
      }
      condition.wait()
    }
  }

  /// Has the threads end soon, and waits for that; not for ever, as one may read a pipe into which nothing comes.
  func cancelAndWait() {
    cancelled.set()
    condition.lock()
    defer { condition.unlock() }
    condition.broadcast()
    let limit = Date(timeIntervalSinceNow: Self.patience)
    while runningThreadCount > 0, condition.wait(until: limit) {}
  }

  /// The next input to work on; nil when there is none or nobody waits.
  private func take() -> Int? {
    condition.lock()
    defer { condition.unlock() }
    while !cancelled.isSet, nextIndex < tasks.count, nextIndex >= waitingIndex + aheadLimit { condition.wait() }
    guard !cancelled.isSet, nextIndex < tasks.count else { return nil }
    nextIndex += 1
    return nextIndex - 1
  }

  private func outcome(of task: InputTask) -> Outcome {
    do {
      let result = try work(task)
      task.end(hasFailed: false)
      return .success(result)
    } catch {
      task.end(hasFailed: true)
      return .failure(Failure(error, of: task.name))
    }
  }

  private func put(_ outcome: Outcome, at index: Int) {
    condition.lock()
    defer { condition.unlock() }
    outcomes[index] = outcome
    condition.broadcast()
  }

  private func endThread() {
    condition.lock()
    defer { condition.unlock() }
    runningThreadCount -= 1
    condition.broadcast()
  }
}

/// Set once, by one thread, and read by others.
private final class CancellationFlag: Sendable {
  private let flag = Atomic(false)

  var isSet: Bool { flag.load(ordering: .acquiring) }

  func set() { flag.store(true, ordering: .releasing) }
}
