/// A file format that ``AudioFileWriter`` writes.
public enum AudioContainer: String, Sendable, CaseIterable, CustomStringConvertible {
  /// RIFF/WAVE; up to 4 GiB.
  case wav
  /// Free Lossless Audio Codec (RFC 9639); up to 8 channels.
  case flac
  /// AIFF, or AIFF-C for what AIFF itself cannot hold; up to 4 GiB.
  case aiff
  /// Sun/NeXT audio; up to 4 GiB.
  case au
  /// Core Audio Format.
  case caf
  /// Sony Wave64.
  case w64
  /// EBU RF64 (EBU Tech 3306), the 64-bit RIFF/WAVE.
  case rf64
  /// The samples alone, little-endian.
  case raw

  /// The container that a file name's extension means, in upper or lower case: the ones that the cases are named after,
  /// and also `wave`, `aif` and `pcm`.
  public init?(fileExtension: String) {
    switch fileExtension.lowercased() {
    case "wave": self = .wav
    case "aif": self = .aiff
    case "pcm": self = .raw
    case let name:
      guard let container = AudioContainer(rawValue: name) else { return nil }
      self = container
    }
  }

  public var description: String {
    switch self {
    case .wav: "WAV"
    case .flac: "FLAC"
    case .aiff: "AIFF"
    case .au: "AU"
    case .caf: "CAF"
    case .w64: "W64"
    case .rf64: "RF64"
    case .raw: "raw"
    }
  }

  /// For messages.
  static var extensionList: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// The most bytes of samples that the size fields count, less 64 KiB for everything around them.
  package var dataSizeLimit: Int {
    switch self {
    case .wav, .aiff, .au: 0xFFFF_FFFF - 0x1_0000
    case .flac, .caf, .w64, .rf64, .raw: .max
    }
  }
}

/// How a sample is stored in a file.
public enum AudioEncoding: String, Sendable, CaseIterable, CustomStringConvertible {
  /// Signed 16-bit linear PCM.
  case pcm16
  /// Signed 24-bit linear PCM.
  case pcm24
  /// IEEE 754 single precision, full scale 1.0.
  case float32
  /// ITU-T G.711 mu-law.
  case muLaw
  /// ITU-T G.711 A-law.
  case aLaw

  public var description: String {
    switch self {
    case .pcm16: "16-bit PCM"
    case .pcm24: "24-bit PCM"
    case .float32: "32-bit float"
    case .muLaw: "mu-law"
    case .aLaw: "A-law"
    }
  }

  /// The bytes of one sample.
  var sampleSize: Int {
    switch self {
    case .pcm16: 2
    case .pcm24: 3
    case .float32: 4
    case .muLaw, .aLaw: 1
    }
  }
}
