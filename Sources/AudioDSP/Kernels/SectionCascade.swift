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
    let x = sample.isFinite ? Double(sample) : 0
    var state = memory[0]
    let y = section.b1 * state.x1 + section.b0 * x - section.a1 * state.y1
    state = ak_section_memory(x1: x, x2: state.x1, y1: y, y2: state.y1)
    memory[0] = state
    position += 1
    return Float(y)
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
