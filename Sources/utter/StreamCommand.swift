import ArgumentParser
import AudioDSP
import AudioFiles
import Foundation
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO

struct StreamCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream",
    abstract: "Holds a spoken session with a recording, or a live pipe, as the user.",
    discussion: """
      What is said is written to standard output, a line for each turn and answer; how long answers took, and warnings, go \
      to standard error. Without a key and a URL, a simulator in this process answers; it says so.

      Keys come from the environment (\(ServiceChoice.keyVariablesText)) or from a file, never from an argument, where \
      others could read them.

      Files are heard as fast as the session takes them, turn by turn: each answer is awaited and played before the \
      recording goes on. With --realtime they are heard at the pace of speech, and what is said while an answer plays \
      interrupts it. Pipes come at their own pace, and turns that the service finds are always heard at the pace of speech.

      TURNS
        local    our detector ends turns (default, where the dialect has a way to tell the service)
        service  the service's own detector does; 'server' is the same
        manual   the whole recording is one turn

      EXAMPLES
        utter stream TestAudio/speech.wav
        utter stream question.wav --answers answer.wav --timeline session.jsonl
        OPENAI_API_KEY=… utter stream question.wav --voice marin --instructions 'Answer in one sentence.'
        utter stream question.wav --dialect gemini --key-file ~/.gemini-key
        utter stream question.wav --base-url https://NAME.openai.azure.com/openai/v1 --model DEPLOYMENT
        utter stream question.wav --base-url http://localhost:4000/v1 --dialect openai-beta --model local
        arecord -q -f S16_LE -r 48000 -c 1 | utter stream - --answers answers.wav
        utter stream hello.wav --dialect openai-chat

      TIMELINE
        A line of JSON an event: 'event' names it, and 'time_s' is when, on the session's clock. ready, turn_started, \
        turn_ended, answer_started, text (speaker, text, whole), playout_started (speech_ended_s, committed_s, \
        answer_started_s, first_audio_s, first_played_s), playout_finished, ducked, restored, interrupted (items with \
        heard_ms and received_ms), tool_called, tool_returned, answer_finished (end), usage (model, usage), reconnecting, \
        renewing, service_error, malformed, closed, and some more; 'utter budget --session --timeline' and 'utter cost \
        --usage' read it. A file that is heard faster than speech has speech_ended_s where the recording's own time puts \
        it, which may be before the session began. With '-' the words go to standard error.

      EXIT STATUS
        0 all answers came and were played, or were interrupted, or there was nothing to answer, which is said; 1 not all \
        came, or the session failed. Ctrl-C ends a live input, whose last turn is still answered; the session of a file \
        ends with the signal, and what has come is written.
      """)

  @Argument(help: "A recording, or '-' for standard input.")
  var recording: String

  @OptionGroup var service: ServiceChoice

  @Option(help: "Who ends turns: local, service or manual.")
  var turns: TurnsChoice?

  @Flag(help: "Hear the recording at the pace of speech.")
  var realtime = false

  @Option(help: "Write the answers' audio here, as it was played: mono at the service's rate.")
  var answers: String?

  @Option(help: "Write what happened here, a line of JSON an event, with its time in seconds.")
  var timeline: String?

  @Option(name: .customLong("chunk-ms"), help: "Audio per event, 10 to 10000 ms.")
  var chunkMilliseconds = 20

  @Option(help: "What the model is told to be.")
  var instructions: String?

  @Option(help: "The voice of answers, as the service names it.")
  var voice: String?

  @Option(help: "The language that is spoken, as in 'en'.")
  var language: String?

  @Option(
    help: "What writes down the user's words: a model of the service's, or 'none'; default: what it offers.")
  var transcription: String?

  @Option(
    name: .customLong("interrupt-ms"),
    help: "How much speech interrupts an answer, 50 to 10000 ms; 0: nothing does.")
  var interruptMilliseconds = 300

  @Flag(help: "Offer the model a tool, get_time, that tells the time.")
  var toolDemo = false

  @OptionGroup var segmentation: SegmentationOptions

  @Option(help: ChannelChoice.help)
  var channel = ChannelChoice.mean

  @Option(
    name: .customLong("clean"), help: CleaningChoice.help, transform: { try CleaningChoice(parsing: $0) })
  var clean = CleaningChoice.off

  @OptionGroup var input: InputOptions

  @Flag(name: [.short, .long], help: "No word on standard error but warnings and errors.")
  var quiet = false

  @Flag(help: "Say on standard error what connections do: never audio, words or keys.")
  var verbose = false

  func validate() throws {
    guard (10...10_000).contains(chunkMilliseconds) else {
      throw Misuse("--chunk-ms \(chunkMilliseconds) is outside of 10 to 10000")
    }
    guard interruptMilliseconds == 0 || (50...10_000).contains(interruptMilliseconds) else {
      throw Misuse("--interrupt-ms \(interruptMilliseconds) is outside of 50 to 10000, and not 0")
    }
    if clean.loudness != nil { throw Misuse("--clean loudness reads a recording twice; a session takes agc") }
    if service.dialect == .chat {
      if turns != nil || realtime { throw Misuse("openai-chat has no turns: the whole recording is one question") }
      if toolDemo { throw Misuse("--tool-demo is for sessions") }
      if language != nil || transcription != nil || interruptMilliseconds != 300 || chunkMilliseconds != 20
        || !segmentation.isEmpty
      {
        throw Misuse(
          "openai-chat takes no --language, --transcription, --interrupt-ms, --chunk-ms or options of the detector: it "
            + "is one question without turns")
      }
      if service.path != nil || !service.query.isEmpty {
        throw Misuse("openai-chat takes --url or --base-url, without --path and --query")
      }
    }
  }

  func run() throws {
    let inputs = try InputFiles([recording], takesAll: input.raw != nil)
    guard !inputs.isMultiple else { throw Misuse("a session hears one recording, not a folder") }
    let outputs = [answers, timeline].compactMap(\.self)
    try checkOutputs(outputs, inputs: [recording])
    // Before anything is said, and paid for.
    if let answers, answers != "-" {
      try AudioContainer.checkName(answers)
      let folder = (answers as NSString).deletingLastPathComponent
      guard !isFolder(answers), folder.isEmpty || isFolder(folder) else {
        throw Failure("\(answers): \(isFolder(answers) ? "is a folder" : "the folder is not there")")
      }
    }
    if let dialect = service.dialect.dialect {
      try StreamRun(self, dialect).run()
    } else {
      try ChatRun(self).run()
    }
  }

  func configuration(
    _ dialect: Dialect, inputRate: SampleRate, channelCount: Int
  ) throws -> SessionConfiguration {
    var configuration = SessionConfiguration(dialect)
    configuration.model = service.model
    configuration.instructions = instructions
    configuration.voice = voice
    configuration.language = language
    configuration.transcriptionModel = transcription.map { $0 == "none" ? nil : $0 } ?? ""
    configuration.inputRate = inputRate
    configuration.channelCount = channelCount
    configuration.downmix = channel.downmix
    configuration.cleaning = clean.configuration
    configuration.chunkDuration = .milliseconds(chunkMilliseconds)
    configuration.detector = segmentation.detector
    switch turns {
    case nil: break
    case .local: configuration.turnTaking = .local
    case .service, .server: configuration.turnTaking = .service
    case .manual: configuration.turnTaking = .pushToTalk
    }
    if case .local = configuration.turnTaking {
      configuration.turnTaking = .local(
        LocalTurnTaking(segmentation: try segmentation.configuration(default: .turns)))
    }
    configuration.interruption.confirmation =
      interruptMilliseconds == 0 ? .never : .speech(.milliseconds(interruptMilliseconds))
    do {
      try configuration.validate()
    } catch {
      throw Misuse("\(error)")
    }
    return configuration
  }
}

/// Who ends turns.
enum TurnsChoice: String, CaseIterable, ExpressibleByArgument {
  case local, service, server, manual

  static var allValueStrings: [String] { ["local", "service", "manual"] }
}
