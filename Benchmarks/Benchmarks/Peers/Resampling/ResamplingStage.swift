import AudioDSP
import CLibsamplerate
import CMeasurement
import CSoxr
import CSpeexDSP

/// Resampling of one channel to 24 kHz: each of our qualities against each peer.
struct ResamplingStage {
  static let rates = [48_000, 44_100, 16_000, 8_000]

  private static let ours = ResamplingQuality.allCases.map { quality in
    ResamplingEngine(name: quality.rawValue) { try OurResampler($0, quality: quality) }
  }

  private static let peers = [
    ResamplingEngine(name: "libsamplerate-best") { try LibsamplerateResampler($0, type: SRC_SINC_BEST_QUALITY) },
    ResamplingEngine(name: "libsamplerate-medium") { try LibsamplerateResampler($0, type: SRC_SINC_MEDIUM_QUALITY) },
    ResamplingEngine(name: "libsamplerate-fastest") { try LibsamplerateResampler($0, type: SRC_SINC_FASTEST) },
    ResamplingEngine(name: "soxr-hq") { try SoxrResampler($0, recipe: SOXR_HQ) },
    ResamplingEngine(name: "soxr-vhq") { try SoxrResampler($0, recipe: SOXR_VHQ) },
    ResamplingEngine(name: "speexdsp-q5") { try SpeexResampler($0, quality: SPEEX_RESAMPLER_QUALITY_DESKTOP) },
    ResamplingEngine(name: "libswresample") { try SwresampleResampler($0) },
  ]

  let rates: [Int]
  let effort: Effort
  let json: Bool

  func run() throws {
    for rate in rates {
      Report.progress("resample from \(rate) Hz: checking results")
      for engine in Self.ours + Self.peers { try engine.verify(rate: rate) }
      try report(.oneshot, rate: rate)
      try report(.stream20, rate: rate)
    }
  }

  private func report(_ mode: CaseResult.Mode, rate: Int) throws {
    Report.progress("resample from \(rate) Hz: \(mode.rawValue)")
    let engines = Self.ours + Self.peers
    let contenders = mode == .oneshot ? wholePasses(engines, rate: rate) : streamPasses(engines, rate: rate)
    let figures = try measure(contenders, effort: effort)
    let delays = try engines.map { mode == .oneshot ? nil : try $0.worstDelay(rate: rate) }
    if json {
      for i in Self.ours.indices {
        for j in Self.ours.count..<engines.count {
          let result = CaseResult(
            stage: .resample, quality: engines[i].name, inputRate: rate, mode: mode, unit: .timesRealTime,
            ours: figures[i].median, peerName: engines[j].name, peer: figures[j].median, ourWorstDelay: delays[i],
            peerWorstDelay: delays[j])
          try Report.result(result.json)
        }
      }
    } else {
      let rows = engines.indices.map { i in
        [engines[i].name] + [figures[i].median, figures[i].least, figures[i].most].map(Report.figure)
          + ["\(figures[i].passCount)", delays[i].map(Report.figure) ?? "-"]
          + Self.ours.indices.map { Report.figure(figures[$0].median / figures[i].median) }
      }
      let way = mode == .oneshot ? "in one call" : "in blocks of 20 ms"
      try Report.table(
        title: "resample \(rate) Hz to 24000 Hz, \(effort.audioSeconds) s \(way): times real time on one core",
        header: ["engine", "median", "least", "most", "passes", "worst delay ms"] + Self.ours.map { "\($0.name) / it" },
        rows: rows)
    }
  }

  /// A whole recording in one call, and the end of the stream.
  private func wholePasses(_ engines: [ResamplingEngine], rate: Int) -> [Contender] {
    // The same memory for all, so that most of it is in the cache whoever's turn it is.
    let input = AlignedBuffer(Signals.noise(count: effort.audioSeconds * rate))
    let output = AlignedBuffer<Float>(
      count: ResamplingEngine.outputCapacity(forInputCount: input.elements.count, rate: rate))
    return engines.map { engine in
      Contender(name: engine.name, workPerPass: Double(effort.audioSeconds)) {
        let resampler = try engine.make(rate)
        var written = 0
        let seconds = try processorTime {
          written = try resampler.process(UnsafeBufferPointer(input.elements), into: output.elements)
          written += try resampler.finish(into: output.elements.behind(written))
        }
        cm_keep(output.base)
        try check(written, engine, rate)
        return seconds
      }
    }
  }

  /// A stream in blocks of 20 ms that has run for a second, and runs on: neither its start nor its end counts.
  private func streamPasses(_ engines: [ResamplingEngine], rate: Int) -> [Contender] {
    // As from a microphone, a block is in the cache when it comes, and the output is used up before the next: a second that
    // repeats, and one buffer.
    let input = AlignedBuffer(Signals.noise(count: rate))
    let blockCount = ResamplingEngine.blockCount(rate)
    let output = AlignedBuffer<Float>(
      count: ResamplingEngine.outputCapacity(forInputCount: blockCount, rate: rate))
    return engines.map { engine in
      Contender(name: engine.name, workPerPass: Double(effort.audioSeconds)) {
        let resampler = try engine.make(rate)
        var written = 0
        func processOneSecond() throws {
          for start in stride(from: 0, to: rate, by: blockCount) {
            let block = UnsafeBufferPointer(start: input.base + start, count: blockCount)
            written += try resampler.process(block, into: output.elements)
            cm_keep(output.base)
          }
        }
        try processOneSecond()
        written = 0
        let seconds = try processorTime {
          for _ in 0..<effort.audioSeconds { try processOneSecond() }
        }
        try check(written, engine, rate)
        return seconds
      }
    }
  }

  /// A pass whose output has not the length of its input, but for a burst, did not do the work.
  private func check(_ written: Int, _ engine: ResamplingEngine, _ rate: Int) throws {
    let due = effort.audioSeconds * ResamplingEngine.outputRate
    guard abs(written - due) <= ResamplingEngine.outputRate / 5 else {
      throw WrongResult("\(engine.name) from \(rate) Hz: \(written) outputs where \(due) are due")
    }
  }
}
