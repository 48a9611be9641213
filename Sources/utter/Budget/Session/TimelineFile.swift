import Foundation
import LatencyBudget

/// The turns of a record of 'utter stream --timeline'.
struct TimelineFile {
  /// Lines of a record are short; those of a whole answer's text are the longest.
  private static let longestLine = 16 << 20

  let name: String
  private(set) var turns: [RecordedTurn] = []

  /// - Parameter path: A path, or `-` for standard input.
  /// - Throws: ``Failure`` for what is no record, and one that tells of no answer.
  init(_ path: String) throws {
    var reader = try LineReader(path, limit: Self.longestLine)
    name = reader.name
    var lineCount = 0
    while let line = try reader.next() {
      lineCount = line.number
      if !line.isTooLong, line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      let place = "\(name): line \(line.number)"
      guard !line.isTooLong,
        let object = (try? JSONSerialization.jsonObject(with: Data(line.bytes))) as? [String: Any]
      else {
        guard !line.isTerminated else { throw Failure("\(place) is no object of JSON") }
        Diagnostics.warn("\(name): the record is cut off inside of line \(line.number), which is left out")
        continue
      }
      guard let event = object["event"] as? String else { throw Failure("\(place) names no event") }
      guard event == "playout_started" else { continue }
      let turn = try Self.turn(object, place)
      // Of an answer with several items, the first.
      if turns.last?.firstPlayed == turn.firstPlayed { continue }
      turns.append(turn)
    }
    guard !turns.isEmpty else {
      throw Failure("\(name): no line of \(lineCount) tells of an answer's first sample (playout_started)")
    }
  }

  private static func turn(_ object: [String: Any], _ place: String) throws -> RecordedTurn {
    func microseconds(_ key: String) throws -> Int? {
      guard let value = object[key], !(value is NSNull) else { return nil }
      // As JSON's own true and false are numbers, too.
      guard let number = value as? NSNumber, !isBoolean(value), case let seconds = number.doubleValue,
        seconds.isFinite, abs(seconds) < 1e9
      else { throw Failure("\(place): \(key) is no time in seconds") }
      return Int((seconds * 1e6).rounded())
    }
    guard let audio = try microseconds("first_audio_s"), let played = try microseconds("first_played_s") else {
      throw Failure("\(place): playout_started lacks first_audio_s or first_played_s")
    }
    let turn = RecordedTurn(
      speechEnded: try microseconds("speech_ended_s"), committed: try microseconds("committed_s"),
      answerStarted: try microseconds("answer_started_s"), firstAudio: audio, firstPlayed: played)
    if let (earlier, later) = turn.disorder { throw Failure("\(place): \(later) is before \(earlier)") }
    return turn
  }

  private static func isBoolean(_ value: Any) -> Bool {
    (value as? NSNumber).map { $0 === NSNumber(value: true) || $0 === NSNumber(value: false) } ?? false
  }
}
