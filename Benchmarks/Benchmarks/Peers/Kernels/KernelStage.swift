import CMeasurement
import Foundation

/// One of the stages that convert a block at a time and keep no filter.
struct KernelStage {
  /// One way to do it, ours or a peer's.
  struct Candidate {
    var name: String
    /// Does the same work as often as it is told.
    var `repeat`: (Int) throws -> Void
    /// Fails unless the work just done was right.
    var verify: () throws -> Void
  }

  /// One size of block.
  struct Block {
    /// What the rate counts: the raw bytes of base64, the bytes of the floats otherwise.
    var sizeInBytes: Int
    var ours: Candidate
    var peers: [Candidate]
  }

  let stage: Stage
  let effort: Effort
  let json: Bool

  init(_ stage: Stage, effort: Effort, json: Bool) {
    self.stage = stage
    self.effort = effort
    self.json = json
  }

  func run() throws {
    let blocks: [Block] =
      switch stage {
      case .resample: []
      case .base64Encode: try [960, 4_800].map(Block.base64Encode)
      case .base64Decode: try [960, 4_800].map(Block.base64Decode)
      case .floatToPCM16: [try .floatToPCM16()]
      case .pcm16ToFloat: [try .pcm16ToFloat()]
      case .downmix: [try .downmix()]
      case .frameFeatures: [try .frameFeatures()]
      }
    for block in blocks { try report(block) }
  }

  private func report(_ block: Block) throws {
    Report.progress("\(stage.rawValue), \(block.sizeInBytes) bytes")
    let candidates = [block.ours] + block.peers
    for candidate in candidates {
      try candidate.repeat(1)
      do {
        try candidate.verify()
      } catch {
        throw WrongResult("\(stage.rawValue), \(block.sizeInBytes) bytes, \(candidate.name): \(error)")
      }
    }
    let figures = try measure(candidates.map { try contender($0, sizeInBytes: block.sizeInBytes) }, effort: effort)
    if json {
      for i in candidates.indices.dropFirst() {
        let result = CaseResult(
          stage: stage, mode: .oneshot, unit: .gigabytesPerSecond, sizeInBytes: block.sizeInBytes,
          ours: figures[0].median, peerName: candidates[i].name, peer: figures[i].median)
        try Report.result(result.json)
      }
    } else {
      let rows = candidates.indices.map { i in
        [candidates[i].name] + [figures[i].median, figures[i].least, figures[i].most].map(Report.figure)
          + ["\(figures[i].passCount)", Report.figure(figures[0].median / figures[i].median)]
      }
      try Report.table(
        title: "\(stage.rawValue), \(block.sizeInBytes) bytes: GB/s",
        header: ["engine", "median", "least", "most", "passes", "ours / it"], rows: rows)
    }
  }

  /// Passes of as many repetitions as make the clock's own cost, below a microsecond, not count.
  private func contender(_ candidate: Candidate, sizeInBytes: Int) throws -> Contender {
    var count = 64
    while try processorTime(of: { try candidate.repeat(count) }) < 2e-3 { count *= 2 }
    return Contender(name: candidate.name, workPerPass: Double(count * sizeInBytes) * 1e-9) {
      try processorTime { try candidate.repeat(count) }
    }
  }
}

extension KernelStage.Block {
  /// Where an output should start within its page when its input starts one: at no time do reading and writing come to the
  /// same place of two pages, although they advance at different speeds.
  static func outputOffset(inputByteCount: Int, outputByteCount: Int) -> Int {
    2_048 - (outputByteCount - inputByteCount) / 2
  }

  /// The limit: as many bytes as the stage reads, copied.
  static func copy<Element>(_ source: AlignedBuffer<Element>, byteCount: Int) -> KernelStage.Candidate {
    let target = AlignedBuffer<UInt8>(
      count: byteCount, offset: outputOffset(inputByteCount: byteCount, outputByteCount: byteCount))
    return KernelStage.Candidate(
      name: "memcpy",
      repeat: { count in
        for _ in 0..<count {
          memcpy(target.base, source.base, byteCount)
          cm_keep(target.base)
        }
      },
      verify: {
        guard memcmp(target.base, source.base, byteCount) == 0 else { throw WrongResult("no copy") }
      })
  }
}
