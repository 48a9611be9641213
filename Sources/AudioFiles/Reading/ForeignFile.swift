import AudioDSP

/// The sample frames of a file that libsndfile cannot read, decoded by the system's own decoder on Apple's systems, or
/// by ffmpeg.
final class ForeignFile: FrameSource {
  let container: String
  let encoding = "compressed"
  let channelCount: Int
  let hertz: Int
  let promisedFrameCount: Int?
  var frameCount: Int? { nil }
  let isLive = false

  private enum Backend {
    #if os(Linux) || os(macOS)
      case ffmpeg(ForeignDecoder)
    #endif
    #if canImport(AudioToolbox)
      case system(SystemDecoder)
    #endif
  }

  /// How decoding ended, in the words of both.
  private enum Ending {
    case complete
    case damaged(reason: String)
    case failed(reason: String)
  }

  private let backend: Backend
  /// What the pages of an Ogg file say, of which ffmpeg does not tell that its end is missing.
  private let survey: OggPages.Survey?
  private var framesRead = 0
  private var ending: Ending?

  /// - Throws: When there is no decoder, or none that can read the file.
  init(_ file: InputFile, _ survey: OggPages.Survey?) throws(AudioFileError.Problem) {
    self.survey = survey
    #if canImport(AudioToolbox)
      do throws(AudioFileError.Problem) {
        let decoder = try SystemDecoder(decoding: file)
        (channelCount, hertz) = (decoder.channelCount, decoder.hertz)
        promisedFrameCount = decoder.promisedFrameCount
        container = "a format that the system reads"
        backend = .system(decoder)
        return
      } catch {
        #if !os(macOS)
          throw error
        #endif
      }
    #endif
    #if os(Linux) || os(macOS)
      let decoder = try ForeignDecoder(decoding: file)
      (channelCount, hertz) = (decoder.channelCount, decoder.hertz)
      // What ffmpeg says of a file's length is rounded, and counts what pads the last block.
      promisedFrameCount = nil
      container = "a format that ffmpeg reads"
      backend = .ffmpeg(decoder)
    #endif
  }

  func read(
    _ wanted: Int, into output: inout MutableSpan<Float>, at offset: Int
  ) throws(AudioFileError.Problem) -> Int {
    if ending != nil { return 0 }
    let count: Int
    switch backend {
    #if os(Linux) || os(macOS)
      case .ffmpeg(let decoder): count = try decoder.read(wanted, into: &output, at: offset)
    #endif
    #if canImport(AudioToolbox)
      case .system(let decoder): count = try decoder.read(wanted, into: &output, at: offset)
    #endif
    }
    framesRead += count
    if count > 0 { return count }
    let ending = try finish()
    self.ending = ending
    if case .failed(let reason) = ending {
      throw .decodingFailed(afterSampleFrames: framesRead, reason: reason)
    }
    return 0
  }

  private func finish() throws(AudioFileError.Problem) -> Ending {
    switch backend {
    #if os(Linux) || os(macOS)
      case .ffmpeg(let decoder):
        return switch try decoder.finish() {
        case .complete: .complete
        case .damaged(let reason): .damaged(reason: reason)
        case .failed(let reason): .failed(reason: reason)
        }
    #endif
    #if canImport(AudioToolbox)
      case .system(let decoder):
        return switch decoder.finish() {
        case .complete: .complete
        case .damaged(let reason): .damaged(reason: reason)
        case .failed(let reason): .failed(reason: reason)
        }
    #endif
    }
  }

  var damage: [Damage] {
    switch ending {
    case nil: []
    case .damaged(let reason): [.told(reason)]
    default: survey?.damage(afterReading: framesRead) ?? []
    }
  }
}
