import AudioDSP

/// What samples without a header are: how each is stored, at which rate, in how many channels.
///
/// Its text is `ENCODING,RATE,CHANNELS`, as in `s16le,48000,2`; without the last part there is one channel.
public struct RawSampleFormat: Hashable, Sendable, CustomStringConvertible, LosslessStringConvertible {
  /// How one sample is stored. The names are ffmpeg's: signed or unsigned integer or floating point, bits, and the byte
  /// order, little or big endian.
  public enum Encoding: String, CaseIterable, Sendable {
    case u8, s8, s16le, s16be, s24le, s24be, s32le, s32be, f32le, f32be, f64le, f64be
    /// G.711's two.
    case mulaw, alaw
  }

  /// A text that says no format; ``description`` is one sentence that names what can be said.
  public struct ParseError: Error, Equatable, CustomStringConvertible {
    public enum Problem: Hashable, Sendable { case shape, encoding, sampleRate, channelCount }

    public var text: String
    public var problem: Problem

    public var description: String {
      let range = SampleRate.range
      let what =
        switch problem {
        case .shape: "it is not of the form ENCODING,RATE or ENCODING,RATE,CHANNELS, as in s16le,48000,2"
        case .encoding: "the encoding is none of \(Encoding.allCases.map(\.rawValue).joined(separator: ", "))"
        case .sampleRate: "the sample rate is no whole number from \(range.lowerBound) to \(range.upperBound)"
        case .channelCount: "the channels are no whole number from 1 to \(AudioFileReader.maximumChannelCount)"
        }
      return "\(text) is no raw format: \(what)".onOneLine
    }
  }

  public let encoding: Encoding
  public let sampleRate: SampleRate
  /// 1 to ``AudioFileReader/maximumChannelCount``.
  public let channelCount: Int

  /// - Precondition: `channelCount` is 1 to ``AudioFileReader/maximumChannelCount``.
  public init(_ encoding: Encoding, sampleRate: SampleRate, channelCount: Int = 1) {
    precondition((1...AudioFileReader.maximumChannelCount).contains(channelCount), "a bad number of channels")
    self.encoding = encoding
    self.sampleRate = sampleRate
    self.channelCount = channelCount
  }

  /// Reads a text such as `s16le,48000,2`.
  public init(parsing text: String) throws(ParseError) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count) else { throw ParseError(text: text, problem: .shape) }
    guard let encoding = Encoding(rawValue: String(parts[0])) else {
      throw ParseError(text: text, problem: .encoding)
    }
    guard let hertz = Int(digits: parts[1]), let rate = try? SampleRate(hertz) else {
      throw ParseError(text: text, problem: .sampleRate)
    }
    let channelCount = parts.count == 3 ? Int(digits: parts[2]) : 1
    guard let channelCount, (1...AudioFileReader.maximumChannelCount).contains(channelCount) else {
      throw ParseError(text: text, problem: .channelCount)
    }
    self.init(encoding, sampleRate: rate, channelCount: channelCount)
  }

  public init?(_ description: String) {
    guard let format = try? RawSampleFormat(parsing: description) else { return nil }
    self = format
  }

  public var description: String { "\(encoding.rawValue),\(sampleRate.hertz),\(channelCount)" }

  var plainSamples: PlainSamples {
    let plain: PlainSamples.Encoding =
      switch encoding {
      case .u8: .unsigned8
      case .s8: .signed8
      case .s16le, .s16be: .signed16
      case .s24le, .s24be: .signed24
      case .s32le, .s32be: .signed32
      case .f32le, .f32be: .float32
      case .f64le, .f64be: .float64
      case .mulaw: .muLaw
      case .alaw: .aLaw
      }
    return PlainSamples(
      encoding: plain, isBigEndian: encoding.rawValue.hasSuffix("be"), channelCount: channelCount, offset: 0,
      byteCount: nil)
  }
}

extension Int {
  /// A number of digits alone.
  fileprivate init?(digits: Substring) {
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    self.init(digits)
  }
}
