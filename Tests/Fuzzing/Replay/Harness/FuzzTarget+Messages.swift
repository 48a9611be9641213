@testable import AudioFiles

extension FuzzTarget {
  /// Messages say the same however they come, in one line of bounded length.
  static func checkMessages(_ input: [UInt8]) throws {
    var input = FuzzInput(input)
    let seed = input.byte()
    var whole = ForeignDecoderMessages()
    whole.append(input.rest)
    var pieces = ForeignDecoderMessages()
    for cut in FuzzInput.cuts(of: input.rest.count, seed: seed) { pieces.append(input.rest[cut]) }
    try require(
      whole.complaint == pieces.complaint && whole.promisedSeconds == pieces.promisedSeconds
        && whole.isNoAudio == pieces.isNoAudio && whole.hasNoAudioStream == pieces.hasNoAudioStream,
      "\(whole), in pieces \(pieces)")
    if let complaint = whole.complaint {
      try requireOneLine(complaint)
      try require(
        complaint.unicodeScalars.count <= 4_096, "a complaint of \(complaint.unicodeScalars.count) characters")
    }
    if let seconds = whole.promisedSeconds { try require(seconds.isFinite, "\(seconds) s") }
  }
}
