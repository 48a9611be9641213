#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The most memory that the process has had so far, in bytes.
public func peakMemoryInBytes() -> Int {
  #if os(Linux)
    // What getrusage says begins with the peak of the process that started this one.
    guard let file = fopen("/proc/self/status", "r") else { fatalError("there is no /proc") }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let fields = text.split(whereSeparator: \.isWhitespace)
      if fields.first == "VmHWM:", fields.count > 1, let kibibytes = Int(fields[1]) { return kibibytes * 1_024 }
    }
    fatalError("the system does not tell a process's peak")
  #else
    var usage = rusage()
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
  #endif
}
