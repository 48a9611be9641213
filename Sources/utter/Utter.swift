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

        The audio of such events again:
          utter unchunk events.jsonl heard.wav

        Where is someone speaking?
          utter vad interview.wav

        Any file as 24 kHz mono:
          utter convert interview.flac interview.wav

        A spoken session with that recording as the user, with a simulator where no key is set:
          utter stream interview.wav --answers answers.wav --timeline session.jsonl

        What do 10000 calls a month cost?
          utter cost --calls 10000 --user-minutes 2 --agent-minutes 3

      Results go to standard output and nothing else does; progress, summaries and warnings go to standard error. \
      '-' stands for standard input or output.

      EXIT STATUS
        0 done, 1 failed, 64 misuse; an interruption ends it by its signal. The environment variable UTTER_BACKEND forces the kernels of one
        instruction set (\(KernelBackend.available.map(\.rawValue).joined(separator: ", ")) on this machine).
      """,
    version: "0.1.0",
    subcommands: [
      ChunkCommand.self, UnchunkCommand.self, ConvertCommand.self, SplitCommand.self, VADCommand.self,
      CheckCommand.self, StreamCommand.self, SimulateCommand.self, BudgetCommand.self, CostCommand.self,
    ])

  static func main() {
    Interruption.prepare()
    var command: (any ParsableCommand)?
    var status: Int32 = 0
    do {
      var parsed = try parseAsRoot(spelledOut(Array(CommandLine.arguments.dropFirst())))
      command = parsed
      _ = try KernelBackend.selected()
      try parsed.run()
    } catch let error as KernelBackendError {
      Diagnostics.write("utter: UTTER_BACKEND: \(error)")
      status = 1
    } catch let error as Misuse {
      // Thrown by a command that runs: the usage to show is that command's.
      let usage = command.map { usageString(for: type(of: $0)) } ?? usageString()
      Diagnostics.write(["Error: \(error.message)", "Usage: \(usage)"])
      status = exitCode(for: error).rawValue
    } catch let error as Failure {
      status = tell(error)
    } catch let error as AudioFileError {
      status = tell(Failure(error, of: error.name))
    } catch {
      status = tellParser(error)
    }
    AtomicFile.unlinkPending()
    Foundation.exit(status)
  }

  /// Arguments as the parser understands them: it takes `-1` behind an option for another option, where that it is out
  /// of range says more than that a value is missing; and a file's name with a leading hyphen for several options.
  private static func spelledOut(_ arguments: [String]) -> [String] {
    var joined: [String] = []
    for (index, argument) in arguments.enumerated() {
      let isNegative = argument.hasPrefix("-") && argument.dropFirst().first.map { "0123456789.".contains($0) } == true
      if isNegative, let last = joined.last, last.hasPrefix("--"), last != "--", !last.contains("=") {
        joined[joined.count - 1] = "\(last)=\(argument)"
      } else if argument.hasPrefix("-"), !argument.hasPrefix("--"), argument.count > 2,
        FileManager.default.fileExists(atPath: argument)
      {
        joined.append("./\(argument)")
      } else {
        joined.append(argument)
      }
      if argument == "--" { return joined + arguments.dropFirst(index + 1) }
    }
    return joined
  }

  /// - Returns: The exit status.
  private static func tell(_ failure: Failure) -> Int32 {
    if !failure.isQuiet { Diagnostics.write("utter: \(failure)") }
    return failure.status
  }

  /// What the parser throws is help, too, which must not be lost on a full disk.
  ///
  /// - Returns: The exit status.
  private static func tellParser(_ error: any Error) -> Int32 {
    let status = exitCode(for: error).rawValue
    let message = fullMessage(for: error)
    guard status == 0 else {
      if !message.isEmpty { Diagnostics.write(message.split(separator: "\n").map(String.init)) }
      return status
    }
    do {
      let output = try Output("-")
      try output.write(message + "\n")
      try output.finish()
      return 0
    } catch {
      return tell(Failure(error, of: "standard output"))
    }
  }
}
