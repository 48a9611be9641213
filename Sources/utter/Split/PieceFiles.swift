import AudioDSP
import AudioFiles
import Foundation

/// The files of one recording's pieces, one after the other.
final class PieceFiles {
  private let file: InputFiles.File
  private let name: String
  private let place: PiecePlace
  private let format: PieceFormat
  private let clean: String?
  private var writer: AudioFileWriter?
  private var start = 0
  private var isCut = false
  private var sampleCount = 0
  private(set) var pieces: [Piece] = []

  /// - Parameters:
  ///   - name: What the manifest calls the recording.
  ///   - clean: What the manifest says of cleaning.
  init(_ file: InputFiles.File, name: String, in place: PiecePlace, _ format: PieceFormat, clean: String? = nil) {
    self.clean = clean
    self.file = file
    self.name = name
    self.place = place
    self.format = format
  }

  func begin(at start: Int, isCut: Bool) throws {
    let path = place.path(PiecePlace.name(pieces.count + 1, of: file, format.container))
    try place.check(path)
    try place.makeFolder(of: file)
    writer = try AudioFileWriter(
      path: path, container: format.container, encoding: format.encoding, sampleRate: format.rate)
    self.start = start
    self.isCut = isCut
    sampleCount = 0
  }

  /// Writes what lies before a place, where a piece is open.
  func write(_ held: inout HeldSamples, until place: Int) throws {
    guard var writer = writer.take() else { return }
    sampleCount += try held.write(until: place, to: &writer)
    self.writer = consume writer
  }

  /// Has the open piece appear under its name. One without samples does not: a last frame can be too short for one.
  func end(at end: Int, isCut: Bool, speech: Range<Int>?) throws {
    guard let writer = writer.take(), sampleCount > 0 else { return }
    let index = pieces.count + 1
    let name = PiecePlace.name(index, of: file, format.container)
    try writer.finish()
    let rate = format.rate
    pieces.append(
      Piece(
        bytes: PiecePlace.regularFileSize(place.path(name)) ?? 0, clean: clean, container: format.container.rawValue,
        cut_after: isCut, cut_before: self.isCut, encoding: format.encoding.defaultValueDescription, end: end,
        end_s: rate.seconds(of: end), file: name, index: index, recording: self.name, sample_rate: rate.hertz,
        samples: sampleCount, speech_end: Nullable(speech?.upperBound),
        speech_end_s: Nullable(speech.map { rate.seconds(of: $0.upperBound) }),
        speech_start: Nullable(speech?.lowerBound),
        speech_start_s: Nullable(speech.map { rate.seconds(of: $0.lowerBound) }), start: start,
        start_s: rate.seconds(of: start)))
  }

  /// Takes back what was written, because the recording failed.
  func removeAll() {
    writer = nil
    // What cannot be removed is not listed in any manifest.
    for piece in pieces { try? PiecePlace.remove(place.path(piece.file)) }
    pieces = []
  }
}
