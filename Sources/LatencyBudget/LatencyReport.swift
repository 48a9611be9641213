import AudioDSP

/// Where the milliseconds of a budget go, from a sample at the microphone to the bytes of an event.
///
/// ``totalMilliseconds`` is the sum over the stages of a chunk's path: of what each waits for by design, and of what
/// 99.9 % of its chunks do not exceed in computing. It is the latency of a chunk's first sample, which waits longest,
/// and an upper bound: the slowest of a thousand are rarely the same chunk's in all stages. What the detector waits for
/// passes while the resampler waits, too; a stage of its own, whose time is negative, takes that off.
public struct LatencyReport: Sendable {
  /// When a stage's time is spent.
  public enum Role: Sendable {
    /// On the way of every chunk.
    case chunk
    /// Only until the start of a turn is known.
    case turnStart
    /// Only until the end of a turn is known.
    case turnEnd
  }

  /// A line of the report.
  public struct Stage: Sendable {
    /// What spends the time.
    public var name: String
    /// What is waited for by design, in milliseconds; negative where it takes off what two stages wait for at the same
    /// time.
    public var algorithmicMilliseconds: Double
    /// What was measured; zeros where nothing is computed.
    public var compute: LatencyPercentiles
    /// Who can change the figure.
    public var owner: String
    /// When it is spent.
    public var role: Role

    /// What the stage takes of the budget, in milliseconds.
    public var milliseconds: Double { algorithmicMilliseconds + compute.p999 * 1e-3 }
  }

  /// What was measured.
  public let measurement: PathMeasurement
  /// What there is to spend, in milliseconds.
  public let budgetMilliseconds: Double
  /// What is waited for by design.
  public let delays: AlgorithmicDelays
  /// The lines, those of a chunk's path first.
  public let stages: [Stage]
  /// A whole chunk, measured by itself.
  public let chunk: LatencyPercentiles
  /// The same, with the wait for the streams that are served before.
  public let latency: LatencyPercentiles
  /// What one read of the clock costs, in nanoseconds. Each measured figure contains one; ``LatencyFigure/chunker`` and
  /// ``LatencyFigure/event`` contain two, and what a detector does by slices contains one for each.
  public let clockReadNanoseconds: Double

  /// The report of a measurement that has been run.
  public init(_ measurement: PathMeasurement, _ recorder: some LatencyRecorder, budgetMilliseconds: Double) {
    self.measurement = measurement
    self.budgetMilliseconds = budgetMilliseconds
    chunk = recorder.percentiles(of: .chunk)
    latency = recorder.percentiles(of: .latency)
    clockReadNanoseconds = NanosecondClock.readCost()

    let delays = AlgorithmicDelays(measurement.path)
    self.delays = delays
    var stages: [Stage] = []
    func add(
      _ name: String, _ delay: Double, _ compute: LatencyPercentiles = .none, owner: String, role: Role = .chunk
    ) {
      stages.append(
        Stage(name: name, algorithmicMilliseconds: delay, compute: compute, owner: owner, role: role))
    }
    add("chunk fill", delays.chunkFill, owner: "caller")
    add("device block", delays.deviceBlock, owner: "audio device")
    if measurement.streamCount > 1 {
      add("wait for other streams", 0, recorder.percentiles(of: .wait), owner: "caller")
    }
    for figure in LatencyFigure.stages {
      let compute = recorder.percentiles(of: figure)
      switch figure {
      case .resampler: add("resampler", delays.resampler, compute, owner: "AudioDSP")
      case .features: add("features", delays.frame, compute, owner: "AudioDSP")
      case .detector:
        add("look-ahead", delays.lookAhead, owner: "AudioDSP")
        // Not the negation, which has a zero of its own.
        add("overlap", 0 - delays.overlap, owner: "AudioDSP")
        add("\(measurement.path.detector.rawValue) detector", 0, compute, owner: "AudioDSP")
      case .event: add("event", 0, compute, owner: "RealtimeVoice")
      default: add("\(figure)", 0, compute, owner: "AudioDSP")
      }
    }
    add("attack (turn start)", delays.attack, owner: "caller", role: .turnStart)
    add("hangover (turn end)", delays.hangover, owner: "caller", role: .turnEnd)
    self.stages = stages
  }

  /// From a sample at the microphone to the bytes of its event, in milliseconds: the sum over the stages of a chunk's
  /// path.
  public var totalMilliseconds: Double {
    var sum = 0.0
    for stage in stages where stage.role == .chunk { sum += stage.milliseconds }
    return sum
  }

  /// What the budget has left for network and model, in milliseconds; negative where there is none.
  public var remainingMilliseconds: Double { budgetMilliseconds - totalMilliseconds }

  /// From the first sample of a turn to the decision that it has started, in milliseconds:
  /// ``AlgorithmicDelays/turnStart`` and what 99.9 % of the chunks do not exceed in computing, taken as a whole.
  public var turnStartMilliseconds: Double { delays.turnStart + latency.p999 * 1e-3 }

  /// From the last sample of a turn to the bytes of the event that closes it, in milliseconds:
  /// ``AlgorithmicDelays/turnEnd`` and what 99.9 % of the chunks do not exceed in computing, taken as a whole.
  public var turnEndMilliseconds: Double { delays.turnEnd + latency.p999 * 1e-3 }

  /// Whether a chunk keeps to the budget, and one core keeps up with all streams.
  public var isWithinBudget: Bool { totalMilliseconds <= budgetMilliseconds && keepsUp }

  /// Whether one core keeps up with all streams.
  public var keepsUp: Bool { measurement.meanRealTimeFactor >= Double(measurement.streamCount) }

  /// The instruction set that was used.
  public var backend: String { (try? KernelBackend.selected().rawValue) ?? "unknown" }

  /// The report as one JSON object on one line. `path` names the stages that add up to `total_ms`.
  ///
  /// - Parameter more: Further keys, with their values as JSON.
  public func json(_ more: [(key: String, value: String)] = []) -> String {
    let path = measurement.path
    let names = stages.filter { $0.role == .chunk }.map { "\"\($0.name)\"" }
    let fields: [(String, String)] =
      [
        ("budget_ms", Self.number(budgetMilliseconds)), ("total_ms", Self.number(totalMilliseconds)),
        ("stages", "[" + stages.map(Self.json).joined(separator: ",") + "]"),
        ("path", "[" + names.joined(separator: ",") + "]"),
        ("remaining_ms", Self.number(remainingMilliseconds)),
        ("turn_start_ms", Self.number(turnStartMilliseconds)), ("turn_end_ms", Self.number(turnEndMilliseconds)),
        ("chunk_compute_us", Self.json(chunk)), ("chunk_latency_us", Self.json(latency)),
        ("real_time_factor", Self.number(measurement.realTimeFactor)),
        ("mean_real_time_factor", Self.number(measurement.meanRealTimeFactor)),
        ("keeps_up", "\(keepsUp)"), ("deadline_misses", "\(measurement.deadlineMisses)"),
        ("chunks", "\(measurement.chunkCount)"), ("streams", "\(measurement.streamCount)"),
        ("chunk_ms", Self.number(delays.chunkFill)),
        ("input_rate", "\(path.inputRate.hertz)"), ("output_rate", "\(path.outputRate.hertz)"),
        ("quality", "\"\(path.quality.rawValue)\""), ("phase", "\"\(path.phase.rawValue)\""),
        ("detector", "\"\(path.detector.rawValue)\""), ("backend", "\"\(backend)\""),
        ("clock_read_ns", Self.number(clockReadNanoseconds)),
      ] + more.map { ($0.key, $0.value) }
    return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
  }

  private static func json(_ stage: Stage) -> String {
    #"{"name":"\#(stage.name)","algorithmic_ms":\#(number(stage.algorithmicMilliseconds)),"#
      + #""compute_us":\#(json(stage.compute)),"owner":"\#(stage.owner)"}"#
  }

  private static func json(_ figures: LatencyPercentiles) -> String {
    #"{"p50":\#(number(figures.p50)),"p99":\#(number(figures.p99)),"p999":\#(number(figures.p999)),"#
      + #""max":\#(number(figures.max))}"#
  }

  /// To a millionth: of a millisecond that is a nanosecond.
  private static func number(_ value: Double) -> String { "\((value * 1e6).rounded() / 1e6)" }
}
