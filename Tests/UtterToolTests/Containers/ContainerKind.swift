import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// A kind of file, as another program writes it.
struct ContainerKind: CustomTestStringConvertible, Sendable {
  enum Maker: Equatable, Sendable {
    case ffmpeg
    /// ffmpeg, which writes this format to a pipe and so does not know its sizes when it writes its header.
    case pipedFFmpeg(format: String)
    case sox
    /// SoX, to a pipe.
    case pipedSox(format: String)
  }

  /// How what the tool reads compares with what ffmpeg decodes.
  enum Likeness: Sendable {
    /// Sample by sample the same.
    case exact
    /// The same count, and each sample within this. Both decoders compute the same, with other roundings.
    case within(Float)
  }

  /// The file's name, whose end says the container.
  var name: String
  /// Output options.
  var options: [String]
  var rate = 16_000
  var channelCount = 1
  var maker = Maker.ffmpeg
  var likeness = Likeness.exact
  /// How many sample frames later than in the source everything is, where the format has no way to say that the
  /// encoder's delay is to be passed over. The count is at most this and ``padding`` beyond the source's. Less than 0
  /// where decoders leave out the beginning.
  var delay = 0
  /// What an encoder adds at the end to fill its last block, at the most.
  var padding = 0
  /// How many sample frames ffmpeg 5.1 leaves out or adds at the end of Vorbis, against the count in the file.
  var ffmpegMiscount = 0
  /// The rate at which ffmpeg decodes, if it is another; then only counts are compared.
  var decodedRate: Int?
  /// Where in ffmpeg's sample frames each channel is, if it orders them otherwise.
  var channelOrder: [Int]?
  /// Whether the file is cut off too. Not where another kind of the same container takes the same way.
  var isCutToo = true
  /// Input options with which ffmpeg decodes the file.
  var decoder: [String] = []
  /// The least correlation with the source at ``delay``, and at no other.
  var correlation = 0.99
  /// Whether a file without its end cannot be read, because the end says where everything is.
  var isReadFromItsEnd = false
  /// Whether all of the recording is one packet, of which nothing is decoded when its end is missing.
  var hasLongPackets: Bool { ["wv", "tta"].contains(pathExtension) }
  /// Whether a second stream is in the file, of pictures.
  var hasPictures = false
  /// Why a cut behind a whole packet cannot be seen, whatever reads the file.
  var reasonForSilence: String?

  var testDescription: String { "\(name)\(maker == .ffmpeg ? "" : ", \(maker)"), \(rate) Hz, \(channelCount)" }
  var pathExtension: String { (name as NSString).pathExtension }
  var isExact: Bool { if case .exact = likeness { true } else { false } }

  /// How many sample frames are put in.
  var sourceCount: Int { rate * 6 / 10 }

  /// A channel of a recording.
  private static let speech = Result<[Float], any Error> {
    var reader = try AudioFileReader(path: Tool.speech)
    let channels = reader.channelCount
    var speech: [Float] = []
    try reader.forEachBlock { block in
      for i in stride(from: 0, to: block.count, by: channels) { speech.append(block[i]) }
    }
    return speech
  }

  /// Speech, in each channel another part of it, with a little noise, so that no low bit of any encoding is idle.
  func source() throws -> [Float] {
    let start = 60_000
    let span = 7_001
    let speech = try Self.speech.get()
    var random = SeededGenerator(seed: 900)
    return (0..<sourceCount).flatMap { i in
      (0..<channelCount).map { channel in
        0.83 * speech[start + span * channel + i] + Float.random(in: -5e-4...5e-4, using: &random)
      }
    }
  }

  /// Makes the file.
  ///
  /// - Returns: Its path; nil when the program is not there or cannot write it.
  func make(of source: [Float], in folder: TemporaryFolder) throws -> String? {
    let input = folder.path("source.f32")
    try source.withUnsafeBytes { try Data($0).write(to: URL(filePath: input)) }
    let path = folder.path(name)
    let isMade: Bool? =
      switch maker {
      case .ffmpeg: try OtherProgram.ffmpeg?.run(ffmpegArguments(input) + [path])
      case .pipedFFmpeg(let format):
        try OtherProgram.ffmpeg?.run(ffmpegArguments(input) + ["-f", format, "pipe:1"], pipedTo: path)
      case .sox: try OtherProgram.sox?.run(soxArguments(input) + options + [path])
      case .pipedSox(let format):
        try OtherProgram.sox?.run(soxArguments(input) + options + ["-t", format, "-"], pipedTo: path)
      }
    guard isMade == true else {
      print("ContainerTests: \(testDescription) is left out, for nothing here writes it")
      return nil
    }
    return path
  }

  private func ffmpegArguments(_ input: String) -> [String] {
    let pictures = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=0.6", "-c:v", "mpeg4"]
    let sound = ["-f", "f32le", "-ar", "\(rate)", "-ac", "\(channelCount)", "-i", input]
    return ["-v", "quiet", "-nostdin", "-y"] + sound + (hasPictures ? pictures : []) + options
  }

  private func soxArguments(_ input: String) -> [String] {
    ["-D", "-V0", "-t", "f32", "-r", "\(rate)", "-c", "\(channelCount)", input]
  }
}
