import CAudioKernels

typealias FrameSums = ak_frame_sums

/// The kernels of one backend, with their bounds checked.
///
/// This and its extension by topic is the only place where AudioDSP leaves the language's memory safety: each function
/// takes spans or arrays, checks that the counts which the C code relies on hold, and hands whole blocks down. The checks are preconditions, because the
/// callers inside this module have validated their input; they stay on in release builds.
@safe
package struct Kernels: Sendable {
  // Points to a constant table in static storage. For this type's own files.
  nonisolated(unsafe) let table: UnsafePointer<ak_kernels>

  /// The kernels of the backend chosen at start-up.
  ///
  /// Stops the program when `UTTER_BACKEND` names a backend that is not there: falling back silently would make every
  /// figure measured under that name wrong. ``KernelBackend/selected()`` reports the same as an error.
  static let active: Kernels = {
    do {
      return Kernels(try KernelBackend.selected())
    } catch {
      fatalError("UTTER_BACKEND: \(error)")
    }
  }()

  /// - Precondition: The backend is available.
  package init(_ backend: KernelBackend) {
    guard let table = unsafe ak_kernels_for(backend.identifier) else {
      preconditionFailure("\(KernelBackendError(name: backend.rawValue))")
    }
    unsafe self.table = unsafe table
  }

  func convertToPCM16(_ input: Span<Float>, into output: inout MutableSpan<Int16>) {
    precondition(output.count >= input.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        unsafe table.pointee.pcm16_from_float(source, target, input.count)
      }
    }
  }

  func convertToPCM16(
    _ input: Span<Float>, into output: inout MutableSpan<Int16>, ditherSeed: UInt64, position: UInt64
  ) {
    precondition(output.count >= input.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        unsafe table.pointee.pcm16_from_float_dithered(source, target, input.count, ditherSeed, position)
      }
    }
  }

  func convertToFloat(_ input: Span<Int16>, into output: inout MutableSpan<Float>) {
    precondition(output.count >= input.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        unsafe table.pointee.float_from_pcm16(source, target, input.count)
      }
    }
  }

  /// Copies `input` to the start of `output`, replacing what is not finite; returns how many samples were replaced.
  func copyFinite(_ input: Span<Float>, into output: inout MutableSpan<Float>) -> Int {
    precondition(output.count >= input.count)
    return unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return 0 }
        return unsafe table.pointee.copy_finite(source, target, input.count)
      }
    }
  }

  /// Copies `input` into `output` at `place`, replacing what is not finite or of magnitude 2^100 and more; returns how
  /// many samples were replaced.
  func copyBounded(_ input: Span<Float>, into output: inout [Float], at place: Int) -> Int {
    precondition(place >= 0 && output.count - place >= input.count)
    return unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return 0 }
        return unsafe table.pointee.copy_bounded(source, target + place, input.count)
      }
    }
  }

  /// Writes one sample per sample frame; returns how many samples were not finite.
  func downmix(
    _ interleaved: Span<Float>, channelCount: Int, channel: Int?, into mono: inout MutableSpan<Float>
  ) -> Int {
    precondition(channelCount > 0 && interleaved.count % channelCount == 0)
    precondition(channel.map { (0..<channelCount).contains($0) } ?? true)
    let frameCount = interleaved.count / channelCount
    precondition(mono.count >= frameCount)
    return unsafe interleaved.withUnsafeBufferPointer { input in
      unsafe mono.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return 0 }
        if let channel {
          return unsafe table.pointee.downmix_channel(source, target, frameCount, channelCount, channel)
        }
        return unsafe table.pointee.downmix_mean(source, target, frameCount, channelCount)
      }
    }
  }

  func encode(_ law: G711, _ input: Span<Int16>, into output: inout MutableSpan<UInt8>) {
    precondition(output.count >= input.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        switch law {
        case .muLaw: unsafe table.pointee.mu_law_from_pcm16(source, target, input.count)
        case .aLaw: unsafe table.pointee.a_law_from_pcm16(source, target, input.count)
        }
      }
    }
  }

  func decode(_ law: G711, _ input: Span<UInt8>, into output: inout MutableSpan<Int16>) {
    precondition(output.count >= input.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        switch law {
        case .muLaw: unsafe table.pointee.pcm16_from_mu_law(source, target, input.count)
        case .aLaw: unsafe table.pointee.pcm16_from_a_law(source, target, input.count)
        }
      }
    }
  }

  /// Writes 4 * ceil(count / 3) characters, padded.
  func encodeBase64(_ input: RawSpan, into output: inout MutableSpan<UInt8>) {
    precondition(output.count >= (input.byteCount + 2) / 3 * 4)
    unsafe input.withUnsafeBytes { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        unsafe table.pointee.base64_encode(
          source.assumingMemoryBound(to: UInt8.self), input.count, target)
      }
    }
  }

  /// Decodes groups of four characters without padding; returns how many leading groups were good.
  func decodeBase64(_ input: Span<UInt8>, into output: inout MutableSpan<UInt8>) -> Int {
    precondition(input.count % 4 == 0 && output.count >= input.count / 4 * 3)
    return unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return 0 }
        return unsafe table.pointee.base64_decode(source, input.count / 4, target)
      }
    }
  }

  /// The four characters for the one to three bytes of `group`, padded.
  func encodeBase64Group(_ group: ByteGroup) -> ByteGroup {
    precondition((1...3).contains(group.count))
    var characters: UInt32 = 0
    unsafe withUnsafeBytes(of: group.bits.littleEndian) { input in
      unsafe withUnsafeMutableBytes(of: &characters) { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        unsafe table.pointee.base64_encode(
          source.assumingMemoryBound(to: UInt8.self), group.count, target.assumingMemoryBound(to: UInt8.self))
      }
    }
    return ByteGroup(bits: UInt32(littleEndian: characters))
  }

  /// The three bytes of four characters, or nil where one of them is not in the alphabet.
  func decodeBase64Group(_ group: ByteGroup) -> ByteGroup? {
    precondition(group.count == 4)
    var bytes: UInt32 = 0
    let good = unsafe withUnsafeBytes(of: group.bits.littleEndian) { input in
      unsafe withUnsafeMutableBytes(of: &bytes) { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return 0 }
        return unsafe table.pointee.base64_decode(
          source.assumingMemoryBound(to: UInt8.self), 1, target.assumingMemoryBound(to: UInt8.self))
      }
    }
    return good == 1 ? ByteGroup(bits: UInt32(littleEndian: bytes)) : nil
  }

  func frameSums(_ input: Span<Float>, offset: Float, previous: Float) -> FrameSums {
    var sums = FrameSums()
    unsafe input.withUnsafeBufferPointer { input in
      guard let source = input.baseAddress else { return }
      unsafe table.pointee.frame_sums(source, input.count, offset, previous, &sums)
    }
    return sums
  }

  // MARK: Resampling

  /// The lanes of the backend's vectors.
  var laneCount: Int { unsafe table.pointee.lane_count }
  /// How often a polyphase filter is best split.
  var splitDepth: Int { unsafe table.pointee.split_depth }

  /// How far behind the last input that is there a stage's vectors may reach.
  func reach(of stage: ResamplingStage) -> Int {
    switch stage {
    case .polyphase(let filter):
      // One output reads the most beyond its own window, but for up to three cycles that a leaf computes beside its
      // share.
      inputCount(of: filter, skip: 0, count: 1) + filter.ratio.inputs * 4 << filter.splitDepth
    case .grouped(let bank): bank.tapCount
    case .interpolated(let bank): bank.tapCount
    }
  }

  /// How many samples of scratch memory a stage needs.
  func scratchCount(of stage: ResamplingStage) -> Int {
    guard case .polyphase(let filter) = stage else { return 0 }
    var count = 0
    unsafe filter.withTable { table in unsafe count = ak_polyphase_scratch_count(&table, laneCount) }
    return count
  }

  private func inputCount(of filter: PolyphaseFilter, skip: Int, count: Int) -> Int {
    var inputCount = 0
    unsafe filter.withTable { table in
      unsafe inputCount = ak_polyphase_input_count(&table, laneCount, skip, count)
    }
    return inputCount
  }

  /// Computes `count` outputs of a stage from its output `first` on, whose window starts at `samples[start]`.
  ///
  /// - Precondition: `samples` reach as far as the kernels read, and all of them are finite; `scratch` has the stage's
  ///   scratch count.
  func filter(
    _ stage: ResamplingStage, _ samples: [Float], windowAt start: Int, first: Int, count: Int,
    into output: inout MutableSpan<Float>, scratch: inout [Float]
  ) {
    guard count > 0 else { return }
    precondition(output.count >= count)
    let input = samples.span.extracting(start...)
    switch stage {
    case .polyphase(let filter):
      let skip = first.flooredRemainder(filter.unitOutputCount)
      precondition(filter.ratio.inputs == 3 || filter.ratio.inputs << filter.splitDepth <= 8)
      precondition(
        inputCount(of: filter, skip: skip, count: count) <= input.count && scratchCount(of: stage) <= scratch.count)
      unsafe filter.withTable { filter in
        unsafe input.withUnsafeBufferPointer { input in
          unsafe output.withUnsafeMutableBufferPointer { output in
            unsafe scratch.withUnsafeMutableBufferPointer { scratch in
              guard let source = input.baseAddress, let target = output.baseAddress, let rest = scratch.baseAddress
              else { return }
              unsafe table.pointee.filter_polyphase(&filter, source, skip, count, target, rest)
            }
          }
        }
      }
    case .grouped(let bank):
      let skip = first.flooredRemainder(bank.groupSize)
      let groupInCycle = first.flooredQuotient(bank.groupSize).flooredRemainder(bank.groupOffsets.count)
      // The last group reads furthest: offsets grow with the group number within a cycle and from cycle to cycle.
      let last = groupInCycle + (skip + count - 1) / bank.groupSize
      precondition(bank.inputEnd(ofGroup: last) - Int(bank.groupOffsets[groupInCycle]) <= input.count)
      unsafe bank.withTable { bank in
        unsafe input.withUnsafeBufferPointer { input in
          unsafe output.withUnsafeMutableBufferPointer { output in
            guard let source = input.baseAddress, let target = output.baseAddress else { return }
            unsafe table.pointee.filter_group_bank(&bank, source, groupInCycle, skip, count, target)
          }
        }
      }
    case .interpolated(let bank):
      let phase = bank.ratio.phase(ofOutput: first)
      precondition(bank.inputEnd(ofOutput: count - 1, fromPhase: phase) <= input.count)
      unsafe bank.withTable { bank in
        unsafe input.withUnsafeBufferPointer { input in
          unsafe output.withUnsafeMutableBufferPointer { output in
            guard let source = input.baseAddress, let target = output.baseAddress else { return }
            unsafe table.pointee.filter_interpolated_bank(&bank, source, UInt64(phase), count, target)
          }
        }
      }
    }
  }

  /// Computes outputs into `output` at `place`.
  func filter(
    _ stage: ResamplingStage, _ samples: [Float], windowAt start: Int, first: Int, count: Int,
    into output: inout [Float],
    at place: Int, scratch: inout [Float]
  ) {
    var all = output.mutableSpan
    var target = all._mutatingExtracting(place...)
    filter(stage, samples, windowAt: start, first: first, count: count, into: &target, scratch: &scratch)
  }

  /// Moves samples within an array; the places may overlap.
  static func move(_ samples: inout [Float], from source: Int, to target: Int, count: Int) {
    precondition(source >= 0 && target >= 0 && count >= 0)
    precondition(source + count <= samples.count && target + count <= samples.count)
    unsafe samples.withUnsafeMutableBufferPointer { samples in
      guard let base = samples.baseAddress else { return }
      unsafe (base + target).update(from: base + source, count: count)
    }
  }

  // MARK: Networks

  /// The samples that ``powerSpectrum(_:window:scale:into:)`` takes, and the powers that it gives.
  package static let spectrumInputCount = Int(AK_SPECTRUM_INPUT)
  package static let spectrumOutputCount = Int(AK_SPECTRUM_OUTPUT)

  /// The squared magnitudes, times `scale`, of the Fourier transform of 512 samples times as many weights: 257 of them.
  package func powerSpectrum(
    _ samples: Span<Float>, window: Span<Float>, scale: Float, into power: inout MutableSpan<Float>
  ) {
    precondition(samples.count == Self.spectrumInputCount && window.count == Self.spectrumInputCount)
    precondition(power.count >= Self.spectrumOutputCount)
    unsafe samples.withUnsafeBufferPointer { samples in
      unsafe window.withUnsafeBufferPointer { window in
        unsafe power.withUnsafeMutableBufferPointer { power in
          guard let source = samples.baseAddress, let weights = window.baseAddress, let target = power.baseAddress
          else { return }
          unsafe table.pointee.power_spectrum(source, weights, scale, target)
        }
      }
    }
  }

  /// Applies a layer to `count` frames of the input, `stride` apart; the outputs of a frame are `outputStride` behind
  /// those of the one before it. Frames may overlap in the input, but not in the output.
  ///
  /// A frame's outputs do not depend on the others, to the last bit.
  package func apply(
    _ layer: borrowing DenseLayer, to input: Span<Float>, stride: Int = 0, count: Int = 1,
    into output: inout MutableSpan<Float>, outputStride: Int? = nil
  ) {
    guard count > 0, layer.rowCount > 0 else { return }
    let outputStride = outputStride ?? layer.rowCount
    precondition(stride >= 0 && outputStride >= layer.rowCount)
    let (inputReach, isInputTooLong) = (count - 1).multipliedReportingOverflow(by: stride)
    let (outputReach, isOutputTooLong) = (count - 1).multipliedReportingOverflow(by: outputStride)
    precondition(!isInputTooLong && input.count - layer.columnCount >= inputReach)
    precondition(!isOutputTooLong && output.count - layer.rowCount >= outputReach)
    unsafe layer.withTable { layer in
      unsafe input.withUnsafeBufferPointer { input in
        unsafe output.withUnsafeMutableBufferPointer { output in
          guard let source = input.baseAddress, let target = output.baseAddress else { return }
          unsafe table.pointee.apply_layer(&layer, source, stride, count, target, outputStride)
        }
      }
    }
  }

  /// The logarithms to the base 2 of the input plus `offset`, sums that are finite and not less than 2^-126.
  package func log2(_ input: Span<Float>, plus offset: Float, into output: inout MutableSpan<Float>) {
    precondition(output.count >= input.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        unsafe table.pointee.log2_above(source, offset, target, input.count)
      }
    }
  }

  /// As ``log2(_:plus:into:)``, in place.
  package func log2(of values: inout MutableSpan<Float>, plus offset: Float) {
    unsafe values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return }
      unsafe table.pointee.log2_above(base, offset, base, values.count)
    }
  }

  package func squareRoot(_ input: Span<Float>, into output: inout MutableSpan<Float>) {
    precondition(output.count >= input.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        unsafe table.pointee.square_root(source, target, input.count)
      }
    }
  }

  /// As ``squareRoot(_:into:)``, in place.
  package func squareRoot(of values: inout MutableSpan<Float>) {
    unsafe values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return }
      unsafe table.pointee.square_root(base, base, values.count)
    }
  }

  /// One step of a gated recurrent unit, from what its layers made of the input and of the state: reset, update and
  /// new, each as long as the state.
  package func gruStep(inputGates: Span<Float>, stateGates: Span<Float>, state: inout MutableSpan<Float>) {
    precondition(inputGates.count / 3 >= state.count && stateGates.count / 3 >= state.count)
    unsafe inputGates.withUnsafeBufferPointer { inputGates in
      unsafe stateGates.withUnsafeBufferPointer { stateGates in
        unsafe state.withUnsafeMutableBufferPointer { state in
          guard let first = inputGates.baseAddress, let second = stateGates.baseAddress, let target = state.baseAddress
          else { return }
          unsafe table.pointee.gru_step(first, second, target, state.count)
        }
      }
    }
  }

  /// Moves `smoothed` towards `level` by `rate` of the way, lowers `minimum` to it where it is less, and writes how far
  /// `level` is above the lesser of `minimum` and `others`.
  package func trackFloor(
    _ level: Span<Float>, rate: Float, smoothed: inout MutableSpan<Float>, minimum: inout MutableSpan<Float>,
    others: Span<Float>, above: inout MutableSpan<Float>
  ) {
    let count = level.count
    precondition(smoothed.count >= count && minimum.count >= count && others.count >= count && above.count >= count)
    unsafe level.withUnsafeBufferPointer { level in
      unsafe others.withUnsafeBufferPointer { others in
        unsafe smoothed.withUnsafeMutableBufferPointer { smoothed in
          unsafe minimum.withUnsafeMutableBufferPointer { minimum in
            unsafe above.withUnsafeMutableBufferPointer { above in
              guard let level = level.baseAddress, let others = others.baseAddress,
                let smoothed = smoothed.baseAddress, let minimum = minimum.baseAddress, let above = above.baseAddress
              else { return }
              unsafe table.pointee.track_floor(level, rate, smoothed, minimum, others, above, count)
            }
          }
        }
      }
    }
  }

  /// The greatest value and its first index: minus infinity and 0 where nothing is above minus infinity. What is not a
  /// number is passed over.
  package func peak(_ input: Span<Float>) -> (index: Int, value: Float) {
    var value = -Float.infinity
    let index = unsafe input.withUnsafeBufferPointer { input in
      guard let source = input.baseAddress else { return 0 }
      return unsafe table.pointee.peak(source, input.count, &value)
    }
    return (index, value)
  }
}

extension RawSpan {
  /// - Precondition: `offset` is inside of the span.
  func byte(at offset: Int) -> UInt8 {
    // unsafeLoad checks its bounds; it is unsafe for types that have invalid bit patterns, and UInt8 has none.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }
}

extension PolyphaseFilter {
  fileprivate func withTable(_ body: (inout ak_polyphase_filter) -> Void) {
    unsafe coefficients.withUnsafeBufferPointer { coefficients in
      unsafe runs.withUnsafeBufferPointer { runs in
        var table = unsafe ak_polyphase_filter(
          coefficients: coefficients.baseAddress, runs: runs.baseAddress, output_phase_count: ratio.outputs,
          input_phase_count: ratio.inputs, split_depth: splitDepth, leaf_tap_count: leafTapCount,
          block_cycle_count: blockCycleCount)
        unsafe body(&table)
      }
    }
  }
}

extension GroupedFilterBank {
  fileprivate func withTable(_ body: (inout ak_group_bank) -> Void) {
    unsafe coefficients.withUnsafeBufferPointer { coefficients in
      unsafe groupOffsets.withUnsafeBufferPointer { offsets in
        var table = unsafe ak_group_bank(
          coefficients: coefficients.baseAddress, group_offsets: offsets.baseAddress,
          cycle_group_count: groupOffsets.count, cycle_input_count: cycleInputCount, tap_count: tapCount)
        unsafe body(&table)
      }
    }
  }
}

extension InterpolatedFilterBank {
  fileprivate func withTable(_ body: (inout ak_interpolated_bank) -> Void) {
    unsafe coefficients.withUnsafeBufferPointer { coefficients in
      var table = unsafe ak_interpolated_bank(
        coefficients: coefficients.baseAddress, row_count: UInt64(Self.rowCount), phase_count: UInt64(ratio.outputs),
        input_advance: UInt64(ratio.inputs), tap_count: tapCount)
      unsafe body(&table)
    }
  }
}
