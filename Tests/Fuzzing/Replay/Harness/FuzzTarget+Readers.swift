@testable import AudioFiles

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

extension FuzzTarget {
  /// How many samples of an input are read; a few bytes of a compressed format may hold hours.
  private static let sampleLimit = 1 << 15

  /// A file and a stream in pieces give the same samples, the same damage and the same error, in one line; counts agree;
  /// what has ended or failed stays so; no descriptor stays open.
  static func checkReaders(_ input: [UInt8], isAlone: Bool) throws {
    let firstFree = isAlone ? try lowestFreeDescriptor() : 0
    try checkReaders(input)
    if isAlone { try require(lowestFreeDescriptor() == firstFree, "a descriptor stays open") }
  }

  private static func lowestFreeDescriptor() throws -> Int32 {
    let descriptor = dup(STDIN_FILENO)
    try require(descriptor >= 0 && close(descriptor) == 0, "no descriptor left")
    return descriptor
  }

  private static func checkReaders(_ input: [UInt8]) throws {
    var input = FuzzInput(input)
    let seed = input.byte()
    let kind = input.byte()
    let raw = RawSampleFormat.Encoding.allCases
    let format =
      kind < raw.count * 2
      ? RawSampleFormat(raw[kind / 2], sampleRate: .hz16000, channelCount: 1 + kind % 2 * (1 + seed % 9)) : nil
    let bytes = Array(input.rest)

    let file = try InputCopy(bytes)
    let whole = try Recording(seed: 0) { () throws(AudioFileError) in try file.reader(format) }
    let stream = try InputPieces(bytes, seed: seed, file.descriptor)
    let pieces = try Recording(seed: seed) { () throws(AudioFileError) in try stream.reader(format) }
    try whole.requireEqual(pieces)
    if whole.error == nil, seed & 1 == 1 {
      var reader = try file.reader(format)
      let blocks = try Self.blocks(&reader, of: 1 + seed)
      try require(blocks.starts(with: whole.samples), "blocks of \(1 + seed) samples give others: \(whole.facts)")
    }
  }

  /// The samples in blocks, at least up to the limit.
  private static func blocks(_ reader: inout AudioFileReader, of size: Int) throws -> [UInt32] {
    struct Enough: Error {}
    var samples: [UInt32] = []
    do {
      try reader.forEachBlock(of: size) { block in
        for i in block.indices { samples.append(block[i].bitPattern) }
        if samples.count >= sampleLimit { throw Enough() }
      }
    } catch is Enough {}
    return samples
  }

  /// What can be read of an input.
  private struct Recording: CustomStringConvertible {
    var samples: [UInt32] = []
    var error: AudioFileError?
    var damage: [Damage] = []
    var truncation: Truncation?
    var promisedFrameCount: Int?
    var facts = ""
    var isLive = false
    var isOgg = false

    /// Reads in blocks of sizes that the seed makes.
    init(seed: Int, _ open: () throws(AudioFileError) -> AudioFileReader) throws {
      do {
        var reader = try open()
        facts = "\(reader.container), \(reader.encoding), \(reader.sampleRate), \(reader.channelCount) channels"
        isLive = reader.isLive
        isOgg = reader.container.hasPrefix("Ogg") || reader.container.hasPrefix("OGG")
        promisedFrameCount = reader.promisedFrameCount
        do { try read(&reader, seed) } catch let error as AudioFileError { self.error = error }
        damage = reader.damage
        truncation = reader.truncation
      } catch let error as AudioFileError {
        self.error = error
      }
      if let error {
        try requireOneLine(error)
        try require(error.description.hasPrefix("input: "), "\(error)")
      }
      for damage in damage { try requireOneLine(damage) }
    }

    private mutating func read(_ reader: inout AudioFileReader, _ seed: Int) throws {
      let limit = FuzzTarget.sampleLimit / reader.channelCount
      try require((1...AudioFileReader.maximumChannelCount).contains(reader.channelCount), facts)
      if let count = reader.frameCount { try require(count > 0, "\(count) sample frames") }
      var block = [Float](repeating: 0, count: max(1, 4_096 / reader.channelCount) * reader.channelCount)
      let sizes = seed == 0 ? [block.count] : [1 + seed % 7, 192, 1_000, block.count, 31]
      var turn = 0
      while reader.framesRead < limit {
        let room = min(limit - reader.framesRead, max(1, sizes[turn % sizes.count] / reader.channelCount))
        turn += 1
        var span = block.mutableSpan
        var output = span._mutatingExtracting(first: room * reader.channelCount)
        let before = reader.framesRead
        let count: Int
        do {
          count = try reader.read(into: &output)
        } catch {
          // What has failed has failed.
          try require(reader.framesRead == before, "\(reader.framesRead - before) sample frames and an error")
          var again = block.mutableSpan
          do {
            _ = try reader.read(into: &again)
            throw FuzzFinding("an error that goes away: \(error)")
          } catch let second as AudioFileError {
            try require("\(second)" == "\(error)", "\(error), then \(second)")
          }
          throw error
        }
        try require(count <= room && reader.framesRead == before + count, "\(count) sample frames of \(room)")
        if count == 0 {
          try checkEnd(&reader, &block)
          return
        }
        for sample in block[..<(count * reader.channelCount)] { samples.append(sample.bitPattern) }
      }
    }

    private func checkEnd(_ reader: inout AudioFileReader, _ block: inout [Float]) throws {
      try require(reader.isAtEnd && reader.framesRead > 0, "an end that is none, at \(reader.framesRead)")
      var output = block.mutableSpan
      try require(reader.read(into: &output) == 0, "sample frames behind the end")
      let isMPEG = reader.container.contains("MPEG")
      if let count = reader.frameCount, !isMPEG {
        try require(reader.framesRead <= count, "\(reader.framesRead) sample frames of \(count)")
      }
      if let promised = reader.promisedFrameCount, reader.framesRead < promised, !isMPEG {
        try require(!reader.damage.isEmpty, "\(reader.framesRead) of \(promised) sample frames, and no damage")
      }
      if let truncation = reader.truncation {
        try require(truncation.frameCount == reader.framesRead, "\(truncation) after \(reader.framesRead)")
      }
    }

    /// - Parameter stream: What was read of the same as a stream.
    func requireEqual(_ stream: Recording) throws {
      func requireSame(_ isSame: Bool) throws {
        try require(isSame, "as a file: \(self); as a stream: \(stream)")
      }
      // A stream that begins like nothing known may have no end, and is not tried; a file is.
      let ours = ["WAV", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC"]
      if stream.error?.problem == .notAudio, !isOgg, !ours.contains(where: facts.hasPrefix) { return }
      // Whether a WAV file means that its data is empty is known by the file's size, which a stream does not tell.
      if stream.promisedFrameCount == 0, ["WAV", "RF64"].contains(where: stream.facts.hasPrefix) { return }
      // Where a file has no sample frames, that is found when it is opened; of a stream it is found when it is read.
      let areOpen = !facts.isEmpty && !stream.facts.isEmpty
      try requireSame(facts == stream.facts || !areOpen)
      // Of an Ogg stream nobody knows the length while it comes.
      let isLiveOgg = isOgg && stream.isLive
      if isLiveOgg, case .noSampleFrames = error?.problem, case .noSampleFrames = stream.error?.problem { return }
      // A decoder that fails within a call does not give what it had; how much of it is in earlier calls depends on the
      // blocks.
      if error?.problem.isOfDecoding == true, stream.error?.problem.isOfDecoding == true {
        try requireSame(samples.starts(with: stream.samples) || stream.samples.starts(with: samples))
        return
      }
      try requireSame("\(error as Any)" == "\(stream.error as Any)")
      try requireSame(samples == stream.samples)
      if !areOpen || isLiveOgg { return }
      // What lies behind the end that a header gives is looked for in files only.
      let lost = damage.filter { if case .unread = $0 { false } else { true } }
      try requireSame(lost == stream.damage && truncation == stream.truncation)
      try requireSame(promisedFrameCount == stream.promisedFrameCount)
    }

    var description: String {
      """
      \(facts), \(samples.count) samples of \(promisedFrameCount.map(String.init) ?? "?") sample frames, \
      error \(error as Any), damage \(damage)\(isLive ? ", live" : "")
      """
    }
  }
}

extension AudioFileError.Problem {
  /// Whether a decoder failed, or gave nothing.
  fileprivate var isOfDecoding: Bool {
    switch self {
    case .decodingFailed, .noSampleFrames: true
    default: false
    }
  }
}
