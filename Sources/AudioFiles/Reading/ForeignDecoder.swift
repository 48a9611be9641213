#if os(Linux) || os(macOS)
  /// ffmpeg as a child process: decodes what libsndfile cannot read, such as M4A, MP4, WebM, Matroska, AAC, AMR and
  /// WMA. Only the file's best stream of sound, which is the one marked as default or else that of most channels; with
  /// all its channels, at its own rate.
  ///
  /// The child sees the file as its standard input and opens nothing else: formats that name other files, such as
  /// playlists, are refused, and so is the network. It ends with the decoder's life at the latest.
  final class ForeignDecoder {
    let channelCount: Int
    let hertz: Int
    /// How long the file is by its own header, in seconds, to a hundredth; nil when that is not known.
    var promisedSeconds: Double? { process.messages.promisedSeconds }

    private let process: ForeignProcess
    /// What the header promises and what there is, in bytes, of a file that is too short.
    private let missingBytes: (promised: Int, found: Int)?
    private var frameCount = 0
    private var isAtEnd = false

    /// How much less sound than promised is no loss, in seconds. Encoders differ on whether to count what pads the last
    /// block; the longest ones of common codecs are 2,048 sample frames, which are 0.13 s at 16 kHz.
    private static let toleratedShortfall = 0.15

    /// Starts ffmpeg on a file and waits until it has found the sound.
    ///
    /// - Parameter folders: Where to look for ffmpeg: a list like PATH, whose value it is when left out.
    /// - Throws: When ffmpeg is not installed, or cannot be started, or finds no sound.
    init(decoding file: InputFile, searching folders: String? = nil) throws(AudioFileError.Problem) {
      let folders = folders ?? environmentVariable("PATH") ?? ""
      guard let program = ChildProcess.find("ffmpeg", in: folders) else { throw .needsForeignDecoder }
      let promised = try PromisedSize(file)?.byteCount ?? 0
      missingBytes = promised > file.count ? (promised, file.count) : nil
      process = try ForeignProcess(program, decoding: file)
      let format = try StreamFormat(process)
      if process.messages.isNoAudio { throw .notAudio }
      guard let format else { throw Self.problem(of: process.messages, try process.end()) }
      channelCount = format.channelCount
      hertz = format.hertz
    }

    /// Decodes up to `frameCount` sample frames to `output` from sample `offset` on. What fits into a pipe is decoded
    /// in advance.
    ///
    /// - Returns: How many came; fewer than asked for only at the end.
    func read(
      _ frameCount: Int, into output: inout MutableSpan<Float>, at offset: Int
    ) throws(AudioFileError.Problem) -> Int {
      let sampleSize = MemoryLayout<Float>.size
      var target = output._mutatingExtracting(offset..<offset + frameCount * channelCount)
      var result = Result<Int, AudioFileError.Problem>.success(0)
      unsafe target.withUnsafeMutableBufferPointer { buffer in
        result = Result { () throws(AudioFileError.Problem) in
          unsafe try process.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
      }
      let count = try result.get() / sampleSize / channelCount
      if count < frameCount { isAtEnd = true }
      self.frameCount += count
      return count
    }

    /// How decoding ended.
    enum Ending: Equatable {
      case complete
      /// ffmpeg met something wrong and went on, or there is less sound than promised. It does not tell where.
      case damaged(reason: String)
      /// ffmpeg gave up, or crashed.
      case failed(reason: String)
    }

    /// Waits for ffmpeg's end, which is near.
    ///
    /// - Precondition: ``read(_:into:at:)`` has come to the end. Called once.
    func finish() throws(AudioFileError.Problem) -> Ending {
      precondition(isAtEnd, "there is more to read")
      let ending = try process.end()
      if let reason = Self.failure(ending) {
        return .failed(reason: process.messages.complaint ?? reason)
      }
      let seconds = Double(frameCount) / Double(hertz)
      var reasons = process.messages.complaint.map { [$0] } ?? []
      if let missingBytes {
        reasons.append("it ends after \(missingBytes.found) of \(missingBytes.promised) bytes")
      }
      if let promised = promisedSeconds, seconds < promised - Self.toleratedShortfall {
        reasons.append("\(Self.inTenths(seconds)) of \(Self.inTenths(promised)) s are there")
      }
      return reasons.isEmpty ? .complete : .damaged(reason: reasons.joined(separator: "; "))
    }

    /// Why there is no stream.
    private static func problem(
      of messages: ForeignDecoderMessages, _ ending: ChildProcess.Ending
    ) -> AudioFileError.Problem {
      if messages.isNoAudio { return .notAudio }
      if messages.hasNoAudioStream { return .foreignDecodingFailed(reason: "there is no stream of sound in it") }
      return .foreignDecodingFailed(
        reason: messages.complaint ?? failure(ending) ?? "ffmpeg gives no sound and no reason")
    }

    /// What an ending says for itself; nil for a good one.
    private static func failure(_ ending: ChildProcess.Ending) -> String? {
      switch ending {
      case .exited(status: 0): nil
      case .exited(let status): "ffmpeg failed with status \(status)"
      case .killed(let signal): "ffmpeg was ended by signal \(signal)"
      case .unknown: "how ffmpeg ended is not known"
      }
    }

    private static func inTenths(_ seconds: Double) -> String {
      let tenths = Int((seconds * 10).rounded())
      return "\(tenths / 10).\(tenths % 10)"
    }
  }

  /// The header of ffmpeg's WAV stream.
  private struct StreamFormat {
    var channelCount = 0
    var hertz = 0

    /// Reads to the first sample; gives nil when the stream ends before.
    init?(_ process: ForeignProcess) throws(AudioFileError.Problem) {
      // "RIFF", a size that is not known, "WAVE".
      guard let start = try Self.read(12, from: process), start.starts(with: "RIFF".utf8) else { return nil }
      while let chunk = try Self.read(8, from: process) {
        if chunk.starts(with: "data".utf8) {
          guard channelCount > 0, hertz > 0 else { return nil }
          return
        }
        let size = Self.number(chunk[4..<8])
        guard size <= 1 << 16, let content = try Self.read(size + size % 2, from: process) else { return nil }
        guard chunk.starts(with: "fmt ".utf8), size >= 16 else { continue }
        channelCount = Self.number(content[2..<4])
        hertz = Self.number(content[4..<8])
      }
      return nil
    }

    private static func read(
      _ count: Int, from process: ForeignProcess
    ) throws(AudioFileError.Problem) -> [UInt8]? {
      var bytes = [UInt8](repeating: 0, count: count)
      var result = Result<Int, AudioFileError.Problem>.success(0)
      unsafe bytes.withUnsafeMutableBytes { buffer in
        result = Result { () throws(AudioFileError.Problem) in unsafe try process.read(into: buffer) }
      }
      return try result.get() == count ? bytes : nil
    }

    /// A little-endian number.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
      bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
  }
#endif
