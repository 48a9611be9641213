extension AudioFileReader {
  /// Reads the rest of the file and hands it to `body` block by block.
  ///
  /// Allocates one block.
  ///
  /// - Parameters:
  ///   - sampleCount: How many samples make a block at the most: whole sample frames, at least one.
  ///   - body: Takes interleaved samples, which are valid during the call only.
  /// - Throws: ``AudioFileError``, or what `body` throws.
  public mutating func forEachBlock(of sampleCount: Int = 32_768, _ body: (Span<Float>) throws -> Void) throws {
    var block = [Float](repeating: 0, count: max(1, sampleCount / channelCount) * channelCount)
    while true {
      var span = block.mutableSpan
      let count = try read(into: &span)
      if count == 0 { return }
      try body(block.span.extracting(first: count * channelCount))
    }
  }
}
