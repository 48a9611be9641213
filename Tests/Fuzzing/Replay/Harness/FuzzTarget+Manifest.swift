import Foundation

#if canImport(utter)
  @testable import utter
#endif

extension FuzzTarget {
  /// A manifest is refused in one line, or read as pieces that lie one behind the other and are read back from what is
  /// written of them.
  static func checkManifest(_ input: [UInt8]) throws {
    let data = Data(input)
    let names = PieceManifest.fileNames(in: data)
    do {
      let pieces = try PieceManifest.pieces(in: data)
      try require(names == pieces.map(\.file), "\(names) and \(pieces.map(\.file))")
      var end = 0
      for (i, piece) in pieces.enumerated() {
        try require(piece.index == i + 1 && piece.start >= end && piece.end > piece.start, "\(piece)")
        end = piece.end
      }
      let written = try pieces.map { try $0.json + "\n" }.joined()
      try require(PieceManifest.pieces(in: Data(written.utf8)) == pieces, "\(written) is not read back")
    } catch let error as PieceManifestError {
      try requireOneLine(error)
    }
  }
}
