import AudioTestSupport
import Foundation
import Testing

@testable import AudioFiles

/// What ffmpeg makes of files that libsndfile cannot read. The files are made by ffmpeg itself.
@Suite struct ForeignDecoderTests {
  @Test("Without ffmpeg there is one clear problem", arguments: ["", ":", ".", "no/such:relative", "/no/such/folder"])
  func notInstalled(folders: String) throws {
    #expect(throws: AudioFileError.Problem.needsForeignDecoder) {
      try ForeignDecoder(decoding: inputFile(testAudio("speech.wav")), searching: folders)
    }
    let error = AudioFileError(name: "a.m4a", problem: .needsForeignDecoder)
    #expect(
      error.description
        == "a.m4a: not audio that libsndfile can read, and ffmpeg, which reads more formats, is not installed")
  }

  @Test("What lies beside a recording, is a folder or may not be run is not run")
  func search() throws {
    let folder = try TemporaryFolder()
    for name in ["folder", "plain", "good"] {
      try FileManager.default.createDirectory(atPath: folder[name], withIntermediateDirectories: true)
    }
    try FileManager.default.createDirectory(atPath: folder["folder/ffmpeg"], withIntermediateDirectories: true)
    _ = try folder.write("plain/ffmpeg", [])
    _ = try folder.write("good/ffmpeg", [])
    #expect(chmod(folder["good/ffmpeg"], 0o755) == 0)
    let folders = "\(folder["folder"]):\(folder["plain"])::\(folder["none"])"
    #expect(ChildProcess.find("ffmpeg", in: folders) == nil)
    #expect(ChildProcess.find("ffmpeg", in: "\(folders):\(folder["good"])") == folder["good/ffmpeg"])
  }

  /// A program in ffmpeg's place.
  private func standIn(_ folder: TemporaryFolder, _ script: String) throws -> String {
    try writeProgram(folder["ffmpeg"], "#!/bin/sh\n\(script)\n")
    return folder.path
  }

  /// Has another process write a program: one that this process has open for writing cannot be run, and while it has,
  /// children that other tests start have it too.
  private func writeProgram(_ path: String, _ text: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\"", path, text]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  @Test("A program that fails, crashes or cannot be started is one line")
  func failing() throws {
    let folder = try TemporaryFolder()
    let file = try inputFile(folder.write("file", [1, 2, 3]))
    func problem(_ script: String) throws -> String {
      let folders = try standIn(folder, script)
      do {
        _ = try ForeignDecoder(decoding: file, searching: folders)
        return ""
      } catch {
        return error.description
      }
    }
    #expect(try problem("exit 3") == "cannot be decoded: ffmpeg failed with status 3")
    #expect(try problem("kill -SEGV $$") == "cannot be decoded: ffmpeg was ended by signal 11")
    #expect(try problem("exit 0") == "cannot be decoded: ffmpeg gives no sound and no reason")
    #expect(
      try problem("echo '[mov @ 0x1f] [error] no moov' >&2; exit 1") == "cannot be decoded: mov: no moov")
    #expect(try problem("#\nexec 2>&1 1>/dev/null; yes | head -c 3000000 >&2; exit 4").hasSuffix("status 4"))
    let folders = try standIn(folder, "")
    try writeProgram(folder["ffmpeg"], "#!/no/such/program\n")
    #expect(throws: AudioFileError.Problem.system(.runDecoder, errorNumber: ENOENT)) {
      try ForeignDecoder(decoding: file, searching: folders)
    }
  }

  @Test("The child has three descriptors, a deadly SIGPIPE, no blocked signal and few variables")
  func environmentOfTheChild() throws {
    #if os(Linux)
      let folder = try TemporaryFolder()
      let file = try inputFile(folder.write("file", [1, 2, 3]))
      let folders = try standIn(
        folder,
        """
        ls -l /proc/$$/fd > \(folder["descriptors"])
        while read -r line; do
          case $line in SigBlk*|SigIgn*) printf '%s\\n' "$line";; esac
        done < /proc/$$/status > \(folder["signals"])
        env > \(folder["variables"])
        exit 1
        """)
      let ignored = signal(SIGPIPE, SIG_IGN)
      setenv("FFREPORT", "file=report", 1)
      defer {
        signal(SIGPIPE, ignored)
        unsetenv("FFREPORT")
      }
      // The shell reads its own status: while it starts a program, it blocks signals itself.
      // The shell itself is found by its absolute path, and its programs by the PATH of this process.
      #expect(throws: AudioFileError.Problem.self) { try ForeignDecoder(decoding: file, searching: folders) }
      let text = { (name: String) in try String(decoding: folder.bytes(name), as: UTF8.self) }
      let own = try text("descriptors").split(separator: "\n").filter { $0.contains(" -> ") }
      let targets = Dictionary(
        uniqueKeysWithValues: own.compactMap { line -> (Int, String)? in
          let ends = line.components(separatedBy: " -> ")
          guard let number = ends[0].split(separator: " ").last.flatMap({ Int($0) }) else { return nil }
          return (number, ends[1])
        })
      #expect(targets[0] == folder["file"])
      // What is not this package's, such as descriptors that were handed down to this process, may be there too.
      let others = targets.filter { $0.key > 2 }.values
      let errors = try #require(targets[2])
      #expect(errors.hasPrefix("pipe:") && !others.contains(errors) && !others.contains(folder["file"]))
      for line in try text("signals").split(separator: "\n") {
        let mask = try #require(UInt64(line.split(separator: "\t")[1], radix: 16))
        #expect(mask & 1 << UInt64(SIGPIPE - 1) == 0, "\(line)")
        if line.hasPrefix("SigBlk") { #expect(mask == 0) }
      }
      let variables = try text("variables").split(separator: "\n")
      #expect(variables.contains("LC_ALL=C"))
      #expect(!variables.contains { $0.hasPrefix("FFREPORT") })
    #endif
  }

  @Test("A stream with more errors than a pipe holds, while nobody reads, does not hang")
  func manyMessages() throws {
    let folder = try TemporaryFolder()
    let header = "RIFF....WAVEfmt \\020\\0\\0\\0\\003\\0\\002\\0\\200\\076\\0\\0....\\010\\0\\040\\0data...."
    let folders = try standIn(
      folder,
      """
      printf '\(header)'
      printf '[info] Input #0, x\\n[info]   Stream #0:0: Video: h264 (x)\\n[h264 @ 0x1] [error] no frame\\n' >&2
      yes '[h264 @ 0x1] [error] no frame' | head -n 20000 >&2
      head -c 800000 /dev/zero
      printf '[aac @ 0x1] [error] bad\\tframe\\n' >&2
      yes '[aac @ 0x1] [error] later' | head -n 20000 >&2
      head -c 800000 /dev/zero
      """)
    let decoder = try ForeignDecoder(
      decoding: inputFile(folder.write("file", [1])), searching: folders)
    #expect(decoder.channelCount == 2 && decoder.hertz == 16_000)
    let decoded = try Decoded(decoder)
    #expect(decoded.frameCount == 200_000)
    #expect(decoded.ending == .damaged(reason: "aac: bad\\tframe"))
  }
}

/// The path of a recording of the package.
private func testAudio(_ name: String) -> String { TestRecording.folder.appendingPathComponent(name).path }

/// What a decoder gives, to its end.
struct Decoded {
  var channelCount: Int
  var hertz: Int
  var samples: [Float] = []
  var ending: ForeignDecoder.Ending
  var frameCount: Int { samples.count / channelCount }

  init(_ decoder: ForeignDecoder, request: Int = 5_000) throws {
    (channelCount, hertz) = (decoder.channelCount, decoder.hertz)
    var block = [Float](repeating: .nan, count: request * channelCount + 2)
    while true {
      var span = block.mutableSpan
      let count = try decoder.read(request, into: &span, at: 1)
      samples += block[1..<1 + count * channelCount]
      if count < request { break }
    }
    ending = try decoder.finish()
  }

  init(_ path: String) throws {
    try self.init(ForeignDecoder(decoding: inputFile(path)))
  }
}

/// The real ffmpeg, to make files with.
enum FFmpeg {
  static let path = ChildProcess.find("ffmpeg", in: ProcessInfo.processInfo.environment["PATH"] ?? "")

  /// - Returns: Whether it did it; not when an encoder is not built in.
  static func run(_ arguments: [String]) throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(path))
    process.arguments = ["-v", "quiet", "-nostdin", "-y"] + arguments
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}

/// A kind of file that ffmpeg makes of a recording.
struct ForeignKind: CustomTestStringConvertible, Sendable {
  var name: String
  /// Output options.
  var options: [String]
  var isLossless = false
  var hasPicture = false
  /// Whether a file without its end is not recognised, because the end says where everything is.
  var isReadFromItsEnd = false
  /// The most sample frames that may come beyond the source's: what an encoder puts before and behind.
  var padding = 0
  var testDescription: String { name }

  static let all = [
    ForeignKind(name: "alac.m4a", options: ["-c:a", "alac"], isLossless: true, isReadFromItsEnd: true),
    ForeignKind(name: "alac-fast.m4a", options: ["-c:a", "alac", "-movflags", "+faststart"], isLossless: true),
    ForeignKind(name: "flac.mkv", options: ["-c:a", "flac"], isLossless: true),
    ForeignKind(name: "pcm.mkv", options: ["-c:a", "pcm_s16le"], isLossless: true),
    ForeignKind(name: "a.wv", options: ["-c:a", "wavpack"], isLossless: true),
    ForeignKind(name: "a.tta", options: ["-c:a", "tta"], isLossless: true),
    ForeignKind(name: "aac.m4a", options: ["-c:a", "aac"], isReadFromItsEnd: true, padding: 1_024),
    ForeignKind(name: "aac-fast.m4a", options: ["-c:a", "aac", "-movflags", "+faststart"], padding: 1_024),
    ForeignKind(
      name: "fragments.mp4",
      options: ["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "500000"],
      padding: 2_048),
    ForeignKind(name: "a.aac", options: ["-c:a", "aac"], padding: 2_048),
    ForeignKind(
      name: "video.mp4", options: ["-c:v", "mpeg4", "-c:a", "aac"], hasPicture: true, isReadFromItsEnd: true,
      padding: 1_024),
    ForeignKind(name: "video.mkv", options: ["-c:v", "mpeg4", "-c:a", "flac"], isLossless: true, hasPicture: true),
    ForeignKind(name: "opus.webm", options: ["-c:a", "libopus"]),
    ForeignKind(name: "vorbis.webm", options: ["-c:a", "libvorbis"], padding: 2_048),
    ForeignKind(name: "a.wma", options: ["-c:a", "wmav2"], padding: 4_096),
    ForeignKind(name: "a.ac3", options: ["-c:a", "ac3"], padding: 1_536),
    ForeignKind(name: "a.flv", options: ["-c:a", "aac"], padding: 2_048),
    ForeignKind(name: "a.ts", options: ["-c:a", "aac"], padding: 2_048),
    ForeignKind(name: "a.avi", options: ["-c:a", "mp2"], padding: 1_152),
  ]

  /// Makes the file of a part of a recording.
  ///
  /// - Returns: Its path; nil when this ffmpeg cannot write it.
  func make(_ source: String, in folder: TemporaryFolder) throws -> String? {
    let picture = hasPicture ? ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=4"] : []
    guard try FFmpeg.run(picture + ["-i", source] + options + [folder[name]]) else {
      print("ForeignDecoderTests: \(name) is left out, since this ffmpeg cannot write it")
      return nil
    }
    return folder[name]
  }
}

@Suite(.enabled(if: FFmpeg.path != nil, "ffmpeg is not installed"))
struct ForeignFileTests {
  /// Three seconds of speech, at 48 kHz, which all codecs have.
  static let source = testAudio("speech.wav")
  static let sourceCount = 144_000

  private func source(in folder: TemporaryFolder, channelCount: Int = 1) throws -> String {
    let options = ["-ss", "1", "-t", "3", "-ar", "48000", "-ac", "\(channelCount)", "-c:a", "pcm_s16le", "-bitexact"]
    try #require(try FFmpeg.run(["-i", Self.source] + options + [folder["source.wav"]]))
    return folder["source.wav"]
  }

  @Test("Each kind gives what was put in", arguments: ForeignKind.all)
  func whole(kind: ForeignKind) throws {
    let folder = try TemporaryFolder()
    let source = try source(in: folder)
    guard let path = try kind.make(source, in: folder) else { return }
    let expected = try Recording(source)
    try #require(expected.framesRead == Self.sourceCount)
    let decoded = try Decoded(path)
    #expect(decoded.channelCount == 1 && decoded.hertz == 48_000)
    #expect(decoded.ending == .complete)
    if kind.isLossless {
      #expect(decoded.samples == expected.samples)
    } else {
      // wmav2 gives up to two blocks less.
      let least = kind.name == "a.wma" ? Self.sourceCount - 4_096 : Self.sourceCount
      #expect(least...Self.sourceCount + kind.padding ~= decoded.frameCount, "\(decoded.frameCount)")
      #expect(likeness(decoded.samples, expected.samples) > 0.95)
    }
  }

  /// The greatest correlation of two recordings, of which one may start up to 2,500 samples later.
  private func likeness(_ a: [Float], _ b: [Float]) -> Double {
    func correlation(_ delay: Int) -> Double {
      var (ab, aa, bb) = (0.0, 0.0, 0.0)
      for i in stride(from: 20_000, to: 60_000, by: 5) {
        let (x, y) = (Double(a[i + delay]), Double(b[i]))
        ab += x * y
        aa += x * x
        bb += y * y
      }
      return ab / (aa * bb).squareRoot()
    }
    var (best, at) = (-1.0, 0)
    for delay in stride(from: -2_500, through: 2_500, by: 10) where correlation(delay) > best {
      (best, at) = (correlation(delay), delay)
    }
    return (at - 10...at + 10).map(correlation).max() ?? best
  }

  @Test("Cut at ten places, no kind is taken for whole", arguments: ForeignKind.all)
  func cut(kind: ForeignKind) throws {
    let folder = try TemporaryFolder()
    guard let path = try kind.make(source(in: folder), in: folder) else { return }
    let bytes = try folder.bytes(kind.name)
    for i in 1...10 {
      // 188 bytes are a packet of a transport stream, behind which a cut cannot be seen; neither can one behind a
      // packet of ASF whose header says nothing of the length.
      var count = bytes.count * i / 11
      if count.isMultiple(of: 188) { count += 1 }
      let cut = try folder.write("cut", Array(bytes[..<count]))
      do {
        let decoded = try Decoded(cut)
        #expect(!kind.isReadFromItsEnd)
        #expect(decoded.frameCount < Self.sourceCount, "\(i)")
        // It is failed when most of the packets are lost, of which TTA has one a second.
        let isCutShort = kind.name == "a.tta" && decoded.frameCount < Self.sourceCount / 2
        if case .failed(let reason) = decoded.ending, isCutShort {
          expectPlain(reason)
          continue
        }
        guard case .damaged(let reason) = decoded.ending else {
          Issue.record("cut \(i) to \(count) of \(bytes.count) bytes: \(decoded.ending), \(decoded.frameCount)")
          continue
        }
        expectPlain(reason)
      } catch let problem as AudioFileError.Problem {
        guard case .foreignDecodingFailed(let reason) = problem else {
          Issue.record("\(problem)")
          continue
        }
        // A second of WavPack is one packet.
        #expect(i == 1 || kind.name == "a.wv" && i <= 3 || kind.isReadFromItsEnd, "\(i): \(reason)")
        expectPlain(reason)
      }
    }
    _ = path
  }

  /// Expects a reason to be one line that is not long and tells nothing of this machine.
  private func expectPlain(_ reason: String) {
    #expect(!reason.isEmpty && reason.count < 260 && reason.onOneLine == reason)
    #expect(!reason.contains("/proc") && !reason.contains("subfile") && !reason.contains(" @ 0x"), "\(reason)")
  }

  @Test(
    "Zeros and noise in the middle, or a missing piece, are told of",
    arguments: ForeignKind.all.filter {
      // Samples without a checksum are not known to be wrong, and what is written over a picture is no sound.
      !["pcm.mkv", "video.mp4", "video.mkv", "a.avi", "a.wma", "a.ts"].contains($0.name)
    })
  func corrupted(kind: ForeignKind) throws {
    var random = SeededGenerator(seed: 77)
    let folder = try TemporaryFolder()
    guard try kind.make(source(in: folder), in: folder) != nil else { return }
    let bytes = try folder.bytes(kind.name)
    for i in 1...6 {
      var wrong = bytes
      let range = bytes.count * i / 8..<bytes.count * i / 8 + 1_200
      switch i % 3 {
      case 0: wrong.replaceSubrange(range, with: repeatElement(0, count: range.count))
      case 1: wrong.replaceSubrange(range, with: range.map { _ in UInt8.random(in: 0...255, using: &random) })
      default: wrong.removeSubrange(range)
      }
      do {
        let decoded = try Decoded(folder.write("wrong", wrong))
        #expect(decoded.ending != .complete, "\(i)")
      } catch is AudioFileError.Problem {}
    }
  }

  @Test("Every byte at random: never a hang, a crash or a trap")
  func fuzzed() throws {
    var random = SeededGenerator(seed: 78)
    let folder = try TemporaryFolder()
    let source = try source(in: folder)
    for kind in ForeignKind.all.filter({ ["aac-fast.m4a", "flac.mkv", "a.wma"].contains($0.name) }) {
      guard try kind.make(source, in: folder) != nil else { continue }
      let bytes = try folder.bytes(kind.name)
      for _ in 0..<8 {
        var wrong = bytes
        for _ in 0..<20 { wrong[Int.random(in: 0..<2_000, using: &random)] = .random(in: 0...255, using: &random) }
        do { _ = try Decoded(folder.write("wrong", wrong)) } catch is AudioFileError.Problem {}
      }
    }
  }

  @Test("AMR, whose frames are made by hand")
  func adaptiveMultiRate() throws {
    var random = SeededGenerator(seed: 79)
    // RFC 4867, 5: a mark, then frames of 20 ms; the first byte of one says that it is of 12.2 kbit/s and good.
    var bytes = Array("#!AMR\n".utf8)
    for _ in 0..<100 { bytes += [0x3C] + (0..<31).map { _ in UInt8.random(in: 0...255, using: &random) } }
    let folder = try TemporaryFolder()
    let decoded = try Decoded(folder.write("a.amr", bytes))
    #expect(decoded.hertz == 8_000 && decoded.frameCount == 16_000 && decoded.ending == .complete)
    let cut = try Decoded(folder.write("cut.amr", bytes.dropLast(10).map { $0 }))
    #expect(cut.frameCount == 15_840)
    #expect(cut.ending != .complete)
  }

  @Test("All channels, and of two streams the better one")
  func channels() throws {
    let folder = try TemporaryFolder()
    let surround = testAudio("surround-5.1-16k.wav")
    let source = try source(in: folder, channelCount: 2)
    let mapping = ["-map", "0:a", "-map", "1:a", "-c:a", "flac"]
    let expected = try Recording(surround)
    for (name, disposition, isSurround) in [
      ("first.mkv", ["-disposition:a:0", "default", "-disposition:a:1", "0"], false),
      ("most.mkv", ["-disposition:a:0", "0", "-disposition:a:1", "0"], true),
    ] {
      try #require(
        try FFmpeg.run(["-i", source, "-i", surround] + mapping + disposition + [folder[name]]))
      let decoded = try Decoded(folder[name])
      #expect(decoded.ending == .complete)
      #expect(decoded.channelCount == (isSurround ? 6 : 2), "\(name)")
      #expect(decoded.samples == (isSurround ? expected.samples : try Recording(source).samples))
    }
  }

  @Test("An unlinked file, from a position on, which stays")
  func position() throws {
    let folder = try TemporaryFolder()
    let source = try source(in: folder)
    let kind = try #require(ForeignKind.all.first { $0.name == "alac.m4a" })
    guard try kind.make(source, in: folder) != nil else { return }
    let behind = try folder.write("behind", Array("in front".utf8) + folder.bytes("alac.m4a"))
    let handle = try #require(FileHandle(forReadingAtPath: behind))
    try FileManager.default.removeItem(atPath: behind)
    try handle.seek(toOffset: 8)
    let decoded = try Decoded(ForeignDecoder(decoding: inputFile(descriptor: handle.fileDescriptor)))
    #expect(try decoded.samples == Recording(source).samples)
    #expect(try handle.offset() == 8)

    // A pipe, which is spooled.
    let pipe = Pipe()
    let bytes = try Data(folder.bytes("alac.m4a"))
    let writer = pipe.fileHandleForWriting
    Thread.detachNewThread {
      writer.write(bytes)
      try? writer.close()
    }
    let spooled = try inputFile(descriptor: pipe.fileHandleForReading.fileDescriptor)
    #expect(try Decoded(ForeignDecoder(decoding: spooled)).samples == decoded.samples)
  }

  @Test(
    "Files that name other files are refused", arguments: ["m3u8", "concat", "sdp", "dash", "text", "noise", "png"])
  func playlists(kind: String) throws {
    var random = SeededGenerator(seed: 80)
    let folder = try TemporaryFolder()
    let other = try source(in: folder)
    let stream = folder["other.ts"]
    try #require(try FFmpeg.run(["-i", other, "-c:a", "aac", stream]))
    let content: [UInt8]
    switch kind {
    case "m3u8": content = Array("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n\(stream)\n#EXT-X-ENDLIST\n".utf8)
    case "concat": content = Array("ffconcat version 1.0\nfile '\(other)'\n".utf8)
    case "sdp":
      content = Array(
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n".utf8)
    case "dash":
      content = Array(
        """
        <?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>\
        <Representation id="0" bandwidth="9"><BaseURL>\(other)</BaseURL></Representation></AdaptationSet></Period></MPD>
        """.utf8)
    case "text": content = Array(String(repeating: "no audio, but words\n", count: 100).utf8)
    case "noise": content = (0..<300_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    default:
      try #require(
        try FFmpeg.run(["-f", "lavfi", "-i", "testsrc=size=64x48:rate=1", "-frames:v", "1", folder["a.png"]]))
      content = try folder.bytes("a.png")
    }
    let file = try inputFile(folder.write("file", content))
    #expect(throws: AudioFileError.Problem.notAudio) { try ForeignDecoder(decoding: file) }
  }

  @Test("A film without sound is told from what is no audio")
  func silentFilm() throws {
    let folder = try TemporaryFolder()
    let options = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=2", "-c:v", "mpeg4"]
    try #require(try FFmpeg.run(options + [folder["a.mp4"]]))
    #expect(throws: AudioFileError.Problem.foreignDecodingFailed(reason: "there is no stream of sound in it")) {
      try ForeignDecoder(decoding: inputFile(folder["a.mp4"]))
    }
  }

  @Test("A broadcast that starts between two whole pictures has nothing wrong with its sound")
  func broadcast() throws {
    let folder = try TemporaryFolder()
    let picture = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=6", "-c:v", "libx264", "-g", "50"]
    let sound = ["-i", testAudio("speech.wav"), "-t", "6", "-c:a", "mp2"]
    let inputs = picture[0..<4] + sound[0..<2]
    let options = picture[4...] + sound[2...]
    guard try FFmpeg.run(inputs + options + [folder["a.ts"]]) else {
      print("ForeignFileTests: a broadcast is left out, since this ffmpeg cannot make one")
      return
    }
    let late = try folder.write("late.ts", Array(folder.bytes("a.ts").dropFirst(188 * 100)))
    let decoded = try Decoded(late)
    #expect(decoded.ending == .complete)
    #expect(decoded.frameCount > decoded.hertz)
  }

  @Test("A book with a cover and many chapters, and a recording of a browser that does not know its length")
  func otherMetadata() throws {
    let folder = try TemporaryFolder()
    let source = try source(in: folder)
    let expected = try Recording(source).samples
    var chapters = ";FFMETADATA1\ntitle=a line\\\n[error] of two\n"
    for i in 0..<1_500 {
      chapters +=
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=\(2 * i)\nEND=\(2 * i + 2)\ntitle=\(String(repeating: "x", count: 80))\n"
    }
    let metadata = try folder.write("chapters", Array(chapters.utf8))
    try #require(
      try FFmpeg.run(["-f", "lavfi", "-i", "testsrc=size=64x48:rate=1", "-frames:v", "1", folder["a.png"]]))
    let book = [
      "-i", source, "-i", metadata, "-i", folder["a.png"], "-map", "0:a", "-map", "2:v", "-map_metadata", "1",
    ]
    let cover = ["-c:v", "copy", "-disposition:v:0", "attached_pic", "-c:a", "alac", folder["book.m4a"]]
    try #require(try FFmpeg.run(book + cover))
    let decoded = try Decoded(folder["book.m4a"])
    #expect(decoded.samples == expected && decoded.ending == .complete)

    // A stream of Matroska without length or index.
    try #require(try FFmpeg.run(["-i", source, "-c:a", "flac", "-live", "1", "-f", "matroska", folder["live.mkv"]]))
    let live = try ForeignDecoder(decoding: inputFile(folder["live.mkv"]))
    #expect(live.promisedSeconds == nil)
    let recorded = try Decoded(live)
    #expect(recorded.samples == expected && recorded.ending == .complete)
  }

  @Test("What the header says of the length is known before the end")
  func promise() throws {
    let folder = try TemporaryFolder()
    let kind = try #require(ForeignKind.all.first { $0.name == "alac-fast.m4a" })
    guard try kind.make(source(in: folder), in: folder) != nil else { return }
    let decoder = try ForeignDecoder(decoding: inputFile(folder[kind.name]))
    #expect(decoder.promisedSeconds == 3)
    let cut = try folder.write("cut", Array(folder.bytes(kind.name).prefix(60_000)))
    let decoded = try Decoded(cut)
    guard case .damaged(let reason) = decoded.ending else {
      Issue.record("\(decoded.ending)")
      return
    }
    #expect(reason.hasSuffix(" of 3.0 s are there"), "\(reason)")
  }
}

/// What is left behind in the system; alone in its process's tables, since it counts.
@Suite(.enabled(if: FFmpeg.path != nil, "ffmpeg is not installed"), .serialized)
struct ForeignProcessTests {
  @Test("Stopping early ends the child, and fifty in a row leave no descriptor")
  func early() throws {
    #if os(Linux)
      let folder = try TemporaryFolder()
      // Ten minutes, which no pipe holds.
      let source = ["-f", "lavfi", "-i", "anoisesrc=r=48000:d=600", "-c:a", "pcm_s16le", folder["long.mkv"]]
      try #require(try FFmpeg.run(source))
      let file = try inputFile(folder["long.mkv"])
      let path = folder["long.mkv"]
      func uses() throws -> Int {
        // Descriptors of this process that lead to the file, and children of it that have the file open.
        var count = 0
        for process in try FileManager.default.contentsOfDirectory(atPath: "/proc") where Int(process) != nil {
          let links = "/proc/\(process)/fd"
          for link in (try? FileManager.default.contentsOfDirectory(atPath: links)) ?? []
          where (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(links)/\(link)")) == path {
            count += 1
          }
        }
        return count
      }
      #expect(try uses() == 1)
      for turn in 0..<50 {
        let decoder = try ForeignDecoder(decoding: file)
        var block = [Float](repeating: 0, count: 1_000)
        var span = block.mutableSpan
        #expect(try decoder.read(1_000, into: &span, at: 0) == 1_000)
        // The child's standard input and what it opened by it.
        if turn == 0 { #expect(try uses() == 3) }
        withExtendedLifetime(decoder) {}
      }
      #expect(try uses() == 1)
      // No zombie: the only children are those that other tests run at this time, which do not stay.
      let task = "/proc/self/task"
      var zombies: [String] = []
      for thread in try FileManager.default.contentsOfDirectory(atPath: task) {
        let children = (try? String(contentsOfFile: "\(task)/\(thread)/children", encoding: .utf8)) ?? ""
        for child in children.split(separator: " ") {
          let name = (try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)) ?? ""
          if name.contains("(ffmpeg) Z") { zombies.append(name) }
        }
      }
      #expect(zombies.count < 25, "\(zombies)")
    #else
      print("ForeignProcessTests: what a child leaves behind is looked for on Linux only")
    #endif
  }

  @Test("Eight at once, each with its own samples")
  func together() async throws {
    let folder = try TemporaryFolder()
    let source = testAudio("clean-mono-16k.wav")
    try #require(try FFmpeg.run(["-i", source, "-c:a", "flac", folder["a.mkv"]]))
    let expected = try Recording(source).samples
    let path = folder["a.mkv"]
    try await withThrowingTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          let decoded = try Decoded(path)
          return decoded.samples == expected && decoded.ending == .complete
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }
}

private func inputFile(_ path: String) throws -> InputFile {
  try Input(path: path).asFile()
}

private func inputFile(descriptor: Int32) throws -> InputFile {
  try Input(fileDescriptor: descriptor).asFile()
}
