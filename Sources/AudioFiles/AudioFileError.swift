import AudioDSP

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// What is wrong with an audio file, in one line.
///
/// ``description`` reads `name: problem` and never holds a line break, whatever the name holds.
public struct AudioFileError: Error, Equatable, CustomStringConvertible {
  /// What went wrong. Counts are in sample frames or bytes, as their labels say.
  public enum Problem: Error, Equatable, CustomStringConvertible {
    /// Nothing has this path.
    case notFound
    /// The path leads to a folder.
    case isDirectory
    /// The system refuses the access.
    case permissionDenied
    /// The file holds 0 bytes.
    case empty
    /// The content is in no format that can be read.
    case notAudio
    /// The content is in no format that libsndfile reads, and ffmpeg, which might read it, is not installed.
    case needsForeignDecoder
    /// ffmpeg or the system's decoder finds no sound in the file, or cannot decode it.
    case foreignDecodingFailed(reason: String)
    /// The file ends within its header: behind `byteCount` bytes, at `place`.
    case headerCutOff(container: String, byteCount: Int, place: String)
    /// The header contradicts itself, or says what cannot be read.
    case unreadableHeader(container: String, reason: String)
    /// The header says 0 channels.
    case noChannels
    /// The header says more than ``AudioFileReader/maximumChannelCount`` channels.
    case tooManyChannels(Int)
    /// The sample rate lies outside of `SampleRate.range`.
    case badSampleRate(hertz: Int)
    /// There is nothing behind the header, or nothing that can be decoded; `promised` is the header's count.
    case noSampleFrames(promised: Int?)
    /// The data cannot be decoded further.
    case decodingFailed(afterSampleFrames: Int, reason: String)
    /// The extension of the file to write names no ``AudioContainer``; nil when there is no extension.
    case unknownExtension(String?)
    /// The container cannot hold this encoding, or not with so many channels.
    case cannotHold(container: AudioContainer, encoding: AudioEncoding, channelCount: Int)
    /// The samples are more than the container's size fields can count.
    case tooLong(container: AudioContainer, limitInBytes: Int)
    /// The encoder failed for a reason of its own.
    case encodingFailed(reason: String)
    /// The system failed; `errorNumber` is the `errno`.
    case system(Operation, errorNumber: Int32)

    public var description: String {
      switch self {
      case .notFound: "there is no such file"
      case .isDirectory: "is a folder, not a file"
      case .permissionDenied: "permission denied"
      case .empty: "the file is empty (0 bytes)"
      case .notAudio: "not audio in a format that can be read"
      case .needsForeignDecoder:
        "not audio that libsndfile can read, and ffmpeg, which reads more formats, is not installed"
      case .foreignDecodingFailed(let reason): "cannot be decoded: \(reason)"
      case .headerCutOff(let container, let count, let place):
        "the \(container) header is cut off after \(count) bytes, \(place)"
      case .unreadableHeader(let container, let reason): "the \(container) header cannot be read: \(reason)"
      case .noChannels: "the header says 0 channels"
      case .tooManyChannels(let count):
        "the header says \(count) channels, more than \(AudioFileReader.maximumChannelCount)"
      case .badSampleRate(let hertz):
        "sample rate \(hertz) Hz is outside of \(SampleRate.range.lowerBound) to \(SampleRate.range.upperBound) Hz"
      case .noSampleFrames(nil): "there are no sample frames"
      case .noSampleFrames(let promised?): "there are no sample frames (the header promises \(promised))"
      case .decodingFailed(let count, let reason): "decoding failed after \(count) sample frames: \(reason)"
      case .unknownExtension(nil): "there is no extension to choose a format by (\(AudioContainer.extensionList))"
      case .unknownExtension(let name?):
        "the extension .\(name) names no format that can be written (\(AudioContainer.extensionList))"
      case .cannotHold(let container, let encoding, let channels):
        "\(container) cannot hold \(encoding) with \(channels) channel\(channels == 1 ? "" : "s")"
      case .tooLong(let container, let limit):
        "more than \(limit) bytes of samples, which \(container) cannot hold (w64, rf64 and caf can)"
      case .encodingFailed(let reason): "encoding failed: \(reason)"
      case .system(let operation, let number): "cannot \(operation.rawValue): \(systemMessage(number))"
      }
    }
  }

  /// What the system was asked to do.
  public enum Operation: String, Sendable {
    case open
    case create
    case read
    case write
    /// Copying a pipe's data to a temporary file, or collecting output there.
    case spool = "write a temporary file"
    /// Starting ffmpeg or taking its output.
    case runDecoder = "run ffmpeg"
    /// Giving a complete file its name.
    case rename = "give the complete file its name"
  }

  /// The path, or another name of the file, as the caller gave it.
  public var name: String
  /// What went wrong.
  public var problem: Problem

  public init(name: String, problem: Problem) {
    self.name = name
    self.problem = problem
  }

  public var description: String { "\(name): \(problem)".onOneLine }
}

extension AudioFileError.Problem {
  /// What the `errno` of a failed system call means.
  static func failed(
    _ operation: AudioFileError.Operation, errorNumber: Int32 = errno
  ) -> AudioFileError.Problem {
    switch errorNumber {
    case ENOENT where operation == .open: .notFound
    case EISDIR: .isDirectory
    case EACCES, EPERM: .permissionDenied
    default: .system(operation, errorNumber: errorNumber)
    }
  }
}

extension String {
  /// The same with control characters written as escapes.
  package var onOneLine: String {
    guard unicodeScalars.contains(where: \.breaksLines) else { return self }
    return unicodeScalars.map { $0.breaksLines ? $0.escaped(asASCII: true) : String($0) }.joined()
  }
}

extension Unicode.Scalar {
  fileprivate var breaksLines: Bool {
    properties.generalCategory == .control || self == "\u{2028}" || self == "\u{2029}"
  }
}
