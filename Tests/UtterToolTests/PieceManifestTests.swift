import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

@testable import utter

@Suite struct PieceManifestTests {
  private static func piece(_ index: Int) -> Piece {
    Piece(
      bytes: 2_044, container: "wav", cut_after: false, cut_before: false, encoding: "pcm16", end: 1_000 * index,
      end_s: Double(1_000 * index) / 11_025, file: "a/\u{E9} \"b\".wav.\(index).wav", index: index, recording: "in/a",
      sample_rate: 11_025, samples: 1_000, speech_end: Nullable(1_000 * index - 1), speech_end_s: Nullable(0.1),
      speech_start: Nullable(index.isMultiple(of: 2) ? nil : 1_000 * index - 10), speech_start_s: Nullable(nil),
      start: 1_000 * (index - 1), start_s: Double(1_000 * (index - 1)) / 11_025)
  }

  private static func manifest(_ pieces: [Piece]) throws -> Data {
    Data(try pieces.map { try $0.json + "\n" }.joined().utf8)
  }

  @Test func whatWasWrittenIsReadBackAndWrittenTheSame() throws {
    let pieces = (1...500).map(Self.piece)
    let bytes = try Self.manifest(pieces)
    let read = try PieceManifest.pieces(in: bytes)
    #expect(read == pieces)
    #expect(try Self.manifest(read) == bytes)
    #expect(PieceManifest.fileNames(in: bytes) == pieces.map(\.file))
    #expect(try PieceManifest.pieces(in: Data()) == [])
    // A slice does not start at 0.
    #expect(try PieceManifest.pieces(in: (Data([1]) + bytes).dropFirst()) == pieces)
  }

  @Test func whatIsWrongIsNamed() throws {
    func error(_ change: (inout [Piece]) -> Void) throws -> PieceManifestError? {
      var pieces = (1...4).map(Self.piece)
      change(&pieces)
      let bytes = try Self.manifest(pieces)
      return #expect(throws: PieceManifestError.self) { try PieceManifest.pieces(in: bytes) }
    }
    #expect(try error { $0[2].index = 4 } == .outOfOrder(line: 3))
    #expect(try error { $0[3].recording = "in/b" } == .outOfOrder(line: 4))
    #expect(try error { $0.removeFirst() } == .outOfOrder(line: 1))
    #expect(try error { $0[1].start = 999 } == .contradictory(line: 2))
    #expect(try error { $0[1].samples = 999 } == .contradictory(line: 2))
    #expect(try error { $0[0].start = -1 } == .contradictory(line: 1))
    #expect(try error { $0[1].bytes = 0 } == .contradictory(line: 2))
    #expect(try error { $0[1].sample_rate = 1 } == .contradictory(line: 2))
    #expect(
      try error {
        $0[1].start = .min
        $0[1].end = .max
      } == .contradictory(line: 2))
    let bytes = try Self.manifest([Self.piece(1), Self.piece(2)])
    for (text, expected) in [
      ("\n", PieceManifestError.notAPiece(line: 1)), ("{}\n", .notAPiece(line: 1)), ("\u{0}\n", .notAPiece(line: 1)),
      ("[", .cutOff), (String(repeating: "[", count: 100_000) + "\n", .notAPiece(line: 1)),
      (String(decoding: bytes, as: UTF8.self) + "\n", .notAPiece(line: 3)),
      (String(decoding: bytes.dropLast(), as: UTF8.self), .cutOff),
      (String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: "\n", with: "\r"), .cutOff),
    ] {
      #expect(throws: expected) { try PieceManifest.pieces(in: Data(text.utf8)) }
    }
  }

  @Test func aFileOfNothingTakesNoTime() {
    let lines = Data(repeating: UInt8(ascii: "\n"), count: PieceManifest.greatestSize - 1)
    #expect(throws: PieceManifestError.notAPiece(line: 1)) { try PieceManifest.pieces(in: lines) }
    #expect(PieceManifest.fileNames(in: lines).isEmpty)
    #expect(throws: PieceManifestError.tooLarge(byteCount: lines.count + 2)) {
      try PieceManifest.pieces(in: lines + Data("\n\n".utf8))
    }
  }

  @Test func noBytesBringItDown() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let valid = try Self.manifest((1...5).map(Self.piece))
    var refusedCount = 0
    for _ in 0..<5_000 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
        let place = bytes.startIndex + Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[place] = .random(in: 0...255, using: &generator)
        case 1: bytes.removeSubrange(place..<min(bytes.endIndex, place + .random(in: 1...300, using: &generator)))
        case 2:
          bytes.insert(
            contentsOf: Array("0123456789\",-{}[]:\n\u{0}e".utf8).shuffled(using: &generator).prefix(3), at: place)
        default: bytes.insert(contentsOf: bytes[place...].prefix(200), at: place)
        }
      }
      _ = PieceManifest.fileNames(in: bytes)
      guard let pieces = try? PieceManifest.pieces(in: bytes) else {
        refusedCount += 1
        continue
      }
      for (i, piece) in pieces.enumerated() {
        #expect(piece.index == i + 1 && piece.start < piece.end && piece.start >= (i == 0 ? 0 : pieces[i - 1].end))
      }
    }
    #expect(refusedCount > 2_500)
  }

  @Test func aFileHasTheForetoldSize() throws {
    var generator = SeededGenerator(seed: 41)
    let folder = try TemporaryFolder()
    for container in AudioContainer.allCases {
      for encoding in AudioEncoding.allCases {
        guard let format = try? PieceFormat(container, encoding, .hz8000) else {
          #expect(container == .flac && encoding != .pcm16 && encoding != .pcm24)
          continue
        }
        for count in [1, 2, 3, 1_023, 20_001] {
          let path = folder.path("a.\(container.rawValue)")
          var writer = try AudioFileWriter(path: path, container: container, encoding: encoding, sampleRate: .hz8000)
          // Noise, which cannot be compressed.
          let noise = (0..<count).map { _ in Float.random(in: -1..<1, using: &generator) }
          try writer.write(noise.span)
          try writer.finish()
          let size = try #require(PiecePlace.regularFileSize(path))
          let foretold = format.fileSize(sampleCount: count)
          #expect(container == .flac ? size <= foretold : size == foretold, "\(container) \(encoding) \(count)")
          let fitting = format.sampleCount(inFileOf: foretold)
          #expect(fitting >= count && format.fileSize(sampleCount: fitting) <= foretold)
          #expect(format.fileSize(sampleCount: fitting + 1) > foretold)
        }
        #expect(format.sampleCount(inFileOf: container == .raw ? 0 : format.fileSize(sampleCount: 0)) == 0)
      }
    }
    #expect(try PieceFormat(.wav, .pcm16, .hz24000).sampleCount(inFileOf: 43) == -1)
    // 0.6 * 24000 is a little less than 14400 in binary.
    #expect(try PieceFormat(.wav, .pcm16, .hz24000).sampleCount(inSeconds: 0.6) == 14_400)
    #expect(try PieceFormat(.wav, .pcm16, .hz24000).sampleCount(inSeconds: 0.60004) == 14_400)
  }
}
