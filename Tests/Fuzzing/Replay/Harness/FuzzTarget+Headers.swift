import AudioDSP
@testable import AudioFiles

extension FuzzTarget {
  /// A file's header says the same as a stream's, and only what can be; pages of Ogg are whole and in order.
  static func checkHeaders(_ input: [UInt8]) throws {
    let file = try layout(MemorySource(input, isStream: false))
    let streamed = try layout(MemorySource(input, isStream: true))
    // Whether a WAV file means that its data is empty is known by the file's size, which a stream does not tell.
    if case .success(let layout?) = streamed, layout.promisedFrameCount == 0,
      ["WAV", "RF64"].contains(layout.container)
    {
      return
    }
    try require("\(file)" == "\(streamed)", "\(file) as a file, \(streamed) as a stream")
    if case .success(let layout?) = file { try check(layout, count: input.count) }
    // The reader of pages takes 130 KB; where there is no mark of a page, it has nothing to do.
    let hasMark = zip(input, input.dropFirst(3)).contains {
      $0 == OggPage.capturePattern[0] && $1 == OggPage.capturePattern[3]
    }
    if hasMark { try checkPages(input) }
    try require(
      FileSignature.isKnown(MemorySource(input, isStream: false))
        == FileSignature.isKnown(MemorySource(input, isStream: true)), "known or not")
    if let start = MPEGFrames.start(input) {
      try require(MPEGFrames.frame(input, at: start).map { $0.size >= 3 } ?? false, "no frame at \(start)")
    }
    if input.starts(with: "RIFF".utf8) || input.first == 0x30 {
      let copy = try InputCopy(input)
      let file = try InputFile(OwnedDescriptor(duplicating: copy.descriptor, for: .read), first: input.count)
      if let size = try PromisedSize(file) { try require(size.byteCount > 0, "\(size)") }
    }
  }

  private static func layout(_ source: MemorySource) throws -> Result<FileLayout?, AudioFileError.Problem> {
    do throws(AudioFileError.Problem) {
      return .success(try FileLayout(source))
    } catch {
      try requireOneLine(AudioFileError(name: "input", problem: error))
      return .failure(error)
    }
  }

  private static func check(_ layout: FileLayout, count: Int) throws {
    try require((1...AudioFileReader.maximumChannelCount).contains(layout.channelCount), "\(layout)")
    try require(SampleRate.range.contains(layout.hertz), "\(layout)")
    try require(layout.promisedFrameCount ?? 0 >= 0, "\(layout)")
    guard let plain = layout.plain else { return }
    try require(plain.channelCount == layout.channelCount && plain.frameSize > 0, "\(layout)")
    try require((1...count).contains(plain.offset) && plain.byteCount ?? 0 >= 0, "\(layout)")
    try require(layout.promisedFrameCount == plain.byteCount.map { $0 / plain.frameSize }, "\(layout)")
  }

  private static func checkPages(_ input: [UInt8]) throws {
    let source = MemorySource(input, isStream: false)
    let start = (try? FileLayout.endOfID3Tag(source)) ?? 0
    _ = try? OggPages.haveAudio(source, at: start)

    // The reader finds the same pages however the bytes come.
    let whole = OggPageReader(source)
    let pieces = OggPageReader(MemorySource(input, isStream: true))
    var pages = OggPages()
    var total = 0
    while true {
      let found = whole.next(waits: true)
      try require(pieces.next(waits: true) == found, "a page of a file is none of a stream")
      guard case .page(let page) = found else { break }
      total += page.size
      try require(whole.bytes.elementsEqual(pieces.bytes) && whole.bytes.count == page.size, "\(page)")
      try require(OggPage(whole.bytes) == page, "\(page) is another page again")
      let verdict = pages.follow(page, whole.codec(page))
      if case .audio(let missing) = verdict { try require(missing >= 0, "\(missing) pages are missing") }
      if verdict == .nextLink {
        pages.beginLink()
        try require(pages.follow(page, whole.codec(page)) != .nextLink, "a link that does not begin")
      }
    }
    try require(total <= input.count, "pages of \(total) bytes in \(input.count)")
    try require(whole.endsInPage == pieces.endsInPage, "an end in a page, and not")
  }
}

/// Bytes in memory, as a file or as a stream of which no more is known than has been read.
private final class MemorySource: HeaderSource, ByteSource {
  private let content: [UInt8]
  private let isStream: Bool
  private var received = 0
  private var isEnded = false
  /// Bytes before it cannot be asked for any more.
  private var passed = 0
  private var keepsAll = true
  private var taken = 0

  init(_ content: [UInt8], isStream: Bool) {
    self.content = content
    self.isStream = isStream
  }

  var knownCount: Int? { isStream ? (isEnded ? content.count : nil) : content.count }

  func bytes(_ range: Range<Int>) -> [UInt8] {
    if !keepsAll {
      precondition(range.lowerBound >= passed, "a header is read forward")
      passed = range.lowerBound
    }
    receive(range.upperBound)
    return Array(content[range.clamped(to: 0..<content.count)])
  }

  func reaches(_ offset: Int) -> Bool {
    if !keepsAll { passed = max(passed, offset) }
    receive(offset)
    return offset <= content.count
  }

  func headerIsUnderstood() { keepsAll = !isStream }

  private func receive(_ offset: Int) {
    if offset > content.count { isEnded = true }
    received = min(max(received, offset), content.count)
  }

  /// As a stream, in pieces of 1 to 61 bytes.
  func next(into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
    let length = min(count, content.count - taken, isStream ? 1 + taken % 61 : .max)
    content[taken..<taken + length].withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { buffer.copyMemory(from: base, byteCount: bytes.count) }
    }
    taken += length
    return length
  }

  var isReady: Bool { true }
}
