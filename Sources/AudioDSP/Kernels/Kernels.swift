import CAudioKernels

typealias FrameSums = ak_frame_sums

/// The kernels of one backend, with their bounds checked.
///
/// This is the only place where AudioDSP leaves the language's memory safety: each function takes spans, checks that the
/// counts which the C code relies on hold, and hands whole blocks down. The checks are preconditions, because the callers
/// inside this module have validated their input; they stay on in release builds.
@safe
struct Kernels: Sendable {
  // Points to a constant table in static storage.
  private nonisolated(unsafe) let table: UnsafePointer<ak_kernels>

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
  init(_ backend: KernelBackend) {
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

  /// Computes `groupCount` groups of outputs from `firstGroup` of a cycle, whose window starts at `input[0]`.
  func resample(
    _ bank: GroupedFilterBank, _ input: Span<Float>, firstGroup: Int, groupCount: Int,
    into output: inout MutableSpan<Float>
  ) {
    guard groupCount > 0 else { return }
    precondition(output.count >= groupCount * GroupedFilterBank.groupSize)
    // The last group reads furthest: offsets grow with the group number within a cycle and from cycle to cycle.
    precondition(
      bank.inputEnd(ofGroup: firstGroup + groupCount - 1) - Int(bank.groupOffsets[firstGroup]) <= input.count)
    unsafe bank.withTable { table in
      unsafe input.withUnsafeBufferPointer { input in
        unsafe output.withUnsafeMutableBufferPointer { output in
          guard let source = input.baseAddress, let target = output.baseAddress else { return }
          unsafe self.table.pointee.resample_groups(&table, source, firstGroup, groupCount, target)
        }
      }
    }
  }

  /// Computes one group and writes some of its outputs.
  func resample(
    _ bank: GroupedFilterBank, _ input: Span<Float>, group: Int, lanes: Range<Int>,
    into output: inout MutableSpan<Float>
  ) {
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: GroupedFilterBank.groupSize) { outputs in
      unsafe outputs.initialize(repeating: 0)
      var all = unsafe MutableSpan(_unsafeElements: outputs)
      resample(bank, input, firstGroup: group, groupCount: 1, into: &all)
      for lane in lanes { output[lane - lanes.lowerBound] = all[lane] }
    }
  }

  /// Computes `count` outputs, the first at `phase` with its window at `input[0]`.
  func resample(
    _ bank: CubicFilterBank, _ input: Span<Float>, phase: Int, count: Int, into output: inout MutableSpan<Float>
  ) {
    guard count > 0 else { return }
    precondition(output.count >= count)
    precondition(bank.inputEnd(ofOutput: count - 1, fromPhase: phase) <= input.count)
    unsafe bank.withTable { table in
      unsafe input.withUnsafeBufferPointer { input in
        unsafe output.withUnsafeMutableBufferPointer { output in
          guard let source = input.baseAddress, let target = output.baseAddress else { return }
          unsafe self.table.pointee.resample_cubic(&table, source, UInt64(phase), count, target)
        }
      }
    }
  }
}

extension RawSpan {
  /// - Precondition: `offset` is inside of the span.
  func byte(at offset: Int) -> UInt8 {
    // unsafeLoad checks its bounds; it is unsafe for types that have invalid bit patterns, and UInt8 has none.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
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

extension CubicFilterBank {
  fileprivate func withTable(_ body: (inout ak_cubic_bank) -> Void) {
    unsafe coefficients.withUnsafeBufferPointer { coefficients in
      var table = unsafe ak_cubic_bank(
        coefficients: coefficients.baseAddress, row_count: UInt64(rowCount), phase_count: UInt64(ratio.outputs),
        input_advance: UInt64(ratio.inputs), tap_count: tapCount)
      unsafe body(&table)
    }
  }
}
