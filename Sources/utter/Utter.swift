import ArgumentParser
import AudioDSP
import AudioFiles
import Foundation

@main
struct Utter: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "utter",
    abstract: "Gets speech into realtime voice APIs.",
    discussion: """
      EXAMPLES
        A recording as the events that OpenAI's Realtime API takes, 40 ms of audio each:
          utter chunk interview.wav > events.jsonl

        Only the speech, each turn closed with a commit, and a record of what was left out:
          utter chunk interview.wav --vad turns --manifest kept.jsonl > events.jsonl

        Where is someone speaking?
          utter vad interview.wav

        Any file as 24 kHz mono:
          utter convert interview.flac interview.wav

      Results go to standard output and nothing else does; progress, summaries and warnings go to standard error. \
      '-' stands for standard input or output.

      EXIT STATUS
        0 done, 1 failed, 64 misuse; an interruption ends it by its signal. The environment variable UTTER_BACKEND forces the kernels of one
        instruction set (\(KernelBackend.available.map(\.rawValue).joined(separator: ", ")) on this machine).
      """,
    version: "0.1.0",
    subcommands: [ChunkCommand.self, ConvertCommand.self, VADCommand.self, BudgetCommand.self])

  static func main() {
    Interruption.prepare()
    do {
      var command = try parseAsRoot()
      _ = try KernelBackend.selected()
      try command.run()
    } catch let error as Failure {
      if !error.isQuiet { Diagnostics.write("utter: \(error)") }
      Foundation.exit(error.status)
    } catch let error as AudioFileError {
      Diagnostics.write("utter: \(error)")
      Foundation.exit(1)
    } catch let error as KernelBackendError {
      Diagnostics.write("utter: UTTER_BACKEND: \(error)")
      Foundation.exit(1)
    } catch {
      exit(withError: error)
    }
  }
}
