import AudioTestSupport
import Foundation
import Testing

@testable import AudioFiles

/// Files that libsndfile cannot read, by way of the reader.
@Suite struct ForeignReadingTests {
  static let kinds = ForeignKind.all.filter { ["alac.m4a", "flac.mkv", "aac.m4a"].contains($0.name) }

  @Test("As file and as pipe", arguments: kinds)
  func reading(kind: ForeignKind) throws {
    guard FFmpeg.path != nil else {
      print("left out: files that libsndfile cannot read, for there is no ffmpeg")
      return
    }
    let folder = try TemporaryFolder()
    let source = TestAudioTests.folder.appendingPathComponent("clean-mono-16k.wav").path
    guard try FFmpeg.run(["-i", source] + kind.options + [folder[kind.name]]) else { return }
    let original = try Recording(source)
    let file = try Recording(folder[kind.name])
    #expect(file.damage.isEmpty)
    #expect(file.sampleRate == original.sampleRate)
    #expect(file.framesRead >= original.framesRead && file.framesRead <= original.framesRead + kind.padding)
    if kind.isLossless { #expect(file.samples == original.samples) }
    let bytes = try folder.bytes(kind.name)
    let pipe = try LivePipe.recording(bytes)
    #expect(firstBitDifference(pipe.samples, file.samples) == nil)
    #expect(pipe.damage.isEmpty)
    if !kind.isReadFromItsEnd {
      let cut = try Recording(folder.write("cut", Array(bytes.prefix(bytes.count * 2 / 3))))
      #expect(!cut.damage.isEmpty)
    }
  }

  @Test("Ogg of a codec that libsndfile decodes alone is told when it is cut off")
  func otherOgg() throws {
    guard FFmpeg.path != nil else {
      print("left out: FLAC in Ogg, for there is no ffmpeg to make it")
      return
    }
    let folder = try TemporaryFolder()
    let source = TestAudioTests.folder.appendingPathComponent("clean-mono-16k.wav").path
    guard try FFmpeg.run(["-i", source, "-c:a", "flac", folder["a.oga"]]) else { return }
    let original = try Recording(source)
    let bytes = try folder.bytes("a.oga")
    let whole = try Recording(folder["a.oga"])
    #expect(whole.samples == original.samples)
    #expect(whole.damage.isEmpty)
    let starts = OggTests.pageStarts(bytes)
    for count in [starts[starts.count / 2], starts[starts.count - 2], bytes.count / 2, bytes.count - 1] {
      let cut = try Recording(folder.write("cut.oga", Array(bytes[..<count])))
      #expect(cut.truncation?.frameCount == cut.framesRead, "\(count) of \(bytes.count) bytes")
      #expect(firstDifference(cut.samples, Array(original.samples.prefix(cut.samples.count))) == nil)
    }
    // Both decoders read on, or say that they do not.
    let chain = try folder.write(
      "chain.oga",
      bytes
        + starts.dropLast().indices.flatMap { i in
          OggTests.page(Array(bytes[starts[i]..<starts[i + 1]]), serial: 99)
        })
    var read = 0
    let error = try audioFileError {
      var reader = try AudioFileReader(path: chain)
      while case let block = try reader.block(of: 4_096), !block.isEmpty { read += block.count }
    }
    if let error {
      #expect(read == original.samples.count && error.description.contains("next stream of the Ogg chain"))
    } else {
      #expect(read == 2 * original.samples.count)
    }
  }
}
