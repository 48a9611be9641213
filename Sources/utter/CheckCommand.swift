import ArgumentParser
import AudioDSP

struct CheckCommand: ParsableCommand {
  enum Format: String, CaseIterable, Sendable, ExpressibleByArgument {
    case text, json
  }

  enum FailOn: String, CaseIterable, Sendable, ExpressibleByArgument {
    case fault, note, never

    func isMet(by findings: [Finding]) -> Bool {
      switch self {
      case .fault: findings.contains { $0.severity == .fault }
      case .note: findings.contains { $0.severity >= .note }
      case .never: false
      }
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Says what in a recording would hurt recognition.",
    discussion: """
      For each recording the figures, and then findings in words: what is wrong, where in seconds, and what to do. All channels \
      are looked at, so there is nothing to choose. A fault hurts recognition; a note is worth knowing; advice is how to use a \
      recording that is as it should be. Places of one kind that are near to one another are told as one, the first 64 of them.

      FINDINGS
        clipping           Tops cut off flat, at full scale or at any level below: turning down does not mend it. A fault from
                           0.1 % of the speech, or 50 tops.
        soft-clipping      As clipping, before it was coded or resampled: many samples at one ceiling and hardly any above.
        over-full-scale    Floating-point samples above 1, which every 16-bit file clips. A fault from 1 dB.
        dc-offset          The mean of the quieter parts is off 0 by 0.002 and more; a fault from 0.02, as loud as quiet speech.
        too-quiet          Speech below -38 dBFS; a fault below -50, where detectors of voice no longer hear it.
        too-loud           Speech above -9 dBFS: its peaks have been limited or cut.
        level-steps        Stretches of speech differ by 15 dB and more; talkers at one microphone differ by 10.
        noise              Speech less than 20 dB above its pauses, where word errors begin to rise; a fault below 14.
        hum                Tones of 50 or 60 Hz and multiples, less than 45 dB below the speech; a fault below 20.
        dropouts           5 ms and more of zeros, or of one held value, between loud edges in speech: parts of words are gone.
        repeats            A packet of 10 to 60 ms that comes twice, sample by sample.
        narrow-band        Nothing above 5 kHz in a file that could hold it: it has been through a telephone.
        dead-channel       A channel below -84 dBFS beside one that has speech.
        empty-channel      A channel with noise and no speech: a mean of all channels loses level.
        duplicate-channel  Two channels that are the same: half the data would do.
        inverted-channel   Opposite polarity: a mean of both loses the speech. Take one with --channel.
        delayed-channel    One sound on two channels, 1 to 40 ms apart: a mean of both combs.
        quiet-channel      One sound on two channels, 12 dB and more apart.
        talkers            Advice: the channels hold different talkers, to be taken one by one.
        no-speech, silent  Nothing to recognise.
        truncated          The file ends before its header says.
        damaged            Parts within the file are missing, or audio behind its end is not read.
        non-finite         Samples that are no numbers; taken as 0.

      THE FIGURES
        Levels in dBFS are of mean powers, a full-scale sine having -3. Loudness is that of ITU-R BS.1770 (EBU R 128), the true \
        peak by four instants for each sample. Speech is what 'utter vad' finds; noise is what is heard between.

      WHAT HELPS
        Where options of 'utter convert', 'chunk' and 'split' do something about a finding, it names them, and the last line
        is the command that does all of it: --clean dc, hum=50, declip, full (for noise), agc and loudness (for levels), and
        --channel auto or N. What is missing, as in dropouts, nothing brings back, and agc, which raises and lowers by 30 dB
        at the most, may leave some of uneven levels.

      EXIT STATUS
        Findings are the result, so that it is 0 with them, too; --fail-on fault makes it 1 where there is a fault.

      EXAMPLES
        utter check interview.wav
        utter check calls/ --format json > checked.json
        utter check upload.wav --fail-on fault > report.txt || echo "ask for another recording"
      """)

  @Argument(help: "Recordings, folders of them, or '-' for standard input.")
  var inputs: [String]

  @Option(
    help:
      "How to write the findings: text to read, or json with all figures, an array with an object for each recording.")
  var format = Format.text

  @Option(help: "Exit with status 1 where there is a fault, or a note; findings alone do not fail.")
  var failOn = FailOn.never

  @OptionGroup var input: InputOptions
  @OptionGroup var archive: ArchiveOptions

  func validate() throws {
    if archive.skipExisting { throw Misuse("--skip-existing is for commands that write a file for each recording") }
  }

  func run() throws {
    let inputs = try InputFiles(inputs, takesAll: input.raw != nil)
    if !archive.quiet { inputs.tellPassedOver() }
    let output = try Output("-")
    if format == .json { try output.write("[") }
    var reported = 0
    var isMet = false
    let run = ArchiveRun(inputs, archive)
    try run { task in
      let report = CheckReport(file: task.file.path, measured: try RecordingCheck.measure(task, input), raw: input.raw)
      return (text: format == .json ? report.json.description : report.text, isMet: failOn.isMet(by: report.findings))
    } deliver: { _, report in
      let separator = format == .json ? (reported > 0 ? ",\n" : "\n") : (reported > 0 ? "\n" : "")
      try output.write(separator + report.text)
      reported += 1
      isMet = isMet || report.isMet
      // A long list of recordings gives its results as they are made.
      try output.flush()
    } finish: {
      if format == .json { try output.write(reported == 0 ? "]\n" : "\n]\n") }
      try output.finish()
    }
    if isMet { throw Failure.alreadyTold }
  }
}
