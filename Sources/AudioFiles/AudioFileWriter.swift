import AudioDSP

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Writes an audio file block by block, in bounded memory.
///
/// The file appears under its name in ``finish()`` and not before; see ``AtomicFile``. The same samples give the same
/// bytes: nothing in the file tells when or by what it was written.
///
/// Samples are interleaved. What is to be rounded is rounded by `PCM16` and `G711`, never by libsndfile.
///
/// ```swift
/// var writer = try AudioFileWriter(path: "out.wav", encoding: .pcm16, sampleRate: .hz24000)
/// try writer.write(block.span)
/// try writer.finish()
/// ```
public struct AudioFileWriter: ~Copyable, @unchecked Sendable {
  // Sendable, because the objects below belong to one writer alone, and that cannot be copied.

  /// What the file is called in errors.
  public let name: String
  /// The format of the file.
  public let container: AudioContainer
  /// The format of the samples.
  public let encoding: AudioEncoding
  /// The sample rate in the header.
  public let sampleRate: SampleRate
  /// The number of channels.
  public let channelCount: Int
  /// How many sample frames have been written.
  public private(set) var framesWritten = 0

  private let encoder: Encoder
  private let target: WriterTarget
  private let sizeLimit: Int
  private var failure: AudioFileError.Problem?
  private var shorts: [Int16]
  private var integers: [Int32]
  private var floats: [Float]
  private var bytes: [UInt8]

  /// Starts a file.
  ///
  /// - Parameters:
  ///   - container: The file's format; nil to have the path's extension choose it. A device or pipe without an
  ///     extension gets WAV.
  ///   - channelCount: 1 to 1,024, or to 8 in FLAC.
  /// - Throws: When the extension names no format, when the format cannot hold the encoding or so many channels, or as
  ///   ``AtomicFile/init(path:)``.
  public init(
    path: String, container: AudioContainer? = nil, encoding: AudioEncoding, sampleRate: SampleRate,
    channelCount: Int = 1
  ) throws(AudioFileError) {
    try self.init(
      path: path, container: container, encoding: encoding, sampleRate: sampleRate, channelCount: channelCount,
      sizeLimit: nil)
  }

  /// - Parameter sizeLimit: Stands in for the container's own limit on the bytes of samples.
  package init(
    path: String, container: AudioContainer?, encoding: AudioEncoding, sampleRate: SampleRate, channelCount: Int,
    sizeLimit: Int?
  ) throws(AudioFileError) {
    do throws(AudioFileError.Problem) {
      let chosen = if let container { container } else { try Self.container(of: path) }
      let header = try FileHeader(
        container: chosen, encoding: encoding, sampleRate: sampleRate, channelCount: channelCount)
      let target = try WriterTarget(AtomicFile(path: path, isNamed: false), header)
      try self.init(target, header, name: path, sizeLimit: sizeLimit)
    } catch {
      throw AudioFileError(name: path, problem: error)
    }
  }

  /// Starts a file that goes to a file descriptor, such as standard output.
  ///
  /// Where the descriptor's file cannot be gone back in, as in a pipe, the file is collected in a temporary file
  /// without a name and copied by ``finish()``; only ``AudioContainer/raw`` goes there at once.
  ///
  /// - Parameters:
  ///   - fileDescriptor: Stays the caller's. Its position will be behind the file.
  ///   - name: What to call it in errors.
  ///   - channelCount: 1 to 1,024, or to 8 in FLAC.
  /// - Throws: As ``init(path:container:encoding:sampleRate:channelCount:)``.
  public init(
    fileDescriptor: Int32, name: String, container: AudioContainer, encoding: AudioEncoding, sampleRate: SampleRate,
    channelCount: Int = 1
  ) throws(AudioFileError) {
    do {
      let header = try FileHeader(
        container: container, encoding: encoding, sampleRate: sampleRate, channelCount: channelCount)
      let descriptor = try OwnedDescriptor(duplicating: fileDescriptor, for: .write)
      let target = try WriterTarget(descriptor, header)
      try self.init(target, header, name: name, sizeLimit: nil)
    } catch {
      throw AudioFileError(name: name, problem: error)
    }
  }

  private init(
    _ target: WriterTarget, _ header: FileHeader, name: String, sizeLimit: Int?
  ) throws(AudioFileError.Problem) {
    encoder = try Encoder(target.output, header)
    self.target = target
    self.name = name
    container = header.container
    encoding = header.encoding
    sampleRate = header.sampleRate
    channelCount = header.channelCount
    self.sizeLimit = sizeLimit ?? header.container.dataSizeLimit
    let blockSize = max(1, 4096 / channelCount) * channelCount
    shorts = encoding == .float32 ? [] : [Int16](repeating: 0, count: blockSize)
    integers = encoding == .pcm24 ? [Int32](repeating: 0, count: blockSize) : []
    floats = encoding == .float32 ? [Float](repeating: 0, count: blockSize) : []
    bytes = encoding.sampleSize == 1 ? [UInt8](repeating: 0, count: blockSize) : []
  }

  private static func container(of path: String) throws(AudioFileError.Problem) -> AudioContainer {
    let name = path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else {
      var status = stat()
      if unsafe stat(path, &status) == 0, !status.isRegularFile, !status.isDirectory { return .wav }
      throw .unknownExtension(nil)
    }
    let fileExtension = String(name[name.index(after: dot)...])
    guard let container = AudioContainer(fileExtension: fileExtension) else { throw .unknownExtension(fileExtension) }
    return container
  }

  /// Writes 16-bit samples. In a 24-bit or floating point file they keep their values. Does not allocate of itself.
  ///
  /// - Throws: When the system fails, as on a full disk, or when the file would become longer than its format can be.
  ///   Nothing can be written after that, and ``finish()`` fails too.
  /// - Precondition: The samples are whole sample frames.
  public mutating func write(_ samples: Span<Int16>) throws(AudioFileError) {
    try write(samples.count) { (writer, range) throws(AudioFileError.Problem) in
      try writer.encode(samples.extracting(range))
    }
  }

  /// Writes floating point samples of full scale ±1, as they are in a floating point file; otherwise rounded to
  /// nearest, ties to even, and saturated, with NaN as 0. G.711 is encoded from 16 bits. Does not allocate of itself.
  ///
  /// - Throws: As ``write(_:)-(Span<Int16>)``.
  /// - Precondition: The samples are whole sample frames.
  public mutating func write(_ samples: Span<Float>) throws(AudioFileError) {
    try write(samples.count) { (writer, range) throws(AudioFileError.Problem) in
      try writer.encode(samples.extracting(range))
    }
  }

  /// Counts, and hands on block by block.
  private mutating func write(
    _ sampleCount: Int, block: (inout AudioFileWriter, Range<Int>) throws(AudioFileError.Problem) -> Void
  ) throws(AudioFileError) {
    precondition(sampleCount.isMultiple(of: channelCount), "samples that are no whole sample frames")
    do throws(AudioFileError.Problem) {
      if let failure { throw failure }
      let framesAfter = framesWritten + sampleCount / channelCount
      if framesAfter > sizeLimit / (encoding.sampleSize * channelCount) {
        throw .tooLong(container: container, limitInBytes: sizeLimit)
      }
      let blockSize = max(1, 4096 / channelCount) * channelCount
      for start in stride(from: 0, to: sampleCount, by: blockSize) {
        try block(&self, start..<min(start + blockSize, sampleCount))
      }
      framesWritten = framesAfter
    } catch {
      failure = error
      throw AudioFileError(name: name, problem: error)
    }
  }

  /// Encodes one block.
  private mutating func encode(_ samples: Span<Int16>) throws(AudioFileError.Problem) {
    let count = samples.count
    switch encoding {
    case .pcm16:
      try encoder.write(samples)
    case .pcm24:
      // libsndfile takes the upper 24 of 32 bits.
      for i in 0..<count { integers[i] = Int32(samples[i]) << 16 }
      try encoder.write(integers.span.extracting(first: count))
    case .float32:
      var target = floats.mutableSpan
      PCM16.convert(samples, into: &target)
      try encoder.write(floats.span.extracting(first: count))
    case .muLaw, .aLaw:
      let law = encoding == .muLaw ? G711.muLaw : .aLaw
      var target = bytes.mutableSpan
      law.encode(samples, into: &target)
      try encoder.write(bytes.span.extracting(first: count))
    }
  }

  /// Encodes one block.
  private mutating func encode(_ samples: Span<Float>) throws(AudioFileError.Problem) {
    let count = samples.count
    switch encoding {
    case .float32:
      try encoder.write(samples)
    case .pcm24:
      for i in 0..<count {
        let scaled = (Double(samples[i]) * 0x80_0000).rounded(.toNearestOrEven)
        integers[i] = scaled.isNaN ? 0 : Int32(min(max(scaled, -0x80_0000), 0x7F_FFFF)) << 8
      }
      try encoder.write(integers.span.extracting(first: count))
    case .pcm16, .muLaw, .aLaw:
      var block: [Int16] = []
      swap(&block, &shorts)
      defer { swap(&block, &shorts) }
      var target = block.mutableSpan
      PCM16.convert(samples, into: &target)
      try encode(block.span.extracting(first: count))
    }
  }

  /// Completes the file, and has it appear under its name.
  ///
  /// - Throws: When anything could not be written, now or before. Nothing stays behind then, and a file that had the
  ///   name is as it was.
  public consuming func finish() throws(AudioFileError) {
    do throws(AudioFileError.Problem) {
      if let failure { throw failure }
      if framesWritten == 0, container == .flac { try encoder.writeHeader() }
      try encoder.close()
      try target.finish(frameCount: framesWritten)
    } catch {
      throw AudioFileError(name: name, problem: error)
    }
  }
}
