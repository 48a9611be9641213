import AudioDSP
import AudioFiles
import Foundation

/// A piece of a recording, as a manifest has it; the names are the manifest's.
struct Piece: Codable, Hashable, Sendable {
  /// The size of the piece's file.
  var bytes: Int
  /// What `--clean` asked for, in its own words; not there where nothing was cleaned.
  var clean: String?
  var container: String
  /// Whether the next piece starts where this one ends, and this one where the one before ended, because a limit asked
  /// for it.
  var cut_after: Bool
  var cut_before: Bool
  var encoding: String
  /// One past the piece's last sample, of all samples that `utter convert` would write.
  var end: Int
  var end_s: Double
  /// The piece's path below the folder of pieces.
  var file: String
  /// From 1 on, for each recording.
  var index: Int
  /// The recording, as it was named.
  var recording: String
  var sample_rate: Int
  var samples: Int
  /// From the first sample of speech in the piece to one past the last, counted as `start` and `end` are; null where
  /// there is none.
  var speech_end: Nullable<Int>
  var speech_end_s: Nullable<Double>
  var speech_start: Nullable<Int>
  var speech_start_s: Nullable<Double>
  /// The piece's first sample.
  var start: Int
  var start_s: Double

  /// A line of a manifest, without its end.
  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}

/// A value that is written as null where there is none, so that every line has the same keys.
struct Nullable<Value: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
  var value: Value?

  init(_ value: Value?) {
    self.value = value
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    value = container.decodeNil() ? nil : try container.decode(Value.self)
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let value { try container.encode(value) } else { try container.encodeNil() }
  }
}
