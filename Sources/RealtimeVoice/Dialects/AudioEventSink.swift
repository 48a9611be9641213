import AudioDSP

/// Makes a dialect's events of what a ``SpeechChunker`` gives, and hands each to a closure as the bytes of a line.
///
/// ```swift
/// var sink = AudioEventSink(.openAI) { event in … }
/// try chunker.process(block.span, into: &sink)
/// ```
///
/// Allocates only for a chunk that is longer than all before it.
public struct AudioEventSink<Failure: Error>: ChunkSink {
  /// What writes the events.
  public let encoder: AudioEventEncoder
  /// How many events carried audio.
  public private(set) var audioEventCount = 0
  /// How many samples they carried.
  public private(set) var sampleCount = 0
  /// How many turns the service was told the end of.
  public private(set) var endedTurnCount = 0

  private let turnStart: [UInt8]?
  private let turnEnd: [UInt8]?
  private let leastTurnSampleCount: Int
  /// Samples since the service was last told of the end of a turn.
  private var openSampleCount = 0
  private var buffer: [UInt8] = []
  private let send: (Span<UInt8>) throws(Failure) -> Void

  /// A sink at the start of a stream.
  ///
  /// - Parameters:
  ///   - encoder: For the dialect and the rate of the chunks.
  ///   - marksTurns: Whether the service is told where segments start and end. The end of a turn that is shorter than
  ///     ``Dialect/leastTurn`` is not told: its audio becomes part of the next turn, where the service has it anyway.
  ///   - send: Takes an event, without a line's end. The bytes are valid during the call only.
  public init(
    _ encoder: AudioEventEncoder, marksTurns: Bool = false, send: @escaping (Span<UInt8>) throws(Failure) -> Void
  ) {
    self.encoder = encoder
    turnStart = marksTurns ? encoder.turnStart.map { Array($0.utf8) } : nil
    turnEnd = marksTurns ? encoder.turnEnd.map { Array($0.utf8) } : nil
    leastTurnSampleCount = encoder.sampleRate.sampleCount(in: encoder.dialect.leastTurn)
    self.send = send
  }

  /// As ``init(_:marksTurns:send:)``, at the dialect's own rate.
  public init(
    _ dialect: Dialect, marksTurns: Bool = false, send: @escaping (Span<UInt8>) throws(Failure) -> Void
  ) {
    self.init(AudioEventEncoder(dialect), marksTurns: marksTurns, send: send)
  }

  public mutating func receive(_ chunk: Span<Int16>, at offset: Int) throws(Failure) {
    // Services answer an event without audio with an error.
    guard !chunk.isEmpty else { return }
    let count = encoder.encodedCount(forSampleCount: chunk.count)
    if buffer.count < count { buffer.append(contentsOf: repeatElement(0, count: count - buffer.count)) }
    Self.encode(chunk, encoder, into: &buffer)
    audioEventCount += 1
    sampleCount += chunk.count
    openSampleCount += chunk.count
    try send(buffer.span.extracting(..<count))
  }

  public mutating func receive(_ event: SegmentEvent, at outputOffset: Int) throws(Failure) {
    switch event {
    case .started:
      if let turnStart { try send(turnStart.span) }
    case .ended:
      guard let turnEnd, openSampleCount >= leastTurnSampleCount else { return }
      openSampleCount = 0
      endedTurnCount += 1
      try send(turnEnd.span)
    case .cut, .misfire: break
    }
  }

  private static func encode(_ chunk: Span<Int16>, _ encoder: AudioEventEncoder, into buffer: inout [UInt8]) {
    var output = buffer.mutableSpan
    do {
      _ = try encoder.encode(chunk, into: &output)
    } catch {
      preconditionFailure("\(error)")
    }
  }
}
