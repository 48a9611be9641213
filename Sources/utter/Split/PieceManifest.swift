import AudioDSP
import Foundation

/// Reads a recording's manifest, which anybody may have written.
enum PieceManifest {
  /// More than the pieces of a recording need: lines of 400 bytes for a week of one every four seconds.
  static let greatestSize = 64 << 20
  /// How many lines that cannot be read are passed over, so that a file of nothing else takes no time.
  private static let unreadableLimit = 1_000

  /// The pieces that a manifest lists.
  ///
  /// Every line must be whole, and the pieces must be those of one recording, counted from 1, one behind the other. What
  /// their files are called is not looked at.
  static func pieces(in bytes: Data) throws(PieceManifestError) -> [Piece] {
    guard bytes.count <= greatestSize else { throw .tooLarge(byteCount: bytes.count) }
    guard bytes.last.map({ $0 == UInt8(ascii: "\n") }) ?? true else { throw .cutOff }
    var pieces: [Piece] = []
    var rest = bytes
    while let line = takeLine(from: &rest) {
      let number = pieces.count + 1
      guard let piece = try? JSONDecoder().decode(Piece.self, from: line) else { throw .notAPiece(line: number) }
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
    var names: [String] = []
    var unreadableCount = 0
    var rest = bytes
    while unreadableCount < unreadableLimit, let line = takeLine(from: &rest) {
      if let name = try? JSONDecoder().decode(Named.self, from: line).file {
        names.append(name)
      } else {
        unreadableCount += 1
      }
    }
    return names
  }

  /// Takes the next line off, without its end; nil where there is none with an end.
  private static func takeLine(from rest: inout Data) -> Data? {
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    defer { rest = rest[(end + 1)...] }
    return Data(rest[..<end])
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
