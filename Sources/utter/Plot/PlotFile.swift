import AudioDSP

/// A file that a picture of a recording will be.
final class PlotFile {
  private let output: Output
  /// For what is not SVG.
  private let converter: PNGConverter?
  private var plot: SpeechPlot

  /// - Throws: Where the file cannot be made, or what a PNG needs is missing.
  init(_ place: PlotPlace, for file: InputFiles.File, grid: FrameGrid) throws {
    let path = try place.place.path(for: file)
    converter = place.format == .png ? try PNGConverter(for: path) : nil
    output = try Output(path)
    plot = SpeechPlot(grid)
  }

  /// Takes the next samples of the channel in which speech is looked for.
  func add(_ samples: Span<Float>) { plot.add(samples) }

  /// Takes the next frame's score.
  func add(_ score: FrameScore) { plot.add(score.score) }

  /// Draws the picture; it now appears under its name.
  ///
  /// - Parameters:
  ///   - detector: What found the speech.
  ///   - collector: What was found, all of it.
  func finish(
    _ file: InputFiles.File, channelCount: Int, downmix: Downmix, detector: String,
    configuration: SegmenterConfiguration, found collector: SegmentCollector
  ) throws {
    let segments = collector.segments(endingBy: plot.sampleCount).map { $0.start..<$0.end }
    let caption = SpeechPlotCaption(
      name: file.relativePath.onOneLine, rate: plot.grid.sampleRate, sampleCount: plot.sampleCount,
      channelCount: channelCount, downmix: downmix, detector: detector, configuration: configuration,
      segments: segments, misfireCount: collector.misfires.count)
    let drawing = SpeechPlotDrawing(
      plot: plot, caption: caption, enterThreshold: configuration.enterThreshold,
      exitThreshold: configuration.exitThreshold, segments: segments, misfires: collector.misfires)
    let svg = drawing.svg()
    if let converter {
      let png = try converter.png(of: svg)
      try output.write(png.span)
    } else {
      try output.write(svg)
    }
    try output.finish()
  }
}
