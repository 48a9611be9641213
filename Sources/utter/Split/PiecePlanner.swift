/// Says which samples of a stream go into which piece, as soon as that is certain.
///
/// It takes settled frames, and its places are samples of the output. What it says does not depend on how the stream
/// came: the frames alone decide.
struct PiecePlanner {
  /// What to do with the samples that have come.
  enum Step: Equatable {
    /// What lies before this place and has not been kept goes into no piece.
    case drop(until: Int)
    /// A piece starts; where it is cut off, at the end of the one before.
    case begin(at: Int, isCut: Bool)
    /// What lies before this place is in the open piece.
    case keep(until: Int)
    /// The open piece ends; where it is cut off, the next one starts there. `speech` goes from the first sample of speech
    /// in it to the last.
    case end(at: Int, isCut: Bool, speech: Range<Int>?)
  }

  /// What becomes of the stream.
  enum Mode: Equatable {
    /// Pieces are segments of speech, with so many samples before and behind them as far as the pause goes: to the
    /// recording's ends, and to the middle of the pause between two segments.
    case speech(prefix: Int, suffix: Int)
    /// Every sample is in a piece.
    case whole
  }

  private struct Piece {
    var start: Int
    /// From the first to the last speech in it.
    var speech: Range<Int>?
    /// Where to cut it if it grows too long: the start of the quietest frame in the second half of what fits.
    var cut: Cut?
  }

  private struct Cut {
    var place: Int
    var isSpeech: Bool
    var energyInDecibels: Float
    /// The piece's speech before the place, and behind it.
    var before: Range<Int>?
    var after: Range<Int>?
  }

  private let mode: Mode
  private let limit: Int?
  /// One past the last sample that was told.
  private var position = 0
  private var piece: Piece?
  /// Where the last segment ended; nil before the first.
  private var speechEnd: Int?
  private var isSpeaking = false

  /// - Parameter limit: The most samples in a piece, if there is a limit: at least twice the prefix, and 100 ms, so that
  ///   the first piece of a segment holds some of it and there is a frame at which to cut.
  init(_ mode: Mode, limit: Int?) {
    self.mode = mode
    self.limit = limit
  }

  /// Takes the next frame.
  ///
  /// - Parameter end: One past its last sample; it starts where the one before ended.
  mutating func process(
    end: Int, energyInDecibels energy: Float, isSpeech: Bool, _ perform: (Step) throws -> Void
  ) rethrows {
    let start = position
    position = end
    switch mode {
    case .whole:
      if piece == nil { try begin(at: 0, isCut: false, perform) }
      try extend(from: start, energy, isSpeech: isSpeech, perform)
    case .speech(let prefix, let suffix):
      if isSpeech {
        if !isSpeaking {
          try endPadded(suffix, nextStart: start, perform)
          let first = max(0, start - prefix, middle(before: start))
          try perform(.drop(until: first))
          try begin(at: first, isCut: false, perform)
        }
        try extend(from: start, energy, isSpeech: true, perform)
        speechEnd = end
      } else {
        // The next segment starts here or later.
        try endPadded(suffix, nextStart: end, perform, isCertain: false)
        if piece == nil { try perform(.drop(until: max(0, end - prefix, middle(before: end)))) }
      }
      isSpeaking = isSpeech
    }
  }

  /// Takes the end of the stream.
  mutating func finish(_ perform: (Step) throws -> Void) rethrows {
    if let open = piece {
      var end = position
      if case .speech(_, let suffix) = mode, let speechEnd { end = min(end, paddedEnd(open, speechEnd, suffix)) }
      try endPiece(at: end, perform)
    }
    try perform(.drop(until: position))
  }

  /// The middle of the pause that `start` would end; 0 before the first segment.
  private func middle(before start: Int) -> Int { speechEnd.map { $0 + (start - $0) / 2 } ?? 0 }

  /// Where a piece ends for itself: the suffix yields to the limit.
  private func paddedEnd(_ piece: Piece, _ speechEnd: Int, _ suffix: Int) -> Int {
    min(speechEnd + suffix, limit.map { piece.start + $0 } ?? .max)
  }

  /// Ends the open piece behind its speech, if there is one.
  ///
  /// - Parameter isCertain: Whether the next segment starts at `nextStart`, or not before.
  private mutating func endPadded(
    _ suffix: Int, nextStart: Int, _ perform: (Step) throws -> Void, isCertain: Bool = true
  ) rethrows {
    guard let open = piece, let speechEnd else { return }
    let padded = paddedEnd(open, speechEnd, suffix)
    let middle = middle(before: nextStart)
    if isCertain || middle >= padded {
      try endPiece(at: min(padded, middle), perform)
    } else {
      try perform(.keep(until: middle))
    }
  }

  private mutating func endPiece(at end: Int, _ perform: (Step) throws -> Void) rethrows {
    try perform(.keep(until: end))
    try perform(.end(at: end, isCut: false, speech: piece?.speech))
    piece = nil
  }

  private mutating func begin(at start: Int, isCut: Bool, _ perform: (Step) throws -> Void) rethrows {
    piece = Piece(start: start)
    try perform(.begin(at: start, isCut: isCut))
  }

  /// Goes on with the open piece to the end of the frame, and cuts it if it has become too long.
  private mutating func extend(
    from start: Int, _ energy: Float, isSpeech: Bool, _ perform: (Step) throws -> Void
  ) rethrows {
    guard var open = piece else { return }
    if let limit, 2 * (start - open.start) > limit, start - open.start <= limit,
      open.cut.map({ Self.isBetter(isSpeech, energy, than: $0) }) ?? true
    {
      open.cut = Cut(place: start, isSpeech: isSpeech, energyInDecibels: energy, before: open.speech)
    }
    if isSpeech {
      open.speech = (open.speech?.lowerBound ?? start)..<position
      let after = open.cut?.after?.lowerBound ?? start
      open.cut?.after = after..<position
    }
    if let limit, position - open.start > limit, let cut = open.cut {
      try perform(.keep(until: cut.place))
      try perform(.end(at: cut.place, isCut: true, speech: cut.before))
      try perform(.begin(at: cut.place, isCut: true))
      // No frame that has come lies in the second half of the next piece: the cut lies in this one's second half, and
      // the present frame is the first that does not fit.
      open = Piece(start: cut.place, speech: cut.after)
    }
    piece = open
    try perform(.keep(until: open.cut?.place ?? position))
  }

  /// A frame outside of speech is better than one inside of it, then a quieter one, then the earlier one.
  private static func isBetter(_ isSpeech: Bool, _ energy: Float, than cut: Cut) -> Bool {
    isSpeech == cut.isSpeech ? energy < cut.energyInDecibels : !isSpeech
  }
}
