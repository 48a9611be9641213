import AudioDSP
import Foundation

/// Draws a ``SpeechPlot`` as SVG: the waveform above, the score and its thresholds below, speech shaded behind both.
struct SpeechPlotDrawing {
  var plot: SpeechPlot
  var caption: SpeechPlotCaption
  var enterThreshold: Float
  var exitThreshold: Float
  /// In samples, in order.
  var segments: [Range<Int>]
  var misfires: [Range<Int>]

  /// Where things lie, in the picture's units.
  private enum Layout {
    static let size = (width: 1_388.0, height: 610.0)
    /// What both panels have between them, from left to right.
    static let left = 88.0
    static let width = 1_200.0
    static let right = left + width
    static let waveform = Panel(top: 76, height: 250)
    static let score = Panel(top: 348, height: 160)
    static let titleBaseline = 34.0
    static let captionBaseline = 57.0
    static let timeBaseline = 527.0
    static let timeTitleBaseline = 549.0
    static let legendBaseline = 587.0
    /// Between the baselines of labels that would otherwise run into each other.
    static let lineHeight = 16.0
    /// From a line's middle down to the baseline of the text beside it.
    static let baselineShift = 4.5
  }

  private enum Size {
    static let title = 19.0
    static let text = 14.0
    static let label = 13.0
  }

  /// Light behind, dark in front; told apart in grey as well, with the lines' dashes.
  private enum Colour {
    static let paper: SVGWriter.Value = "#ffffff"
    static let text: SVGWriter.Value = "#222222"
    static let frame: SVGWriter.Value = "#8a8a8a"
    static let grid: SVGWriter.Value = "#dcdcdc"
    static let segment: SVGWriter.Value = "#d8efd3"
    static let segmentEdge: SVGWriter.Value = "#93c488"
    static let narrowSegment: SVGWriter.Value = "#bfe2b7"
    static let misfire: SVGWriter.Value = "#fde9cf"
    static let misfireEdge: SVGWriter.Value = "#eec28c"
    static let narrowMisfire: SVGWriter.Value = "#f8d6a9"
    static let waveform: SVGWriter.Value = "#2f5f98"
    static let score: SVGWriter.Value = "#6b3080"
    static let enter: SVGWriter.Value = "#b8321f"
    static let exit: SVGWriter.Value = "#8a6400"
  }

  private struct Panel {
    var top: Double
    var height: Double
    var bottom: Double { top + height }
  }

  private static let enterDashes: SVGWriter.Value = "7 4"
  private static let exitDashes: SVGWriter.Value = "2 3"
  /// Of a line that is one point.
  private static let dotSize = 6.0

  /// The picture.
  func svg() -> String {
    var svg = SVGWriter(width: Layout.size.width, height: Layout.size.height)
    svg.element("title", [:], "\(caption.title): speech")
    svg.element("desc", [:], caption.text)
    svg.element(
      "rect", ["width": .number(Layout.size.width), "height": .number(Layout.size.height), "fill": Colour.paper])
    svg.begin("g", ["font-family": "sans-serif", "font-size": .number(Size.label), "fill": Colour.text])
    drawCaption(&svg)
    drawBands(misfires, named: "misfire", (Colour.misfire, Colour.misfireEdge, Colour.narrowMisfire), &svg)
    drawBands(segments, named: "speech", (Colour.segment, Colour.segmentEdge, Colour.narrowSegment), &svg)
    drawTimeAxis(&svg)
    drawWaveform(&svg)
    drawScore(&svg)
    drawLegend(&svg)
    svg.finish()
    return svg.text
  }

  // MARK: Places

  /// In seconds; a recording of next to nothing gets an axis all the same.
  private var shownDuration: Double {
    max(plot.grid.sampleRate.seconds(of: plot.sampleCount), 1 / Double(FrameGrid.rate))
  }

  /// How many samples a unit of the picture shows.
  private var samplesPerUnit: Double { shownDuration * Double(plot.grid.sampleRate.hertz) / Layout.width }

  private func x(ofSample sample: Double) -> Double { Layout.left + sample / samplesPerUnit }

  private func y(ofScore score: Double) -> Double { Layout.score.bottom - score * Layout.score.height }

  // MARK: Parts

  private func drawCaption(_ svg: inout SVGWriter) {
    // Bold text is wider.
    let title = caption.title.shortened(toWidth: Layout.width, fontSize: 1.15 * Size.title)
    svg.element(
      "text",
      [
        "x": .number(Layout.left), "y": .number(Layout.titleBaseline), "font-size": .number(Size.title),
        "font-weight": "bold",
      ], title)
    svg.element(
      "text",
      ["x": .number(Layout.left), "y": .number(Layout.captionBaseline), "font-size": .number(Size.text)],
      caption.text)
  }

  private func drawBands(
    _ ranges: [Range<Int>], named name: String,
    _ colours: (fill: SVGWriter.Value, edge: SVGWriter.Value, narrow: SVGWriter.Value), _ svg: inout SVGWriter
  ) {
    svg.begin("g", ["class": .text("\(name)-bands"), "stroke-width": 0.8])
    let rate = plot.grid.sampleRate
    for band in Band.bands(ranges, unit: samplesPerUnit) {
      let start = x(ofSample: Double(band.range.lowerBound))
      let width = Double(band.range.count) / samplesPerUnit
      // Edges would hide what is between them where bands are narrow; those are a little darker instead, to be seen.
      svg.begin(
        "rect",
        [
          "class": .text(name), "x": .number(start), "y": .number(Layout.waveform.top),
          "width": .number(max(width, 0.8)), "height": .number(Layout.score.bottom - Layout.waveform.top),
          "fill": width < 3 ? colours.narrow : colours.fill, "stroke": width < 8 ? "none" : colours.edge,
        ])
      let span = "\(rate.secondsText(band.range.lowerBound)) to \(rate.secondsText(band.range.upperBound)) s"
      // A viewer's tooltip.
      svg.element("title", [:], band.count == 1 ? "\(name), \(span)" : "\(band.count) times \(name), \(span)")
      svg.end()
    }
    svg.end()
  }

  private func drawTimeAxis(_ svg: inout SVGWriter) {
    let axis = TimeAxis(duration: shownDuration)
    let places = axis.ticks.map { Layout.left + $0.time / axis.duration * Layout.width }
    svg.begin("g", ["stroke": Colour.grid])
    for x in places {
      for panel in [Layout.waveform, Layout.score] { drawLine((x, panel.top), (x, panel.bottom), &svg) }
    }
    svg.end()
    svg.begin("g", ["stroke": Colour.frame])
    for x in places { drawLine((x, Layout.score.bottom), (x, Layout.score.bottom + 4), &svg) }
    svg.end()
    svg.begin("g", ["class": "time-axis", "text-anchor": "middle"])
    for (x, tick) in zip(places, axis.ticks) {
      svg.element("text", ["x": .number(x), "y": .number(Layout.timeBaseline)], tick.label)
    }
    svg.element(
      "text", ["x": .number(Layout.left + Layout.width / 2), "y": .number(Layout.timeTitleBaseline)],
      "time in \(axis.unit)")
    svg.end()
  }

  private func drawWaveform(_ svg: inout SVGWriter) {
    let panel = Layout.waveform
    let scale = AmplitudeScale(peak: plot.peak)
    let y = { (value: Double) in panel.top + (1 - value / scale.limit) * panel.height / 2 }
    drawAxis(
      scale.ticks.map { (y($0.value), $0.amplitude, $0.decibels) }, of: panel, title: "amplitude", rightTitle: "dBFS",
      &svg)
    // Where a waveform goes over full scale, that is marked; far above, it would be one with zero.
    if scale.limit > 1, scale.limit <= 20 {
      svg.begin("g", ["stroke": Colour.frame, "stroke-dasharray": "7 4"])
      for value in [1.0, -1.0] { drawLine((Layout.left, y(value)), (Layout.right, y(value)), &svg) }
      svg.end()
    }
    let columns = plot.waveform.columns
    guard !columns.isEmpty else { return }
    let places = columns.indices.map { i in
      let samples = plot.waveform.values(ofColumn: i)
      return x(ofSample: Double(samples.lowerBound + samples.upperBound) / 2)
    }
    let upper = zip(places, columns).map { ($0, y(Double($1.maximum))) }
    let lower = zip(places, columns).map { ($0, y(Double($1.minimum))) }
    // Samples one by one are a line; an outline of it would double every point.
    let isLine = plot.waveform.valuesPerColumn == 1
    svg.element(
      "path",
      [
        "class": "waveform", "d": .text(SVGWriter.path(isLine ? upper : upper + lower.reversed(), isClosed: !isLine)),
        "fill": isLine ? "none" : Colour.waveform, "stroke": Colour.waveform,
        "stroke-width": .number(columns.count == 1 ? Self.dotSize : isLine ? 1.2 : 0.7),
        "stroke-linecap": "round", "stroke-linejoin": "round",
      ])
  }

  private func drawScore(_ svg: inout SVGWriter) {
    drawAxis(
      [1, 0.75, 0.5, 0.25, 0].map { (y(ofScore: $0), String(format: "%.3g", $0), nil) }, of: Layout.score,
      title: "score", rightTitle: nil, &svg)
    let columns = plot.scores.columns
    let places = columns.indices.map { i in
      let frames = plot.scores.values(ofColumn: i)
      let start = plot.grid.start(ofFrame: frames.lowerBound)
      let end = min(plot.grid.start(ofFrame: frames.upperBound), plot.sampleCount)
      return x(ofSample: Double(start + end) / 2)
    }
    if isScoreReduced {
      let upper = zip(places, columns).map { ($0, y(ofScore: Double($1.maximum))) }
      let lower = zip(places, columns).map { ($0, y(ofScore: Double($1.minimum))) }
      svg.element(
        "path",
        [
          "class": "score-range", "d": .text(SVGWriter.path(upper + lower.reversed(), isClosed: true)),
          "fill": Colour.score, "fill-opacity": 0.22,
        ])
    }
    drawThresholds(&svg)
    guard !columns.isEmpty else { return }
    svg.element(
      "path",
      [
        "class": "score", "d": .text(SVGWriter.path(zip(places, columns).map { ($0, y(ofScore: $1.mean)) })),
        "fill": "none", "stroke": Colour.score,
        "stroke-width": .number(columns.count == 1 ? Self.dotSize : isScoreReduced ? 0.9 : 1.5),
        "stroke-linecap": "round", "stroke-linejoin": "round",
      ])
  }

  /// Whether the score's columns stand for several frames, so that they have a range.
  private var isScoreReduced: Bool { plot.scores.valuesPerColumn > 1 }

  private func drawThresholds(_ svg: inout SVGWriter) {
    let lines = [
      ("enter", enterThreshold, Colour.enter, Self.enterDashes), ("exit", exitThreshold, Colour.exit, Self.exitDashes),
    ]
    // The upper label and the lower one, apart, and within the panel.
    var (upper, lower) = (y(ofScore: Double(enterThreshold)), y(ofScore: Double(exitThreshold)))
    if lower - upper < Layout.lineHeight {
      let middle = (upper + lower) / 2
      (upper, lower) = (middle - Layout.lineHeight / 2, middle + Layout.lineHeight / 2)
    }
    // The lower one stays clear of the time axis' labels.
    let excess = max(0, lower - (Layout.score.bottom - 6)) - max(0, Layout.score.top - upper)
    for ((name, threshold, colour, dashes), label) in zip(lines, [upper - excess, lower - excess]) {
      let y = y(ofScore: Double(threshold))
      svg.begin(
        "g", ["class": .text("\(name)-threshold"), "stroke": colour, "stroke-width": 1.2, "stroke-dasharray": dashes])
      drawLine((Layout.left, y), (Layout.right, y), &svg)
      svg.end()
      svg.element(
        "text",
        ["x": .number(Layout.right + 8), "y": .number(label + Layout.baselineShift), "fill": colour],
        "\(name) \(SpeechPlotCaption.text(ofThreshold: threshold))")
    }
  }

  /// A panel's frame, the marks at its sides, and lines between them.
  private func drawAxis(
    _ ticks: [(y: Double, label: String, rightLabel: String?)], of panel: Panel, title: String, rightTitle: String?,
    _ svg: inout SVGWriter
  ) {
    svg.begin("g", ["stroke": Colour.grid])
    for tick in ticks { drawLine((Layout.left, tick.y), (Layout.right, tick.y), &svg) }
    svg.end()
    svg.element(
      "rect",
      [
        "class": "panel", "x": .number(Layout.left), "y": .number(panel.top), "width": .number(Layout.width),
        "height": .number(panel.height), "fill": "none", "stroke": Colour.frame,
      ])
    svg.begin("g", ["text-anchor": "end"])
    for tick in ticks {
      svg.element(
        "text", ["x": .number(Layout.left - 8), "y": .number(tick.y + Layout.baselineShift)], tick.label)
    }
    for tick in ticks {
      guard let label = tick.rightLabel else { continue }
      // Aligned at their end: signs and digits then stand under each other.
      svg.element(
        "text", ["x": .number(Layout.right + 31), "y": .number(tick.y + Layout.baselineShift)], label)
    }
    svg.end()
    let middle = panel.top + panel.height / 2
    drawUpwards(title, x: 22, y: middle, &svg)
    if let rightTitle { drawUpwards(rightTitle, x: Layout.right + 54, y: middle, &svg) }
  }

  private func drawUpwards(_ text: String, x: Double, y: Double, _ svg: inout SVGWriter) {
    let place = "\(SVGWriter.decimal(x)) \(SVGWriter.decimal(y))"
    svg.element("text", ["transform": .text("translate(\(place)) rotate(-90)"), "text-anchor": "middle"], text)
  }

  private func drawLine(_ start: (x: Double, y: Double), _ end: (x: Double, y: Double), _ svg: inout SVGWriter) {
    svg.element(
      "line", ["x1": .number(start.x), "y1": .number(start.y), "x2": .number(end.x), "y2": .number(end.y)])
  }

  // MARK: Legend

  private func drawLegend(_ svg: inout SVGWriter) {
    let baseline = Layout.legendBaseline
    let middle = baseline - Layout.baselineShift
    let swatch = (width: 26.0, height: 12.0)
    var x = Layout.left
    svg.begin("g", ["class": "legend"])
    let box = { (svg: inout SVGWriter, fill: SVGWriter.Value, opacity: Double, edge: SVGWriter.Value) in
      svg.element(
        "rect",
        [
          "x": .number(x), "y": .number(middle - swatch.height / 2), "width": .number(swatch.width),
          "height": .number(swatch.height), "fill": fill, "fill-opacity": .number(opacity), "stroke": edge,
          "stroke-width": 0.8,
        ])
    }
    let line = { (svg: inout SVGWriter, colour: SVGWriter.Value, dashes: SVGWriter.Value) in
      svg.begin("g", ["stroke": colour, "stroke-width": 1.6, "stroke-dasharray": dashes])
      drawLine((x, middle), (x + swatch.width, middle), &svg)
      svg.end()
    }
    let entries: [(String, (inout SVGWriter) -> Void)] = [
      ("speech", { box(&$0, Colour.segment, 1, Colour.segmentEdge) }),
      ("misfire", { box(&$0, Colour.misfire, 1, Colour.misfireEdge) }),
      ("waveform", { line(&$0, Colour.waveform, "none") }),
      (
        isScoreReduced ? "score: mean and range" : "score",
        {
          if isScoreReduced { box(&$0, Colour.score, 0.22, "none") }
          line(&$0, Colour.score, "none")
        }
      ),
      ("enter threshold", { line(&$0, Colour.enter, Self.enterDashes) }),
      ("exit threshold", { line(&$0, Colour.exit, Self.exitDashes) }),
    ]
    for (label, draw) in entries {
      draw(&svg)
      svg.element("text", ["x": .number(x + swatch.width + 8), "y": .number(baseline)], label)
      x += swatch.width + 8 + label.width(fontSize: Size.label) + 28
    }
    svg.end()
  }
}

extension String {
  /// About how wide a line of text is, in a wide sans-serif font; the one that a viewer has is not known.
  fileprivate func width(fontSize: Double) -> Double {
    fontSize * reduce(0) { $0 + ($1.isASCII ? 0.6 : 1.05) }
  }

  /// The text, with something left out of its middle if it would be wider than that: a name's end tells as much as its
  /// start.
  fileprivate func shortened(toWidth limit: Double, fontSize: Double) -> String {
    guard width(fontSize: fontSize) > limit else { return self }
    var (head, tail) = (prefix(count / 2), suffix(count - count / 2))
    while true {
      let text = "\(head)…\(tail)"
      if text.width(fontSize: fontSize) <= limit { return text }
      if head.count > tail.count { head.removeLast() } else { tail.removeFirst() }
    }
  }
}
