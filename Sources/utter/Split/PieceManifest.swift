import AudioDSP
import Foundation

/// Reads a recording's manifest, which anybody may have written.
enum PieceManifest {
  /// More than the pieces of a recording need: as many lines of 400 bytes as there are seconds in a week.
  static let greatestSize = 256 << 20

  /// The pieces that a manifest lists.
  ///
  /// Every line must be whole, and the pieces must be those of one recording, counted from 1, one behind the other. What
  /// their files are called is not looked at.
  static func pieces(in bytes: Data) throws(PieceManifestError) -> [Piece] {
    guard bytes.count <= greatestSize else { throw .tooLarge(byteCount: bytes.count) }
    guard bytes.last.map({ $0 == UInt8(ascii: "\n") }) ?? true else { throw .cutOff }
    var pieces: [Piece] = []
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast() {
      let number = pieces.count + 1
      guard let piece = try? JSONDecoder().decode(Piece.self, from: Data(line)) else { throw .notAPiece(line: number) }
      let last = pieces.last
      guard piece.index == number, piece.recording == last?.recording ?? piece.recording else {
        throw .outOfOrder(line: number)
      }
      guard piece.start >= last?.end ?? 0, piece.end > piece.start, piece.end - piece.start == piece.samples,
        piece.bytes > 0, SampleRate.range.contains(piece.sample_rate)
      else { throw .contradictory(line: number) }
      pieces.append(piece)
    }
    return pieces
  }

  /// The files that a manifest names, in whatever lines of it can be read.
  static func fileNames(in bytes: Data) -> [String] {
    struct Named: Decodable { var file: String }
    guard bytes.count <= greatestSize else { return [] }
    return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      try? JSONDecoder().decode(Named.self, from: Data(line)).file
    }
  }
}

/// What is wrong with a recording's manifest.
enum PieceManifestError: Error, Equatable, CustomStringConvertible {
  case tooLarge(byteCount: Int)
  /// The last line has no end.
  case cutOff
  /// A line that is no piece, counted from 1.
  case notAPiece(line: Int)
  /// A line whose number is not its place, or that is of another recording.
  case outOfOrder(line: Int)
  /// A line whose numbers cannot be.
  case contradictory(line: Int)

  var description: String {
    switch self {
    case .tooLarge(let count): "it has \(count) bytes, more than \(PieceManifest.greatestSize)"
    case .cutOff: "its last line is cut off"
    case .notAPiece(let line): "line \(line) is no piece"
    case .outOfOrder(let line): "line \(line) is out of order"
    case .contradictory(let line): "the numbers of line \(line) contradict each other"
    }
  }
}
