import CAudioKernels

/// A second-order section: `y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]`.
typealias FilterSection = ak_section

/// A recursive filter in second-order sections, one after the other, in double precision.
///
/// However the stream is cut into calls, what comes out is the same, bit for bit. Samples that are not finite are taken
/// as 0. In silence the output becomes exactly 0, without subnormal numbers on the way. Nothing allocates after `init`.
struct SectionCascade: ~Copyable, Sendable {
  let sections: [FilterSection]
  private(set) var memory: [ak_section_memory]
  /// How many samples have come.
  private(set) var position = 0

  init(_ sections: [FilterSection]) {
    self.sections = sections
    memory = [ak_section_memory](repeating: ak_section_memory(), count: sections.count)
  }

  mutating func process(_ samples: inout MutableSpan<Float>) {
    precondition(memory.count == sections.count)
    unsafe sections.withUnsafeBufferPointer { sections in
      unsafe memory.withUnsafeMutableBufferPointer { memory in
        unsafe samples.withUnsafeMutableBufferPointer { samples in
          guard let coefficients = sections.baseAddress, let state = memory.baseAddress, let base = samples.baseAddress
          else { return }
          unsafe ak_filter_sections(coefficients, sections.count, state, position, base, samples.count)
        }
      }
    }
    position += samples.count
  }

  mutating func reset() {
    for i in 0..<memory.count { memory[i] = ak_section_memory() }
    position = 0
  }

  /// Takes one sample through a section that stands alone, `section` in place of the present one.
  mutating func process(_ sample: Float, through section: FilterSection) -> Float {
    precondition(memory.count == 1)
    var result = sample
    unsafe withUnsafePointer(to: section) { section in
      unsafe memory.withUnsafeMutableBufferPointer { memory in
        guard let state = memory.baseAddress else { return }
        unsafe ak_filter_sections(section, 1, state, position, &result, 1)
      }
    }
    position += 1
    return result
  }
}

/// How many numbers of what a cascade remembers are subnormal: none ever should be.
extension SectionCascade {
  var subnormalCount: Int {
    var count = 0
    for i in 0..<memory.count {
      for value in [memory[i].x1, memory[i].x2, memory[i].y1, memory[i].y2] where value.isSubnormal { count += 1 }
    }
    return count
  }
}
