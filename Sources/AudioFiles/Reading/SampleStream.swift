#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Plain samples that are read as they come.
final class SampleStream: FrameSource {
  let container: String
  let encoding: String
  let isLive = true
  let frameCount: Int? = nil
  var channelCount: Int { decoder.channelCount }
  var hertz: Int { decoder.hertz }
  let promisedFrameCount: Int?

  private let decoder: Decoder
  private let bytes: StreamedBytes
  private let isPadded: Bool
  private let frameSize: Int
  private var framesRead = 0
  private var isAtEnd = false

  /// - Parameters:
  ///   - source: Gives the samples next.
  ///   - isPadded: Whether a zero at the end may be there to make the file's size even.
  init(
    _ source: any ByteSource, samples plain: PlainSamples, container: String, hertz: Int, isPadded: Bool
  ) throws(AudioFileError.Problem) {
    bytes = StreamedBytes(source, frameSize: plain.frameSize, byteCount: plain.byteCount)
    do {
      decoder = try Decoder(samples: bytes, plain, hertz: hertz)
    } catch {
      throw .unreadableHeader(container: container, reason: error.reason)
    }
    self.container = container
    self.isPadded = isPadded
    frameSize = plain.frameSize
    encoding = decoder.names.encoding
    promisedFrameCount = plain.byteCount.map { $0 / plain.frameSize }
  }

  func read(
    _ wanted: Int, into output: inout MutableSpan<Float>, at offset: Int
  ) throws(AudioFileError.Problem) -> Int {
    var filled = 0
    while filled < wanted {
      if bytes.wholeFrameCount == 0 {
        if filled > 0 && !bytes.isReady { break }
        bytes.receive()
        if bytes.isEnded && bytes.wholeFrameCount == 0 { break }
        continue
      }
      let request = min(wanted - filled, bytes.wholeFrameCount)
      let result = decoder.read(request, into: &output, at: offset + filled * channelCount)
      if result.frameCount < request {
        throw .decodingFailed(
          afterSampleFrames: framesRead, reason: result.failure?.reason ?? "the decoder stopped")
      }
      filled += request
      framesRead += request
    }
    if filled == 0 {
      if let errorNumber = bytes.errorNumber { throw .system(.read, errorNumber: errorNumber) }
      isAtEnd = true
      bytes.drain()
    }
    return filled
  }

  var damage: [Damage] {
    guard isAtEnd else { return [] }
    if let promisedFrameCount, framesRead < promisedFrameCount {
      return [.truncation(Truncation(promisedFrameCount: promisedFrameCount, frameCount: framesRead))]
    }
    // Only behind an odd count of bytes there may be one that makes it even.
    let mayBePadding = isPadded && !(framesRead * frameSize).isMultiple(of: 2)
    if promisedFrameCount == nil, !bytes.rest.isEmpty, !(mayBePadding && bytes.rest == [0]) {
      return [
        .truncation(
          Truncation(promisedFrameCount: nil, frameCount: framesRead, sign: .incompleteSampleFrame))
      ]
    }
    return []
  }
}

/// The bytes of plain samples that have come and are not decoded yet.
private final class StreamedBytes: DecoderBytes {
  private static let capacity = 1 << 16

  private let source: any ByteSource
  private let frameSize: Int
  /// How many bytes of samples are still to be read; nil for all.
  private var remaining: Int?
  private var buffer = [UInt8](repeating: 0, count: capacity)
  private var filled = 0..<0
  private(set) var isEnded: Bool

  init(_ source: any ByteSource, frameSize: Int, byteCount: Int?) {
    self.source = source
    self.frameSize = frameSize
    remaining = byteCount.map { $0 / frameSize * frameSize }
    isEnded = remaining == 0
  }

  var wholeFrameCount: Int { filled.count / frameSize }

  /// What is left of a sample frame that did not come whole.
  var rest: ArraySlice<UInt8> { buffer[filled] }

  var isReady: Bool { source.isReady }

  /// Reads what there is, and waits for at least one byte; sets `isEnded` and `errorNumber`.
  func receive() {
    if isEnded { return }
    // Less than a sample frame is left, of 8,192 bytes at the most.
    for (i, byte) in buffer[filled].enumerated() { buffer[i] = byte }
    filled = 0..<filled.count
    let room = min(Self.capacity - filled.count, remaining ?? .max)
    let start = filled.count
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe source.next(into: $0.baseAddress! + start, count: room) }
    if count < 0 { errorNumber = errno }
    if count <= 0 {
      isEnded = true
      return
    }
    filled = 0..<filled.count + count
    if let remaining {
      self.remaining = remaining - count
      isEnded = remaining == count
    }
  }

  /// Reads what follows the samples, so that a program that writes them with more behind can end as it is to: a pipe
  /// without a reader would make it fail.
  func drain() {
    guard remaining == 0 else { return }
    while unsafe buffer.withUnsafeMutableBytes({ unsafe source.next(into: $0.baseAddress!, count: $0.count) }) > 0 {}
  }

  // libsndfile is asked for no more than has come, so that its count of all there is does not matter.
  override var count: Int { 1 << 62 }

  override func canSeek(to target: Int) -> Bool { target == position }

  override func bytes(into target: UnsafeMutableRawPointer, count: Int) -> Int {
    let part = buffer[filled.prefix(count)]
    guard !part.isEmpty else { return 0 }
    unsafe part.withUnsafeBytes { unsafe target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    filled = filled.dropFirst(part.count)
    return part.count
  }
}
