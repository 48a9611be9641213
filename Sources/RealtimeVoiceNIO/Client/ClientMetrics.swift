import Metrics
import RealtimeVoice

/// What a client counts and times, through swift-metrics; all with the dimension `dialect`.
///
/// | name | kind | what |
/// | --- | --- | --- |
/// | `utter_chunks_sent` | counter | events that carried audio |
/// | `utter_samples_sent` | counter | samples in them |
/// | `utter_samples_dropped` | counter | samples of the microphone that had no room |
/// | `utter_bytes_received` | counter | bytes of messages |
/// | `utter_events_malformed`, `utter_events_unknown` | counters | messages that were skipped |
/// | `utter_reconnections` | counter | attempts |
/// | `utter_interruptions` | counter | answers that the user cut short |
/// | `utter_capture_to_socket` | timer | from a chunk's last block to the socket |
/// | `utter_commit_to_first_sample` | timer | from the commit to the first sample handed out |
/// | `utter_speech_end_to_first_sample` | timer | from the end of speech to there |
struct ClientMetrics {
  private let chunks: Counter
  private let samples: Counter
  private let dropped: Counter
  private let bytes: Counter
  private let malformed: Counter
  private let unknown: Counter
  private let reconnections: Counter
  private let interruptions: Counter
  private let captureToSocket: Metrics.Timer
  private let commitToSample: Metrics.Timer
  private let speechEndToSample: Metrics.Timer

  init(_ dialect: Dialect, _ factory: any MetricsFactory) {
    let dimensions = [("dialect", dialect.rawValue)]
    func counter(_ name: String) -> Counter {
      Counter(label: "utter_" + name, dimensions: dimensions, factory: factory)
    }
    func timer(_ name: String) -> Metrics.Timer {
      Metrics.Timer(label: "utter_" + name, dimensions: dimensions, factory: factory)
    }
    chunks = counter("chunks_sent")
    samples = counter("samples_sent")
    dropped = counter("samples_dropped")
    bytes = counter("bytes_received")
    malformed = counter("events_malformed")
    unknown = counter("events_unknown")
    reconnections = counter("reconnections")
    interruptions = counter("interruptions")
    captureToSocket = timer("capture_to_socket")
    commitToSample = timer("commit_to_first_sample")
    speechEndToSample = timer("speech_end_to_first_sample")
  }

  func sent(sampleCount: Int, after wait: Duration) {
    chunks.increment()
    samples.increment(by: sampleCount)
    captureToSocket.recordNanoseconds(wait.nanoseconds)
  }

  func received(byteCount: Int) { bytes.increment(by: byteCount) }

  func note(_ event: SessionEvent) {
    switch event {
    case .inputDropped(let sampleCount): dropped.increment(by: sampleCount)
    case .malformed: malformed.increment()
    case .unknown: unknown.increment()
    case .reconnecting: reconnections.increment()
    case .interrupted: interruptions.increment()
    case .playoutStarted(_, let timing):
      guard let played = timing.firstPlayed else { return }
      if let committed = timing.committed { commitToSample.recordNanoseconds((played - committed).nanoseconds) }
      if let ended = timing.speechEnded { speechEndToSample.recordNanoseconds((played - ended).nanoseconds) }
    default: break
    }
  }
}
