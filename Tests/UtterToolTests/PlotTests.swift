import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// `utter vad --plot`, by what stands in the picture and by what becomes of it when something is missing.
@Suite struct PlotTests {
  /// The times of the segments that `--format csv` gives, in order: start and end.
  private static func segments(_ arguments: String...) throws -> [ClosedRange<Double>] {
    try Tool.run(["vad", "--format", "csv"] + arguments).lines.dropFirst().map { row in
      let columns = row.split(separator: ",").compactMap { Double($0) }
      return columns[0]...columns[1]
    }
  }

  @Test func theSegmentsAreThoseOfTheTable() throws {
    let folder = try TemporaryFolder()
    for options in [[], ["--max-segment-s", "0.5"], ["--min-speech-ms", "800", "--threshold", "0.9"]] {
      let path = folder.path("speech.svg")
      let outcome = try Tool.run(["vad", Tool.speech, "--format", "csv", "--plot", path] + options)
      #expect(outcome.status == 0 && outcome.errors.isEmpty)
      // The picture changes nothing of what is printed.
      #expect(outcome.output == (try Tool.run(["vad", Tool.speech, "--format", "csv"] + options)).output)
      let rows = outcome.lines.dropFirst().map { $0.split(separator: ",").prefix(2).map(String.init) }
      #expect(!rows.isEmpty)

      let picture = try ParsedSVG(path)
      let bands = picture.elements("rect", "speech")
      #expect(bands.count == rows.count)
      for (band, row) in zip(bands, rows) {
        #expect(band.title == "speech, \(row[0]) to \(row[1]) s")
        let (start, end) = (try #require(Double(row[0])), try #require(Double(row[1])))
        // A hundredth of a unit is written.
        #expect(abs(try picture.time(band, "x", of: 11.5) - start) < 2e-4)
        #expect(abs(try band.number("width") / picture.panel.number("width") * 11.5 - (end - start)) < 2e-4)
      }
      let misfires = picture.elements("rect", "misfire")
      #expect(picture.text.contains("\(misfires.count) misfire"))
      #expect(options.first != "--min-speech-ms" || !misfires.isEmpty)
    }
  }

  @Test func curvesAndLinesAreTheMeasuredOnes() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run(
      "vad", Tool.speech, "--threshold", "0.6", "--plot", folder.path("p.svg"), "--scores", folder.path("s.csv"))
    #expect(outcome.status == 0)
    let picture = try ParsedSVG(folder.path("p.svg"))
    let panels = picture.elements("rect", "panel")
    try #require(panels.count == 2)
    let (bottom, height) = (try panels[1].number("y") + panels[1].number("height"), try panels[1].number("height"))

    let scores = try String(contentsOfFile: folder.path("s.csv"), encoding: .utf8).split(separator: "\n").dropFirst()
      .map { $0.split(separator: ",").compactMap { Double($0) } }
    let points = try picture.points(try #require(picture.elements("path", "score").first))
    try #require(points.count == scores.count)
    for (point, score) in zip(points, scores) {
      // A frame's middle.
      #expect(abs(try picture.time(point.x, of: 11.5) - score[0] - 0.005) < 2e-4)
      #expect(abs((bottom - point.y) / height - score[1]) < 2e-4)
    }
    for (name, threshold) in [("enter", 0.6), ("exit", 0.42)] {
      let group = try #require(picture.elements("g", "\(name)-threshold").first)
      let line = try #require(picture.all.first { $0.name == "line" && $0.parent == group.index })
      #expect(abs(try (bottom - line.number("y1")) / height - threshold) < 1e-3)
      #expect(picture.texts.contains("\(name) \(threshold)"))
    }

    // The waveform stays in its panel, and reaches what the scale says.
    let wave = try picture.points(try #require(picture.elements("path", "waveform").first))
    let (top, tall) = (try panels[0].number("y"), try panels[0].number("height"))
    let deviations = wave.map { abs($0.y - top - tall / 2) / (tall / 2) }
    #expect((0.4...1).contains(deviations.max() ?? 0))
  }

  @Test(arguments: [
    (["--detector", "neural"], "neural"), (["--detector", "energy"], "energy"), ([], "neural"),
  ])
  func theCaptionSaysWhatIsShown(options: [String], detector: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run(
      ["vad", Tool.speech, "--channel", "1", "--plot", folder.path("a.svg")] + options)
    #expect(outcome.status == 0)
    let picture = try ParsedSVG(folder.path("a.svg"))
    #expect(picture.texts.contains("speech.wav"))
    for part in [
      "48000 Hz", "channel 1 of 2", "11.500 s", "detector \(detector)", "enter 0.5", "exit 0.35", "of speech",
    ] {
      #expect(picture.text.contains(part), "\(part)")
    }
    for label in ["amplitude", "dBFS", "score", "time in s", "speech", "misfire", "waveform", "enter threshold"] {
      #expect(picture.texts.contains(label), "\(label)")
    }
  }

  @Test func namesAreEscaped() throws {
    let folder = try TemporaryFolder()
    let name = "a<b>&\"c\"'é\n\u{1B}]]>.caf"
    try FileManager.default.copyItem(atPath: Tool.audio("mono-22k05.caf"), toPath: folder.path(name))
    #expect(try Tool.run("vad", folder.path(name), "--plot", folder.path("a.svg")).status == 0)
    let picture = try ParsedSVG(folder.path("a.svg"))
    #expect(picture.texts.contains { $0.hasPrefix("a<b>&\"c\"'é") && $0.hasSuffix("]]>.caf") })
    // A name of any length is cut, not its end.
    let long = String(repeating: "long & ", count: 30) + "end.caf"
    try FileManager.default.copyItem(atPath: Tool.audio("mono-22k05.caf"), toPath: folder.path(long))
    #expect(try Tool.run("vad", folder.path(long), "--plot", folder.path("b.svg")).status == 0)
    let title = try #require(try ParsedSVG(folder.path("b.svg")).texts.first { $0.hasSuffix("end.caf") })
    #expect(title.contains("…") && title.count < 110)
  }

  @Test(arguments: [1, 80, 81, 20_000])
  func shortRecordingsHavePictures(frames: Int) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.wav", Damaged.wav(rate: 8_000, promisedFrames: UInt32(frames), frames: frames))
    #expect(try Tool.run("vad", file, "--plot", folder.path("a.svg")).status == 0)
    let picture = try ParsedSVG(folder.path("a.svg"))
    let frameCount = try picture.points(try #require(picture.elements("path", "score").first)).count
    #expect(frameCount == (frames + 79) / 80)
    #expect(picture.elements("path", "waveform").count == 1)
  }

  @Test func silenceHasAFlatLineAndNoBands() throws {
    let folder = try TemporaryFolder()
    #expect(try Tool.run("vad", Tool.audio("silence-48k.flac"), "--plot", folder.path("a.svg")).status == 0)
    let picture = try ParsedSVG(folder.path("a.svg"))
    #expect(picture.elements("rect", "speech").isEmpty && picture.elements("rect", "misfire").isEmpty)
    let wave = try picture.points(try #require(picture.elements("path", "waveform").first))
    #expect(Set(wave.map(\.y)).count == 1)
  }

  @Test func aLongRecordingHasAPictureOfBoundedSize() throws {
    let folder = try TemporaryFolder()
    let (rate, seconds) = (4_000, 1_800)
    // A frame of ramp in every five: as many segments and misfires as there can be.
    let second = Data((0..<rate).flatMap { i in [UInt8(0), i / 40 % 5 == 0 ? UInt8(truncatingIfNeeded: i * 6) : 0] })
    let path = try folder.write(
      "a.wav", Damaged.wav(rate: UInt32(rate), promisedFrames: UInt32(rate * seconds), frames: 0))
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.seekToEnd()
    for _ in 0..<seconds { try file.write(contentsOf: second) }
    try file.close()

    let arguments = [path, "--hangover-ms", "0", "--min-speech-ms", "0", "--threshold", "0.15"]
    let outcome = try Tool.run(["vad", "--plot", folder.path("a.svg")] + arguments)
    #expect(outcome.status == 0)
    let picture = try ParsedSVG(folder.path("a.svg"))
    let size = try Data(contentsOf: URL(filePath: folder.path("a.svg"))).count
    #expect(size < 1_000_000)
    for name in ["waveform", "score-range", "score"] {
      let points = try picture.points(try #require(picture.elements("path", name).first))
      #expect((1_200...4_800).contains(points.count), "\(name)")
      #expect(points.allSatisfy { $0.x >= 0 && $0.x < 1_400 && $0.y >= 0 && $0.y < 700 })
    }
    #expect(picture.elements("rect", "speech").count <= 2_401)
    #expect(picture.text.contains("time in min:s"))
  }

  @Test func severalInputsNeedAFolder() throws {
    let folder = try TemporaryFolder()
    let files = [Tool.audio("mono-22k05.caf"), Tool.audio("silence-48k.flac")]
    #expect(try Tool.run(["vad"] + files + ["--plot", folder.path("plots")]).status == 0)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("plots")).sorted() == [
        "mono-22k05.caf.svg", "silence-48k.flac.svg",
      ])
    #expect(try ParsedSVG(folder.path("plots/mono-22k05.caf.svg")).texts.contains("mono-22k05.caf"))
    // One input and a folder.
    #expect(try Tool.run("vad", files[0], "--plot", folder.path("one") + "/").status == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("one")) == ["mono-22k05.caf.svg"])
    for name in ["all.svg", "all.png"] {
      let outcome = try Tool.run(["vad"] + files + ["--plot", folder.path(name)])
      #expect(outcome.status == 64)
      #expect(outcome.errors.contains("--plot FOLDER"))
    }
    #expect(try folder.contents == ["one", "plots"])
  }

  @Test(arguments: ["a.pdf", "a", "a.svg.gz", "-", "svg"])
  func otherNamesAreMisuse(name: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run("vad", Tool.speech, "--plot", name == "-" ? name : folder.path(name))
    #expect(outcome.status == 64)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains(".svg or .png"))
    #expect(try folder.contents.isEmpty)
  }

  @Test func noInputIsOverwritten() throws {
    let folder = try TemporaryFolder()
    let original = try Data(contentsOf: URL(filePath: Tool.audio("mono-22k05.caf")))
    // What is named decides, not what it is called.
    _ = try folder.write("a.svg", Array(original))
    _ = try folder.write("a.png", Array(original))
    try FileManager.default.createSymbolicLink(atPath: folder.path("link.svg"), withDestinationPath: "a.svg")
    _ = try folder.write("b.caf", Array(original))
    _ = try folder.write("b.caf.svg", Array(original))
    let before = try folder.contents
    for arguments in [
      ["a.svg", "--plot", "a.svg"], ["a.png", "--plot", "./a.png"], ["a.svg", "--plot", "link.svg"],
      ["b.caf", "b.caf.svg", "--plot", "./"], ["b.caf", "--plot", "x.svg", "--scores", "x.svg"],
    ] {
      let outcome = try Tool.shell(
        "cd '\(folder.url.path)' && \"$UTTER\" vad " + arguments.map { "'\($0)'" }.joined(separator: " "))
      #expect(outcome.status == 64, "\(arguments)")
      #expect(outcome.errors.contains("already"), "\(arguments)")
      #expect(outcome.output.isEmpty)
    }
    #expect(try folder.contents == before)
    for name in before { #expect(try Data(contentsOf: URL(filePath: folder.path(name))) == original) }
  }

  @Test func aFullDiskIsOneLine() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(atPath: folder.path("a.svg"), withDestinationPath: "/dev/full")
    try FileManager.default.createSymbolicLink(atPath: folder.path("a.png"), withDestinationPath: "/dev/full")
    let converter = try FakeConverter(FakeConverter.good)
    for name in ["a.svg", "a.png"] {
      let outcome = try Tool.run(
        "vad", Tool.speech, "--plot", folder.path(name), environment: ["PATH": converter.path])
      #expect(outcome.status == 1)
      #expect(outcome.errors == "utter: \(folder.path(name)): cannot write: No space left on device\n")
    }
    #expect(try folder.contents == ["a.png", "a.svg"])
  }

  @Test func whatHasNoPlaceIsOneLine() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run("vad", Tool.speech, "--plot", folder.path("no/such/a.svg"))
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("utter: \(folder.path("no/such/a.svg")): "))
    #expect(outcome.errorLines.count == 2)
  }

  @Test func aRecordingThatFailsLeavesNoPicture() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.wav", Damaged.wav(promisedFrames: 9_000, frames: 8_000))
    #expect(try Tool.run("vad", file, "--strict", "--plot", folder.path("a.svg")).status == 1)
    #expect(try Tool.run("vad", folder.path("none.wav"), "--plot", folder.path("b.svg")).status == 1)
    #expect(try folder.contents == ["a.wav"])
    let warned = try Tool.run("vad", file, "--plot", folder.path("a.svg"))
    #expect(warned.status == 0 && warned.errorLines.count == 2)
    #expect(try ParsedSVG(folder.path("a.svg")).text.contains("0.500 s"))
  }

  @Test func standardInputHasAPicture() throws {
    let folder = try TemporaryFolder()
    let data = try Data(contentsOf: URL(filePath: Tool.audio("mono-22k05.caf")))
    #expect(try Tool.run("vad", "-", "--plot", folder.path("a.SVG"), input: data).status == 0)
    #expect(try ParsedSVG(folder.path("a.SVG")).texts.contains("standard-input"))
  }

  // MARK: PNG

  @Test func withoutAConverterOneLineNamesIt() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run(
      "vad", Tool.speech, "--format", "csv", "--plot", folder.path("a.png"), environment: ["PATH": ""])
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errorLines.count == 2 && outcome.errorLines.last == "")
    #expect(outcome.errors.contains("rsvg-convert") && outcome.errors.contains("librsvg2-bin"))
    #expect(try folder.contents.isEmpty)
    // SVG needs nothing.
    #expect(
      try Tool.run("vad", Tool.speech, "--plot", folder.path("a.svg"), environment: ["PATH": ""]).status == 0)
  }

  @Test func theConverterIsGivenThePictureAndItsOutputIsTheFile() throws {
    let folder = try TemporaryFolder()
    let converter = try FakeConverter(
      """
      read -r first; read -r second
      [ "${second#<svg}" != "$second" ] || exit 9
      while read -r line; do last=$line; done
      [ "$last" = "</svg>" ] || exit 8
      \(FakeConverter.good)
      """)
    let outcome = try Tool.run(
      "vad", Tool.speech, "--plot", folder.path("a.PNG"), environment: ["PATH": converter.path])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    #expect(try Data(contentsOf: URL(filePath: folder.path("a.PNG"))) == FakeConverter.goodOutput)
    #expect(try folder.contents == ["a.PNG"])
  }

  @Test(arguments: [
    "echo 'cannot open display' >&2; echo more >&2; exit 3", "exit 0", "printf 'no picture'", "kill -9 $$",
    // Something is missing at the end; something is there, and yet it failed.
    "printf '\\211PNG\\r\\n\\032\\nIDAT'", "\(FakeConverter.good); exit 1",
    // More than a pipe holds on both sides before anything is read.
    "i=0; while [ $i -lt 20000 ]; do echo 0123456789 >&2; echo 0123456789; i=$((i + 1)); done",
  ])
  func aConverterThatFailsLeavesWhatWasThere(script: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a.png", Array("old".utf8))
    let converter = try FakeConverter(script)
    let outcome = try Tool.run("vad", Tool.speech, "--plot", path, environment: ["PATH": converter.path])
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("utter: \(path): rsvg-convert failed"))
    #expect(outcome.errorLines.count == 2)
    #expect(script.contains("display") ? outcome.errors.contains("cannot open display") : true)
    #expect(try Data(contentsOf: URL(filePath: path)) == Data("old".utf8))
    #expect(try folder.contents == ["a.png"])
  }

  @Test(.enabled(if: FakeConverter.isRealOneInstalled))
  func theRealConverterMakesAPNG() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run("vad", Tool.speech, "--plot", folder.path("a.png"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let bytes = Array(try Data(contentsOf: URL(filePath: folder.path("a.png"))))
    #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    // Twice as many pixels as the picture has units.
    let width = bytes[16..<20].reduce(0) { $0 << 8 | Int($1) }
    #expect((2_400...3_000).contains(width))
  }
}

/// A program of the converter's name in a folder of its own.
private final class FakeConverter {
  /// By the shell alone, since nothing else is on the path.
  static let good = "printf '\\211PNG\\r\\n\\032\\n....IEND\\256B`\\202'"
  static let goodOutput = Data(
    [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Array("....IEND".utf8) + [0xAE, 0x42, 0x60, 0x82])
  static let isRealOneInstalled = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .contains { FileManager.default.isExecutableFile(atPath: "\($0)/rsvg-convert") }

  private let folder: TemporaryFolder

  init(_ script: String) throws {
    folder = try TemporaryFolder()
    let path = try folder.write("rsvg-convert", Array("#!/bin/sh\n\(script)\n".utf8))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  var path: String { folder.url.path }
}

/// A picture's elements, by an XML parser that is not ours.
private struct ParsedSVG {
  struct Element {
    var index: Int
    var name: String
    var attributes: [String: String]
    var parent: Int?
    var text = ""
    /// What a viewer shows beside the pointer.
    var title: String?

    func number(_ name: String) throws -> Double {
      try #require(attributes[name].flatMap { Double($0) }, "no number \(name)")
    }
  }

  var all: [Element]

  init(_ path: String) throws {
    let parser = XMLParser(data: try Data(contentsOf: URL(filePath: path)))
    let reader = Reader()
    parser.delegate = reader
    try #require(parser.parse(), "not well formed: \(String(describing: parser.parserError))")
    all = reader.elements
    #expect(all.first?.name == "svg")
  }

  func elements(_ name: String, _ kind: String) -> [Element] {
    all.filter { $0.name == name && $0.attributes["class"] == kind }
  }

  var texts: [String] { all.filter { $0.name == "text" }.map(\.text) }
  var text: String { texts.joined(separator: "\n") }
  var panel: Element { get throws { try #require(elements("rect", "panel").first) } }

  /// The time at which an element stands, by the panel's edges.
  func time(_ element: Element, _ attribute: String, of duration: Double) throws -> Double {
    try time(try element.number(attribute), of: duration)
  }

  func time(_ x: Double, of duration: Double) throws -> Double {
    let panel = try panel
    return try (x - panel.number("x")) / panel.number("width") * duration
  }

  func points(_ element: Element) throws -> [(x: Double, y: Double)] {
    try #require(element.attributes["d"]).split { "MLZ".contains($0) }.map { part in
      let numbers = part.replacing("h0", with: "").split(separator: " ").compactMap { Double($0) }
      try #require(numbers.count == 2, "\(part)")
      return (numbers[0], numbers[1])
    }
  }

  private final class Reader: NSObject, XMLParserDelegate {
    var elements: [Element] = []
    private var open: [Int] = []

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      elements.append(Element(index: elements.count, name: name, attributes: attributes, parent: open.last))
      open.append(elements.count - 1)
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
      if let last = open.last { elements[last].text += string }
    }

    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
      let ended = open.removeLast()
      if name == "title", let parent = open.last { elements[parent].title = elements[ended].text }
    }
  }
}
