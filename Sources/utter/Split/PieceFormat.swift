import AudioDSP
import AudioFiles

/// What the files of pieces are.
struct PieceFormat: Sendable {
  let container: AudioContainer
  let encoding: AudioEncoding
  let rate: SampleRate
  private let headerSize: Int

  /// - Throws: ``Misuse`` where the container cannot hold the encoding.
  init(_ container: AudioContainer, _ encoding: AudioEncoding, _ rate: SampleRate) throws {
    self.container = container
    self.encoding = encoding
    self.rate = rate
    do {
      headerSize = try container.greatestFileSize(frameCount: 0, encoding: encoding, sampleRate: rate)
    } catch {
      throw Misuse("--container \(container.rawValue) cannot hold --encoding \(encoding.defaultValueDescription)")
    }
  }

  func isThat(of piece: Piece) -> Bool {
    piece.sample_rate == rate.hertz && piece.container == container.rawValue
      && piece.encoding == encoding.defaultValueDescription
  }

  /// The size of a file in bytes, or for FLAC one that no file exceeds.
  func fileSize(sampleCount: Int) -> Int {
    // What the container cannot hold was refused.
    (try? container.greatestFileSize(frameCount: sampleCount, encoding: encoding, sampleRate: rate)) ?? .max
  }

  /// The most samples in a file of so many bytes; negative where not even the header has room.
  func sampleCount(inFileOf byteCount: Int) -> Int {
    // A sample has at least a byte.
    var (fitting, tooMany) = (-1, max(0, byteCount - headerSize) + 1)
    while fitting + 1 < tooMany {
      let middle = (fitting + tooMany) / 2
      if fileSize(sampleCount: middle) <= byteCount { fitting = middle } else { tooMany = middle }
    }
    return fitting
  }

  /// The most samples that last no longer than so many seconds. A millionth of a sample is none: the product's rounding
  /// must not take one away.
  func sampleCount(inSeconds seconds: Double) -> Int {
    Int((seconds * Double(rate.hertz) + 1e-6).rounded(.down))
  }
}
