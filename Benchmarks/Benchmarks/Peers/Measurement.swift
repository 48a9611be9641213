import Foundation

/// One way to do the work that is compared.
struct Contender {
  var name: String
  /// The work of one pass: seconds of audio, or gigabytes.
  var workPerPass: Double
  /// Does the work once, after preparing for it, and returns the processor time of the work alone, in seconds.
  var pass: () throws -> Double
}

/// What a contender reached: work per second of processor time, over all passes.
struct Figure {
  var median: Double
  var least: Double
  var most: Double
  var passCount: Int

  init(_ rates: [Double]) {
    let sorted = rates.sorted()
    median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    least = sorted[0]
    most = sorted[sorted.count - 1]
    passCount = sorted.count
  }
}

/// How long to measure.
struct Effort {
  /// The processor time of a contender's passes together, in seconds, where the bounds below leave the choice.
  var secondsPerContender: Double
  var passCounts: ClosedRange<Int>
  /// The length of the audio that a resampler gets in a pass.
  var audioSeconds: Int

  static let full = Effort(secondsPerContender: 0.8, passCounts: 5...101, audioSeconds: 30)
  static let quick = Effort(secondsPerContender: 0.2, passCounts: 3...21, audioSeconds: 10)
}

/// The processor time that `body` takes, in seconds: of all threads, so that a peer that starts some gains nothing, and
/// without what other processes take.
func processorTime(of body: () throws -> Void) rethrows -> Double {
  let begin = processorTime()
  try body()
  return processorTime() - begin
}

private func processorTime() -> Double {
  var time = timespec()
  guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { fatalError("there is no clock of processor time") }
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Has every contender do its passes, interleaved: whatever slows the machine down for a while hits them all.
func measure(_ contenders: [Contender], effort: Effort) throws -> [Figure] {
  // A first pass warms up, and its time tells how many more there can be.
  let plans = try contenders.map { contender in
    let seconds = try processorTime { _ = try contender.pass() }
    // What the others left in the caches costs a short pass more than it should, hence a pass before it that does not
    // count; in a long one it is lost.
    let rehearses = seconds < 0.1
    let count = Int(min(effort.secondsPerContender / (rehearses ? 2 * seconds : seconds), 1e6))
    return (count: min(max(count, effort.passCounts.lowerBound), effort.passCounts.upperBound), rehearses: rehearses)
  }
  var rates = [[Double]](repeating: [], count: contenders.count)
  let roundCount = plans.map(\.count).max() ?? 0
  for round in 0..<roundCount {
    for i in contenders.indices {
      // In another order each time, so that none always runs in the wake of the same other one.
      let index = (i + round) % contenders.count
      // Those with fewer passes have them spread over all rounds.
      let due = (round + 1) * plans[index].count / roundCount
      guard due > rates[index].count else { continue }
      if plans[index].rehearses { _ = try contenders[index].pass() }
      rates[index].append(contenders[index].workPerPass / (try contenders[index].pass()))
    }
  }
  return rates.map(Figure.init)
}

/// Something that was measured is not what it should be, so that its speed means nothing.
struct WrongResult: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
