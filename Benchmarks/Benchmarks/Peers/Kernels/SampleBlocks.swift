import AudioDSP
import CLibsamplerate
import CMeasurement
import CSwresample
import Foundation

extension KernelStage.Block {
  /// 20 ms at 24 kHz; 10 ms, a frame, at 48 kHz.
  private static var sampleCount: Int { 480 }

  static func floatToPCM16() throws -> Self {
    let count = sampleCount
    let floats = AlignedBuffer(Signals.noise(count: count))
    let integers = AlignedBuffer<Int16>(
      count: count, offset: outputOffset(inputByteCount: count * 4, outputByteCount: count * 2))
    let converter = try Swresample(
      from: .init(sampleFormat: AV_SAMPLE_FMT_FLT), to: .init(sampleFormat: AV_SAMPLE_FMT_S16))
    func verify() throws {
      for i in 0..<count {
        let error = abs(Double(integers.elements[i]) - Double(floats.elements[i]) * 32_768)
        guard error <= 1 else { throw WrongResult("sample \(i) is off by \(error) LSB") }
      }
    }
    return KernelStage.Block(
      sizeInBytes: count * 4,
      ours: .init(
        name: "ours",
        repeat: { repetitions in
          var output = integers.elements.mutableSpan
          for _ in 0..<repetitions {
            PCM16.convert(UnsafeBufferPointer(floats.elements).span, into: &output)
            cm_keep(integers.base)
          }
        }, verify: verify),
      peers: [
        .init(
          name: "libswresample",
          repeat: { repetitions in
            for _ in 0..<repetitions {
              _ = try converter.convert(floats.base, frameCount: count, into: integers.base, frameCapacity: count)
              cm_keep(integers.base)
            }
          }, verify: verify),
        .init(
          name: "libsamplerate",
          repeat: { repetitions in
            for _ in 0..<repetitions {
              src_float_to_short_array(floats.base, integers.base, Int32(count))
              cm_keep(integers.base)
            }
          }, verify: verify),
        copy(floats, byteCount: count * 4),
      ])
  }

  static func pcm16ToFloat() throws -> Self {
    let count = sampleCount
    let integers = AlignedBuffer(Signals.noise(count: count).map { Int16($0 * 32_768) })
    let floats = AlignedBuffer<Float>(
      count: count, offset: outputOffset(inputByteCount: count * 2, outputByteCount: count * 4))
    let converter = try Swresample(
      from: .init(sampleFormat: AV_SAMPLE_FMT_S16), to: .init(sampleFormat: AV_SAMPLE_FMT_FLT))
    func verify() throws {
      for i in 0..<count {
        let error = abs(Double(floats.elements[i]) * 32_768 - Double(integers.elements[i]))
        guard error <= 1e-3 else { throw WrongResult("sample \(i) is off by \(error) LSB") }
      }
    }
    return KernelStage.Block(
      sizeInBytes: count * 4,
      ours: .init(
        name: "ours",
        repeat: { repetitions in
          var output = floats.elements.mutableSpan
          for _ in 0..<repetitions {
            PCM16.convert(UnsafeBufferPointer(integers.elements).span, into: &output)
            cm_keep(floats.base)
          }
        }, verify: verify),
      peers: [
        .init(
          name: "libswresample",
          repeat: { repetitions in
            for _ in 0..<repetitions {
              _ = try converter.convert(integers.base, frameCount: count, into: floats.base, frameCapacity: count)
              cm_keep(floats.base)
            }
          }, verify: verify),
        .init(
          name: "libsamplerate",
          repeat: { repetitions in
            for _ in 0..<repetitions {
              src_short_to_float_array(integers.base, floats.base, Int32(count))
              cm_keep(floats.base)
            }
          }, verify: verify),
        // As many bytes as it writes, twice what it reads.
        copy(floats, byteCount: count * 4),
      ])
  }

  static func downmix() throws -> Self {
    let frameCount = sampleCount
    let stereo = AlignedBuffer(Signals.noise(count: 2 * frameCount))
    let mono = AlignedBuffer<Float>(
      count: frameCount, offset: outputOffset(inputByteCount: frameCount * 8, outputByteCount: frameCount * 4))
    // The mean, as ours; the library's own choice would be 0.7 of both.
    let converter = try Swresample(
      from: .init(sampleFormat: AV_SAMPLE_FMT_FLT, channelCount: 2), to: .init(sampleFormat: AV_SAMPLE_FMT_FLT),
      matrix: [0.5, 0.5])
    func verify() throws {
      for i in 0..<frameCount {
        let mean = (Double(stereo.elements[2 * i]) + Double(stereo.elements[2 * i + 1])) / 2
        guard abs(Double(mono.elements[i]) - mean) < 1e-7 else { throw WrongResult("sample \(i) is not the mean") }
      }
    }
    return KernelStage.Block(
      sizeInBytes: frameCount * 8,
      ours: .init(
        name: "ours",
        repeat: { repetitions in
          var output = mono.elements.mutableSpan
          for _ in 0..<repetitions {
            _ = try Downmix.mean.process(
              UnsafeBufferPointer(stereo.elements).span, channelCount: 2, into: &output)
            cm_keep(mono.base)
          }
        }, verify: verify),
      peers: [
        .init(
          name: "libswresample",
          repeat: { repetitions in
            for _ in 0..<repetitions {
              _ = try converter.convert(
                stereo.base, frameCount: frameCount, into: mono.base, frameCapacity: frameCount)
              cm_keep(mono.base)
            }
          }, verify: verify),
        copy(stereo, byteCount: frameCount * 8),
      ])
  }

  /// Energy and zero crossings of one frame of 10 ms at 48 kHz. No peer has them as one call.
  static func frameFeatures() throws -> Self {
    let count = sampleCount
    let tone = AlignedBuffer(Signals.tone(frequency: 1_000, amplitude: 0.25, rate: 48_000, count: count))
    let analyzer = Analyzer()
    func verify() throws {
      let features = analyzer.features.elements[0]
      let energy = 20 * log10(0.25) - 10 * log10(2)
      guard abs(Double(features.energyInDecibels) - energy) < 0.01 else {
        throw WrongResult("\(features.energyInDecibels) dBFS, not \(energy)")
      }
      // Ten periods; the frame's first sample, the last one's successor, may count as the twentieth crossing or not.
      let crossings = Double(features.zeroCrossingRate) * Double(count)
      guard abs(crossings - 19.5) <= 1 else { throw WrongResult("\(crossings) zero crossings, not 20") }
    }
    return KernelStage.Block(
      sizeInBytes: count * 4,
      ours: .init(name: "ours", repeat: { try analyzer.analyze(tone.elements, repetitions: $0) }, verify: verify),
      peers: [copy(tone, byteCount: count * 4)])
  }
}

/// Holds the analyzer, which cannot be copied, for closures that can.
private final class Analyzer {
  /// Not numbers, hence no `AlignedBuffer`.
  final class Features {
    let elements = UnsafeMutableBufferPointer<FrameFeatures>.allocate(capacity: 1)

    init() { elements.initialize(repeating: FrameFeatures()) }

    deinit { elements.deallocate() }
  }

  let features = Features()
  private var analyzer = FrameAnalyzer(.hz48000)

  func analyze(_ frame: UnsafeMutableBufferPointer<Float>, repetitions: Int) throws {
    var output = features.elements.mutableSpan
    for _ in 0..<repetitions {
      guard analyzer.process(UnsafeBufferPointer(frame).span, into: &output) == 1 else {
        throw WrongResult("no whole frame")
      }
      cm_keep(features.elements.baseAddress)
    }
  }
}
