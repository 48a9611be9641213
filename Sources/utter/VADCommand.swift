import ArgumentParser
import AudioDSP
import AudioFiles
import Foundation

struct VADCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vad",
    abstract: "Says where in a recording someone is speaking.",
    discussion: """
      Speech itself, without padding. csv and json give, for each segment, start_s and end_s, and start_decided_s and \
      end_decided_s: the stream time at which a live listener would have known. Where one output holds several inputs, they \
      gain a leading column 'file'. A misfire is what reached the threshold and was too short to be speech; it is counted, \
      and no segment.

      FORMATS
        table       for people
        csv, json   for programs: every time in seconds
        rttm, ctm   NIST's; a recording's name is that of its file, bare
        audacity    a label track
        textgrid    a tier of intervals for Praat
        srt, vtt    subtitles

      What was found in a recording is told at its end; 'utter chunk - --vad turns' is live.

      A file in one of the last three lines holds one recording: several inputs then need a folder.

      EXAMPLES
        utter vad interview.wav
        utter vad interview.wav --format csv > segments.csv
        utter vad calls/ --format json > segments.json
        utter vad interview.wav --format audacity --out labels.txt
        utter vad calls/ --format rttm --out calls.rttm
        utter vad calls/ --format textgrid --out labels/
        utter vad interview.wav --scores scores.csv --threshold 0.7
        utter vad interview.wav --plot interview.svg
      """)

  @Argument(help: "Recordings, folders of them, or '-' for standard input.")
  var inputs: [String]

  @Option(help: "How to write the segments.")
  var format = Format.table

  @Option(
    name: [.short, .long],
    help: "A file, or a folder, which gets one file per input; default: standard output.")
  var out: String?

  @Option(help: "Write a row 'time_s,score' for every 10 ms here; with several inputs, a folder.")
  var scores: String?

  @Option(
    help:
      "Write energy in dBFS and zero-crossing rate for every 10 ms here, whichever the detector; with several inputs, a folder."
  )
  var features: String?

  @Option(
    help: ArgumentHelp(
      "Draw waveform, score and segments here, as .svg or .png; with several inputs, a folder.",
      discussion: "A folder's pictures are SVG. PNG needs rsvg-convert (Debian: librsvg2-bin)."))
  var plot: String?

  @Option(
    name: .customLong("max-segment-s"),
    help: "Cut longer segments, 0.1 to 86400 s, at the quietest frame of their second half.")
  var maximumSegment: Double?

  @Option(help: ChannelChoice.help)
  var channel = ChannelChoice.mean

  @OptionGroup var segmentation: SegmentationOptions

  @OptionGroup var input: InputOptions
  @OptionGroup var archive: ArchiveOptions

  func validate() throws {
    let attack = segmentation.minimumSpeech.map { .milliseconds($0) } ?? SegmenterConfiguration.speech.minimumSpeech
    let least = max(0.1, 2 * (attack / .seconds(1)))
    // A day; what is no number fails this too.
    if let maximumSegment, !(least...86_400).contains(maximumSegment) {
      throw Misuse(
        "--max-segment-s \(maximumSegment) is outside of \(least) to 86400: at least 0.1 and twice --min-speech-ms")
    }
  }

  func run() throws {
    let maximum = maximumSegment.map { Duration.seconds($0) }
    let configuration = try segmentation.configuration(default: .speech, maximumSegment: maximum)
    let inputs = try InputFiles(inputs, takesAll: input.raw != nil)
    let scoresPlace = try scores.map {
      try OutputPlace($0, for: inputs, option: "--scores FOLDER", pathExtension: "scores.csv")
    }
    let featuresPlace = try features.map {
      try OutputPlace($0, for: inputs, option: "--features FOLDER", pathExtension: "features.csv")
    }
    let plotPlace = try plot.map { try PlotPlace($0, for: inputs) }
    let place =
      try format.holdsSeveralRecordings
      ? OutputPlace(shared: out, pathExtension: format.fileExtension)
      : OutputPlace(out, for: inputs, option: "--out FOLDER", pathExtension: format.fileExtension)
    let places = [place] + [scoresPlace, featuresPlace, plotPlace?.place].compactMap(\.self)
    try checkOutputs(places, of: inputs)
    try archive.check([(place, "--out FOLDER/")], of: inputs)
    if archive.passesOver(inputs, outputs: places) { return archive.tellAllPassedOver(inputs) }
    if !archive.quiet { inputs.tellPassedOver() }

    let report = SegmentReport(format, of: inputs, isShared: !place.isPerInput)
    let shared = place.isPerInput ? nil : try SegmentReportOutput(report, to: Output(place))
    let run = ArchiveRun(inputs, archive)
    try run { (task) -> SegmentReport.Entry? in
      if archive.passesOver(task.file, outputs: places) {
        task.skip()
        return nil
      }
      let entry = try entry(
        of: task, in: report, configuration, scores: scoresPlace, features: featuresPlace, plot: plotPlace)
      guard place.isPerInput else { return entry }
      let output = try Output(place, for: task.file)
      try output.write(report.header + entry.text(isFirst: true) + report.footer(isEmpty: entry.isEmpty))
      try output.finish()
      return nil
    } deliver: { _, entry in
      if let entry { try shared?.write(entry) }
    } finish: {
      try shared?.finish()
    }
  }

  private func entry(
    of task: InputTask, in report: SegmentReport, _ configuration: SegmenterConfiguration,
    scores scoresPlace: OutputPlace?, features featuresPlace: OutputPlace?, plot plotPlace: PlotPlace?
  ) throws -> SegmentReport.Entry {
    var recording = try Recording(task, input)
    let scoresOutput = try scoresPlace.map { try Output($0, for: task.file) }
    let featuresOutput = try featuresPlace.map { try Output($0, for: task.file) }
    try scoresOutput?.write("time_s,score\n")
    try featuresOutput?.write("time_s,energy_dbfs,zero_crossing_rate\n")

    let rate = recording.sampleRate
    let grid = FrameGrid(rate)
    let picture = try plotPlace.map { try PlotFile($0, for: task.file, grid: grid) }
    var tracker = SpeechTracker(SpeechDetector(segmentation.detector, rate), configuration: configuration)
    var mixer = try BlockMixer(channelCount: recording.channelCount, downmix: channel.downmix, sampleRate: rate)
    var collector = SegmentCollector()
    var frame = 0
    let onFrame = { (score: FrameScore) throws in
      defer { frame += 1 }
      picture?.add(score)
      guard scoresOutput != nil || featuresOutput != nil else { return }
      let time = rate.secondsText(grid.start(ofFrame: frame))
      try scoresOutput?.write("\(time),\(String(format: "%.4f", score.score))\n")
      try featuresOutput?.write(
        "\(time),\(String(format: "%.2f", score.features.energyInDecibels)),"
          + "\(String(format: "%.4f", score.features.zeroCrossingRate))\n")
    }
    try recording.forEachBlock { block in
      try mixer.process(block) { mono in
        picture?.add(mono)
        try tracker.process(mono, onFrame: onFrame) { collector.note($0) }
      }
    }
    let frameCount = recording.frameCount
    try tracker.finish(onFrame: onFrame) { collector.note($0) }
    try recording.tellDamage(nonFiniteCount: mixer.nonFiniteCount)
    try scoresOutput?.finish()
    try featuresOutput?.finish()
    try picture?.finish(
      task.file, channelCount: recording.channelCount, downmix: channel.downmix,
      detector: segmentation.detector.rawValue, configuration: configuration, found: collector)
    return report.entry(
      task.file, rate: rate, channelCount: recording.channelCount, channel: channel.index ?? 0,
      frameCount: frameCount, segments: collector.segments(endingBy: frameCount),
      misfires: collector.misfires.count)
  }
}
