/// Receives what a ``SpeechChunker`` makes, in the order of the stream.
public protocol ChunkSink: ~Copyable {
  /// What can go wrong on the way out.
  associatedtype Failure: Error

  /// A chunk; `offset` is where its first sample stands in the output, counted as if nothing had been dropped.
  ///
  /// The samples are valid during the call only.
  mutating func receive(_ chunk: Span<Int16>, at offset: Int) throws(Failure)

  /// A decision of the segmenter: a segment's start comes before its first chunk, its end behind its last one.
  ///
  /// - Parameters:
  ///   - event: Its places are samples of the input.
  ///   - outputOffset: Where the kept part starts or ends, in samples of the output.
  mutating func receive(_ event: SegmentEvent, at outputOffset: Int) throws(Failure)

  /// The detector's word on the next 10 ms frame of the input, as soon as it is known: what it decides, and the chunks
  /// that lie before it, may come later.
  mutating func receive(_ score: FrameScore) throws(Failure)
}

extension ChunkSink where Self: ~Copyable {
  /// Takes no notice.
  public mutating func receive(_ event: SegmentEvent, at outputOffset: Int) throws(Failure) {}

  /// Takes no notice.
  public mutating func receive(_ score: FrameScore) throws(Failure) {}
}
