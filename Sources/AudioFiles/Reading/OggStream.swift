import AudioDSP

/// Ogg Vorbis and Opus, read forward: page by page, link by link, decoded by libsndfile.
///
/// libsndfile decodes one logical stream. It gets the pages of one, as a file of its own, so that other streams beside
/// it or behind it do not matter; and never before they are there, so that it does not wait while samples of an earlier
/// page could be given out.
final class OggStream: FrameSource {
  let container: String
  let encoding: String
  let channelCount: Int
  let hertz: Int
  let promisedFrameCount: Int?
  let frameCount: Int?
  let isLive: Bool

  private let reader: OggPageReader
  private var pages = OggPages()
  private var link: OggLink?
  /// A page that has been met and belongs to the next link.
  private var firstPageOfNextLink: OggPage?
  private var framesRead = 0
  /// How many sample frames the links so far should have had, by their last granule positions.
  private var framesStated = 0
  private var missing: (pageCount: Int, gapCount: Int, sampleFrame: Int)?
  private var unended: (linkCount: Int, sampleFrame: Int)?
  private var isAtEnd = false
  private var failure: AudioFileError.Problem?

  /// - Parameters:
  ///   - source: Gives the first page next.
  ///   - survey: What is known of the pages, of a file.
  init(_ source: any ByteSource, survey: OggPages.Survey?, isLive: Bool) throws(AudioFileError.Problem) {
    reader = OggPageReader(source)
    self.isLive = isLive
    let link = OggLink()
    while case .page(let page) = reader.next(waits: true) {
      if pages.follow(page, reader.codec(page)) == .audio(missing: 0) {
        link.add(reader.bytes)
        break
      }
      if pages.isPastBeginning { break }
    }
    // What the link asks for while it is opened is given by the following, once there is a self.
    var pages = pages
    let (reader, audio) = (reader, pages.audio)
    var lostInHeaders = 0
    var next: OggPage?
    link.supply = { [unowned link] in
      while true {
        guard case .page(let page) = reader.next(waits: true) else { return false }
        switch pages.follow(page, reader.codec(page)) {
        case .nextLink:
          next = page
          return false
        case .audio(let missing):
          lostInHeaders += missing
          link.add(reader.bytes)
          link.lastGranule = pages.lastGranule
          return true
        case .foreign: break
        }
      }
    }
    guard let audio else { throw .unreadableHeader(container: "Ogg", reason: "it has no stream of Vorbis or Opus") }
    do throws(AudioFileError.Problem) {
      try link.open(audio)
    } catch {
      if let errorNumber = reader.errorNumber { throw .system(.read, errorNumber: errorNumber) }
      throw error
    }
    guard let decoder = link.decoder else { preconditionFailure("it is open") }
    self.pages = pages
    firstPageOfNextLink = next
    link.isComplete = pages.hasEnded
    if lostInHeaders > 0 {
      missing = (lostInHeaders, 1, 0)
      link.isExact = false
    }
    channelCount = decoder.channelCount
    hertz = decoder.hertz
    (container, encoding) = decoder.names
    promisedFrameCount = survey.flatMap { $0.isWhole ? $0.lastGranule : nil }.map { link.frameCount(at: $0) }
    frameCount = promisedFrameCount
    self.link = link
    link.supply = { [unowned self] in pull(waits: true) == .page }
  }

  private enum Pulled { case page, nothingYet, end }

  /// Hands the link its next page; notes what is missing before it.
  private func pull(waits: Bool) -> Pulled {
    guard let link, firstPageOfNextLink == nil, !link.isComplete else { return .end }
    while true {
      let page: OggPage
      switch reader.next(waits: waits) {
      case .nothingYet: return .nothingYet
      case .end: return .end
      case .page(let found): page = found
      }
      switch pages.follow(page, reader.codec(page)) {
      case .nextLink:
        firstPageOfNextLink = page
        return .end
      case .audio(let count):
        if count > 0 {
          note(missing: count)
          link.isExact = false
        }
        link.add(reader.bytes)
        link.lastGranule = pages.lastGranule
        return .page
      case .foreign: break
      }
    }
  }

  private func note(missing count: Int) {
    let (pages, gaps, frame) = missing ?? (0, 0, framesRead)
    missing = (pages + count, gaps + 1, frame)
  }

  func read(
    _ wanted: Int, into output: inout MutableSpan<Float>, at offset: Int
  ) throws(AudioFileError.Problem) -> Int {
    var filled = 0
    while filled < wanted, !isAtEnd, failure == nil, let link {
      var request = wanted - filled
      if !link.isComplete {
        if link.isExact {
          request = min(request, link.readyFrameCount)
          if request <= 0 {
            switch pull(waits: filled == 0 || !isLive) {
            case .page: if pages.hasEnded { link.isComplete = true }
            case .nothingYet: return filled
            case .end: link.isComplete = true
            }
            continue
          }
        } else if isLive {
          // The decoder may wait within a call, so it gets no chance to hold back more than 10 ms.
          if filled > 0 { return filled }
          request = min(request, max(1, hertz / 100))
        }
      }
      let (count, reason) = link.read(request, into: &output, at: offset + filled * channelCount)
      filled += count
      framesRead += count
      if let errorNumber = reader.errorNumber, count == 0 {
        failure = .system(.read, errorNumber: errorNumber)
      } else if let reason {
        failure = .decodingFailed(afterSampleFrames: framesRead, reason: reason)
      } else if count < request {
        // What comes behind the link may have to be waited for.
        if isLive && filled > 0 { return filled }
        if link.isComplete || !link.isExact { finishLink() } else { link.isExact = false }
      }
    }
    if filled == 0, let failure { throw failure }
    return filled
  }

  /// Goes on to the next link of the chain, or to the end.
  private func finishLink() {
    guard let link else { return }
    if let last = link.lastGranule { framesStated &+= link.frameCount(at: last) }
    // A page may be left of other streams, or of the next link.
    while firstPageOfNextLink == nil {
      guard case .page(let page) = reader.next(waits: true) else {
        isAtEnd = true
        return
      }
      if pages.follow(page, reader.codec(page)) == .nextLink { firstPageOfNextLink = page }
    }
    if !pages.hasEnded { unended = (1 + (unended?.linkCount ?? 0), unended?.sampleFrame ?? framesRead) }
    do throws(AudioFileError.Problem) {
      try beginLink()
    } catch {
      failure = .decodingFailed(afterSampleFrames: framesRead, reason: "the next stream of the chain: \(error)")
    }
  }

  private func beginLink() throws(AudioFileError.Problem) {
    guard var page = firstPageOfNextLink else { return }
    pages.beginLink()
    firstPageOfNextLink = nil
    while true {
      if pages.follow(page, reader.codec(page)) == .audio(missing: 0) { break }
      guard !pages.isPastBeginning, case .page(let next) = reader.next(waits: true) else {
        throw .unreadableHeader(container: "Ogg", reason: "it has no stream of Vorbis or Opus")
      }
      page = next
    }
    guard let audio = pages.audio else { preconditionFailure("its page has been met") }
    let next = OggLink()
    next.add(reader.bytes)
    next.supply = { [unowned self] in pull(waits: true) == .page }
    link = next
    try next.open(audio)
    next.isComplete = pages.hasEnded
    guard let decoder = next.decoder else { preconditionFailure("it is open") }
    guard decoder.hertz == hertz, decoder.channelCount == channelCount else {
      throw .unreadableHeader(
        container: "Ogg",
        reason: "it has \(decoder.hertz) Hz and \(decoder.channelCount) channels, not \(hertz) Hz and \(channelCount)")
    }
  }

  var damage: [Damage] {
    var damage: [Damage] = []
    if let missing {
      damage.append(
        .missingPages(
          pageCount: missing.pageCount, gapCount: missing.gapCount, sampleFrame: missing.sampleFrame))
    }
    if let unended {
      damage.append(.unendedStreams(count: unended.linkCount, sampleFrame: unended.sampleFrame))
    }
    guard isAtEnd else { return damage }
    if !pages.hasEnded {
      let sign: Truncation.Sign = reader.endsInPage ? .incompletePacket : .noEndMark
      damage.append(.truncation(Truncation(promisedFrameCount: nil, frameCount: framesRead, sign: sign)))
    } else if damage.isEmpty, framesRead < framesStated {
      damage.append(.truncation(Truncation(promisedFrameCount: framesStated, frameCount: framesRead)))
    }
    return damage
  }
}

/// One logical stream of Vorbis or Opus, with libsndfile on it.
private final class OggLink {
  private let bytes = OggLinkBytes()
  private(set) var decoder: Decoder?
  /// The granule position of the first sample frame, and how many of its units make a sample frame.
  private var firstGranule = 0
  private var granulesPerFrame = 1
  private var framesRead = 0
  /// The last granule position of the pages that were added.
  var lastGranule: Int?
  /// Whether granule positions say how many sample frames can be decoded from the pages so far.
  var isExact = true
  /// Whether no page is missing at the end: there is none to come.
  var isComplete = false

  /// Adds the next page, and tells whether there was one. Waits for it.
  var supply: () -> Bool {
    get { bytes.supply }
    set { bytes.supply = newValue }
  }

  func add(_ page: ArraySlice<UInt8>) { bytes.add(page) }

  /// Opens libsndfile on the pages, as far as the first with audio. The first page has been added.
  func open(_ audio: (serial: UInt32, codec: OggCodec)) throws(AudioFileError.Problem) {
    bytes.beginOpening(audio.serial)
    let decoder: Decoder
    do {
      decoder = try Decoder(file: bytes)
    } catch {
      throw .unreadableHeader(container: "Ogg", reason: error.reason)
    }
    bytes.endOpening()
    // libopus decodes at 48 kHz or a whole part of it; granule positions always count at 48 kHz.
    if case .opus = audio.codec { granulesPerFrame = max(1, 48_000 / decoder.hertz) }
    // Wrapping, for files that say what cannot be.
    firstGranule = OggLinkBytes.claimedGranule &- decoder.claimedFrameCount &* granulesPerFrame
    self.decoder = decoder
  }

  /// How many sample frames there are from the first to a granule position.
  func frameCount(at granule: Int) -> Int {
    max(0, (granule &- firstGranule) / granulesPerFrame)
  }

  /// How many sample frames the pages that were added hold, less those that were read.
  var readyFrameCount: Int { (lastGranule.map(frameCount) ?? 0) - framesRead }

  func read(
    _ frameCount: Int, into output: inout MutableSpan<Float>, at offset: Int
  ) -> (frameCount: Int, reason: String?) {
    guard let decoder else { return (0, nil) }
    let result = decoder.read(frameCount, into: &output, at: offset)
    framesRead += result.frameCount
    return (result.frameCount, result.failure?.reason)
  }
}

/// The pages of one logical stream, as a file without an end.
///
/// libsndfile 1.2 looks for the last page when it opens a file, and for how many sample frames there are by its granule
/// position. It finds a page that is made here, far behind all others, with no content and a granule position that no
/// stream comes to; so it reads on for as long as pages come, and from its count the granule position of the first
/// sample frame follows, which only decoders know. Then it goes back to where it was, behind the first page with audio.
private final class OggLinkBytes: DecoderBytes {
  /// The granule position of the last page. A multiple of 6, as of all ratios of Opus' rates.
  static let claimedGranule = 48_000 << 32
  /// The end of the file, and how far before it the search for the last page may begin.
  private static let claimedCount = 1 << 60
  private static let tailSize = 1 << 20
  /// The most bytes that headers may have, pictures among the comments included.
  private static let headerLimit = 1 << 26

  var supply: () -> Bool = { false }
  private var content: [UInt8] = []
  /// The position of the first byte of `content`.
  private var start = 0
  private var isOpening = false
  private var lastPage: [UInt8] = []

  func add(_ page: ArraySlice<UInt8>) {
    let passed = min(position - start, content.count)
    if !isOpening, passed >= content.count / 2 {
      content.removeFirst(passed)
      start += passed
    }
    content += page
  }

  func beginOpening(_ serial: UInt32) {
    isOpening = true
    lastPage = OggPage.empty(serial: serial, granule: Self.claimedGranule)
  }

  func endOpening() { isOpening = false }

  override var count: Int { Self.claimedCount }

  override func canSeek(to target: Int) -> Bool {
    (start...start + content.count).contains(target)
      || (isOpening && (Self.claimedCount - Self.tailSize...Self.claimedCount).contains(target))
  }

  override func bytes(into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
    if position >= Self.claimedCount - Self.tailSize {
      let count = min(count, Self.claimedCount - position)
      let pageStart = Self.claimedCount - lastPage.count
      for i in 0..<count {
        let byte = position + i < pageStart ? 0 : lastPage[position + i - pageStart]
        unsafe buffer.storeBytes(of: byte, toByteOffset: i, as: UInt8.self)
      }
      return count
    }
    while position == start + content.count {
      if isOpening && content.count > Self.headerLimit { return 0 }
      if !supply() { return 0 }
    }
    let part = content[(position - start)...].prefix(count)
    unsafe part.withUnsafeBytes { unsafe buffer.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    return part.count
  }
}

extension OggPage {
  /// The bytes of a last page without content.
  fileprivate static func empty(serial: UInt32, granule: Int) -> [UInt8] {
    var page = capturePattern + [0, 4]
    for i in 0..<8 { page.append(UInt8(truncatingIfNeeded: granule >> (8 * i))) }
    for i in 0..<4 { page.append(UInt8(truncatingIfNeeded: serial >> UInt32(8 * i))) }
    // Sequence number, checksum, number of segments.
    page += [UInt8](repeating: 0, count: 9)
    let sum = checksum(page[...])
    for i in 0..<4 { page[22 + i] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * i)) }
    return page
  }
}
