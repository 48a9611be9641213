import ArgumentParser
import AudioDSP
import AudioFiles
import RealtimeVoice

struct UnchunkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unchunk",
    abstract: "Turns a log of a realtime voice API's events back into audio.",
    discussion: """
      The way back from 'utter chunk': a log has one event a line, sent by the client or received from the service, or the \
      bare base64 lines of --dialect pcm. A line may also be an object with the event under 'event', 'message' or 'data'. \
      Events without audio are passed over. The audio keeps its rate.

      WHAT IS READ
        openai        input_audio_buffer.append; response.output_audio.delta
        openai-beta   the same; response.audio.delta
        gemini        realtimeInput.audio or .mediaChunks; serverContent with inlineData
        elevenlabs    user_audio_chunk; audio
        pcm           bare base64

      The container follows from the name of OUT (wav, flac, aiff, au, caf, w64, rf64, and raw for bare samples), with 16 \
      bits a sample; '-' writes WAV to standard output. A line that is malformed is told and left out.

      EXAMPLES
        utter unchunk events.jsonl heard.wav
        utter unchunk session.jsonl answer.wav --side received
        utter unchunk session.jsonl one-answer.flac --item item_Bq3
        utter unchunk call.jsonl caller.wav --side sent --audio-format ulaw
        utter chunk interview.wav | utter unchunk - again.wav
      """)

  @Argument(help: "A log of events, or '-' for standard input.")
  var events: String

  @Argument(help: "The file to write, or '-' for standard output.")
  var output: String

  @Option(help: "Whose events to read; default: what the log has.")
  var dialect: Dialect?

  @Option(help: "Whose audio, where a log has both: what the client sent, or what it received.")
  var side: AudioEvent.Side?

  @Option(
    name: .customLong("item"),
    help: "Only the audio of one item of a response: OpenAI's item_id, or ElevenLabs' event_id.")
  var itemID: String?

  @Option(help: "The sample rate of the audio, 4000 to 192000 Hz; default: what the events say, or the dialect's.")
  var rate: SampleRate?

  @Option(
    name: .customLong("audio-format"),
    help: "How the events hold samples; default: what the events say, or 16 bits.")
  var encoding: AudioEvent.Encoding?

  @Flag(help: "Fail where a line is malformed or the log is cut off, instead of a warning.")
  var strict = false

  @Flag(name: .shortAndLong, help: "Say nothing on standard error but warnings.")
  var quiet = false

  func run() throws {
    try checkOutputs([output], inputs: [events])
    if output != "-" { try AudioContainer.checkName(output) }
    do {
      var log = try EventLog(
        events,
        EventLog.Choice(
          dialect: dialect, side: side, itemID: itemID, encoding: encoding, rate: rate, isStrict: strict))
      guard let first = try log.next() else {
        try log.finish()
        throw Failure("\(log.name): no whole sample of audio in \(counted(log.lineCount, "line"))")
      }
      var writer = try SampleWriter(output, rate: first.rate, encoding: .pcm16, ditherSeed: nil)
      try writer.write(first.samples.span)
      var count = first.samples.count
      while let piece = try log.next() {
        guard piece.rate == first.rate else {
          throw Failure(
            "\(log.name): line \(piece.lineNumber): audio at \(piece.rate) behind audio at \(first.rate); "
              + "--rate HZ takes all as one")
        }
        try writer.write(piece.samples.span)
        count += piece.samples.count
      }
      try log.finish()
      try writer.finish()
      if !quiet { tell(log, sampleCount: count, first.rate) }
    } catch {
      throw Failure(error, of: events)
    }
  }

  private func tell(_ log: borrowing EventLog, sampleCount: Int, _ rate: SampleRate) {
    guard let stream = log.stream else { return }
    Diagnostics.write(
      "\(log.name): \(counted(log.takenCount, "event")) \(stream.side.rawValue) (\(stream.dialect.rawValue), "
        + "\(log.encoding.rawValue)) -> \(rate.secondsText(sampleCount)) s at \(rate)")
  }
}

extension AudioEvent.Side: ExpressibleByArgument {}

extension AudioEvent.Encoding: ExpressibleByArgument {}
