import AudioDSP
import Foundation
import RealtimeVoice

/// What `chunk` did with a recording: on standard error for people, as a line of JSON for the manifest.
struct ChunkSummary {
  /// How many segments standard error lists.
  private static let listedCount = 12

  var file: String
  var inputRate: SampleRate
  var channelCount: Int
  var frameCount: Int
  var dialect: Dialect
  var outputRate: SampleRate
  var chunkMilliseconds: Int
  var mode: ChunkCommand.VoiceActivityMode
  /// What would have been sent without voice activity detection, in samples.
  var outputCount: Int
  var sink: EventSink
  /// What `--clean` asked for, in its own words, and in words what was done; nil for nothing.
  var clean: String?
  var cleaned: String?

  private var segments: [EventSink.Segment] { sink.segments(endingBy: frameCount) }

  /// The stretches of the output that were not sent.
  private var dropped: [Range<Int>] {
    guard mode != .off else { return [] }
    let starts = [0] + segments.map(\.sent.upperBound)
    let ends = segments.map(\.sent.lowerBound) + [outputCount]
    return zip(starts, ends).compactMap { $0 < $1 ? $0..<$1 : nil }
  }

  func tell(_ task: InputTask) {
    let segments = segments
    let droppedCount = dropped.reduce(0) { $0 + $1.count }
    var line =
      "\(file): \(seconds(frameCount, inputRate)) s -> \(counted(sink.eventCount, "event")) of "
      + "\(chunkMilliseconds) ms (\(dialect.rawValue), \(outputRate))"
    guard mode != .off else {
      task.tell(line)
      if let cleaned { task.tell("  \(cleaned)") }
      return
    }
    let percent = Int((100 * Double(droppedCount) / Double(max(1, outputCount))).rounded())
    line += ", kept \(seconds(outputCount - droppedCount, outputRate)) s in \(counted(segments.count, "segment"))"
    line += ", dropped \(seconds(droppedCount, outputRate)) s (\(percent) %)"
    task.tell(line)
    if let cleaned { task.tell("  \(cleaned)") }
    for segment in segments.prefix(Self.listedCount) {
      let isOpenEnded = mode == .turns && !segment.isCommitted && AudioEventEncoder(dialect).turnEnd != nil
      task.tell(
        "  kept \(span(segment.sent, outputRate)): speech \(span(segment.speech.start..<segment.speech.end, inputRate))"
          + (isOpenEnded ? " (too short to commit)" : ""))
    }
    let more = segments.count - Self.listedCount
    if more > 0 { task.tell("  and \(more) more, which --manifest FILE lists") }
    for misfire in sink.misfires.prefix(Self.listedCount) {
      task.tell("  too short to be speech: \(span(misfire, inputRate))")
    }
    let moreMisfires = sink.misfires.count - Self.listedCount
    if moreMisfires > 0 { task.tell("  and \(moreMisfires) more too short") }
  }

  /// One line of JSON, its keys in alphabetical order. `start` and `end` are samples of what would be sent without
  /// voice activity detection; times ending in `_s` are seconds.
  var json: String {
    get throws {
      let entry = ManifestEntry(
        file: file, sample_rate: inputRate.hertz, channels: channelCount, sample_frames: frameCount,
        dialect: dialect.rawValue, sent_rate: outputRate.hertz, chunk_ms: chunkMilliseconds, vad: mode.rawValue,
        events: sink.eventCount, samples: outputCount, sent_samples: sink.sampleCount,
        segments: segments.map { segment in
          ManifestEntry.Segment(
            start_s: inputRate.seconds(of: segment.speech.start), end_s: inputRate.seconds(of: segment.speech.end),
            start_decided_s: inputRate.seconds(of: segment.speech.startDecided),
            end_decided_s: inputRate.seconds(of: segment.speech.endDecided),
            sent: stretch(segment.sent, outputRate), events: segment.eventCount, committed: segment.isCommitted)
        },
        dropped: dropped.map { stretch($0, outputRate) }, misfires: sink.misfires.map { stretch($0, inputRate) },
        clean: clean)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(entry), as: UTF8.self)
    }
  }

  private func stretch(_ range: Range<Int>, _ rate: SampleRate) -> ManifestEntry.Stretch {
    ManifestEntry.Stretch(
      start: range.lowerBound, end: range.upperBound, start_s: rate.seconds(of: range.lowerBound),
      end_s: rate.seconds(of: range.upperBound))
  }

  private func span(_ range: Range<Int>, _ rate: SampleRate) -> String {
    "\(seconds(range.lowerBound, rate)) to \(seconds(range.upperBound, rate)) s"
  }

  private func seconds(_ sampleCount: Int, _ rate: SampleRate) -> String {
    String(format: "%.3f", rate.seconds(of: sampleCount))
  }
}

/// The manifest's names are its format.
private struct ManifestEntry: Encodable {
  struct Stretch: Encodable {
    var start: Int
    var end: Int
    var start_s: Double
    var end_s: Double
  }

  struct Segment: Encodable {
    var start_s: Double
    var end_s: Double
    var start_decided_s: Double
    var end_decided_s: Double
    var sent: Stretch
    var events: Int
    var committed: Bool
  }

  var file: String
  var sample_rate: Int
  var channels: Int
  var sample_frames: Int
  var dialect: String
  var sent_rate: Int
  var chunk_ms: Int
  var vad: String
  var events: Int
  var samples: Int
  var sent_samples: Int
  var segments: [Segment]
  var dropped: [Stretch]
  var misfires: [Stretch]
  /// Is not there where nothing was cleaned.
  var clean: String?
}
