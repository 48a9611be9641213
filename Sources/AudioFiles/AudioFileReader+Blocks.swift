extension AudioFileReader {
  /// Reads the rest of the file and hands it to `body` block by block.
  ///
  /// Allocates one block.
  ///
  /// - Parameters:
  ///   - frameCount: How many sample frames make a block; the last one is shorter.
  ///   - body: Takes interleaved samples, which are valid during the call only.
  /// - Throws: ``AudioFileError``, or what `body` throws.
  public mutating func forEachBlock(of frameCount: Int = 16_384, _ body: (Span<Float>) throws -> Void) throws {
    precondition(frameCount > 0)
    var block = [Float](repeating: 0, count: frameCount * channelCount)
    while true {
      var span = block.mutableSpan
      let count = try read(into: &span)
      if count == 0 { return }
      try body(block.span.extracting(first: count * channelCount))
    }
  }
}
