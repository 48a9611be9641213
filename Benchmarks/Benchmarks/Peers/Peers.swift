import ArgumentParser
import CMeasurement
import Foundation

@main
struct Peers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peers",
    abstract: "Measures our stages beside other libraries' on the same audio.",
    discussion: """
      Ours and every peer take turns in one process, warmed up, each called as its manual says and with its results checked. \
      A figure is the median of up to 101 passes in processor time: seconds of audio per second of one core, or gigabytes \
      per second. A ratio over 1 says that ours is ahead.

      UTTER_BACKEND in the environment chooses our backend. The exit status is 1 when a result is not what it should be.
      """)

  @Flag(help: "One line of JSON per case.")
  var json = false

  @Option(help: "Only this stage (\(Stage.allCases.map(\.rawValue).joined(separator: ", "))); may be repeated.")
  var stage: [Stage] = []

  @Option(help: "Resample from this rate only (48000, 44100, 16000, 8000); may be repeated.")
  var inputRate: [Int] = []

  @Flag(help: "Fewer passes over shorter audio: half a minute instead of two or three, and noisier.")
  var quick = false

  func validate() throws {
    let unknown = inputRate.filter { !ResamplingStage.rates.contains($0) }
    guard unknown.isEmpty else { throw ValidationError("no case resamples from \(unknown[0]) Hz") }
  }

  func run() throws {
    cm_keep_freed_memory()
    let effort = quick ? Effort.quick : Effort.full
    let asked = ProcessInfo.processInfo.environment["UTTER_BACKEND"].flatMap { $0.isEmpty ? nil : $0 }
    Report.progress(
      "\(Processor.name) (\(Processor.instructionSets.joined(separator: " "))); our backend: "
        + (asked.map { "\($0), as UTTER_BACKEND says" } ?? "the fastest that this processor has"))
    for stage in stage.isEmpty ? Stage.allCases : Stage.allCases.filter(stage.contains) {
      switch stage {
      case .resample:
        let rates = ResamplingStage.rates.filter { inputRate.isEmpty || inputRate.contains($0) }
        try ResamplingStage(rates: rates, effort: effort, json: json).run()
      default: try KernelStage(stage, effort: effort, json: json).run()
      }
    }
  }
}

enum Stage: String, CaseIterable, ExpressibleByArgument {
  case resample
  case base64Encode = "base64-encode"
  case base64Decode = "base64-decode"
  case floatToPCM16 = "float-to-pcm16"
  case pcm16ToFloat = "pcm16-to-float"
  case downmix
  case frameFeatures = "frame-features"
}
