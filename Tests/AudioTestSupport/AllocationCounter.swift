import CAllocationCounter

/// Counts calls to the C library's allocation functions on the calling thread.
///
/// Counts on glibc without sanitizers; ``isAvailable`` tells. A test that relies on a count of 0 stands beside one that
/// sees ``probe(_:)`` counted.
public enum AllocationCounter {
  /// The functions that are counted.
  public enum Function: String, CaseIterable, Sendable {
    case malloc, calloc, realloc, alignedAlloc, posixMemalign, memalign
  }

  /// Whether this build counts at all. Where it does not, every count is 0 and proves nothing.
  public static var isAvailable: Bool { allocation_counter_is_available() }

  /// How many allocations the second of two runs of `body` makes. The first one warms up what is made on first use.
  public static func count<E: Error>(_ body: () throws(E) -> Void) throws(E) -> Int {
    try body()
    return try countOnce(body)
  }

  /// How many allocations one run of `body` makes.
  public static func countOnce<E: Error>(_ body: () throws(E) -> Void) throws(E) -> Int {
    allocation_counter_start()
    do {
      try body()
    } catch {
      _ = allocation_counter_stop()
      throw error
    }
    return Int(allocation_counter_stop())
  }

  /// The most bytes that one run of `body` holds at once of what it allocates.
  public static func mostBytes<E: Error>(_ body: () throws(E) -> Void) throws(E) -> Int {
    _ = try countOnce(body)
    return Int(allocation_counter_most_bytes())
  }

  /// Calls an allocation function once, where no optimiser removes it.
  public static func probe(_ function: Function) {
    switch function {
    case .malloc: allocation_counter_probe(ALLOCATION_MALLOC)
    case .calloc: allocation_counter_probe(ALLOCATION_CALLOC)
    case .realloc: allocation_counter_probe(ALLOCATION_REALLOC)
    case .alignedAlloc: allocation_counter_probe(ALLOCATION_ALIGNED_ALLOC)
    case .posixMemalign: allocation_counter_probe(ALLOCATION_POSIX_MEMALIGN)
    case .memalign: allocation_counter_probe(ALLOCATION_MEMALIGN)
    }
  }
}
