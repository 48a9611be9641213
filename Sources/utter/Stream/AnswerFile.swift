import AudioDSP
import AudioFiles

/// The answers' audio, in the order in which it is played, without the silence between.
actor AnswerFile {
  private let path: String?
  private var writer: SampleWriter?
  private(set) var sampleCount = 0
  private var rate: SampleRate?
  private(set) var failure: (any Error)?

  init(_ path: String?) {
    self.path = path
  }

  /// How long what was written lasts.
  var seconds: Double { rate?.seconds(of: sampleCount) ?? 0 }

  func write(_ samples: ArraySlice<Int16>, rate: SampleRate) {
    guard !samples.isEmpty, failure == nil else { return }
    sampleCount += samples.count
    self.rate = rate
    guard let path else { return }
    do {
      if writer == nil {
        writer = try SampleWriter(path, rate: rate, encoding: .pcm16, ditherSeed: nil)
      }
      try writer?.write(Array(samples).span)
    } catch {
      failure = error
    }
  }

  /// - Throws: What could not be written.
  func finish() throws {
    if let failure { throw failure }
    if let path, writer == nil {
      writer = try SampleWriter(path, rate: .hz24000, encoding: .pcm16, ditherSeed: nil)
    }
    if let writer = writer.take() { try writer.finish() }
  }
}
