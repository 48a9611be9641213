#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#endif

/// The monotonic clock, read as cheaply as the system allows: without `Duration`, whose 128-bit arithmetic costs as
/// much as the read.
public enum NanosecondClock {
  /// Nanoseconds since some instant. Does not allocate.
  public static func now() -> UInt64 {
    #if canImport(Darwin)
      return clock_gettime_nsec_np(CLOCK_UPTIME_RAW)
    #else
      var time = timespec()
      // Cannot fail: the clock exists wherever Swift runs, and the address is good.
      _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
      return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    #endif
  }

  /// What one read costs, in nanoseconds: the median distance of neighbouring reads. Every figure that is taken between
  /// two reads contains one such distance.
  public static func readCost() -> Double {
    let batchCount = 101
    let readsPerBatch = 1_000
    var costs: [Double] = []
    for _ in 0..<batchCount {
      let begin = now()
      var end = begin
      for _ in 0..<readsPerBatch { end = now() }
      costs.append(Double(end - begin) / Double(readsPerBatch))
    }
    costs.sort()
    return costs[batchCount / 2]
  }
}
