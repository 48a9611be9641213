import Foundation

/// The machine, for whoever reads the figures.
enum Processor {
  /// The processor's name.
  static var name: String {
    #if canImport(Darwin)
      var count = 0
      guard sysctlbyname("machdep.cpu.brand_string", nil, &count, nil, 0) == 0 else { return "unknown processor" }
      var bytes = [UInt8](repeating: 0, count: count)
      guard sysctlbyname("machdep.cpu.brand_string", &bytes, &count, nil, 0) == 0 else { return "unknown processor" }
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    #else
      let name = fields(["model name", "cpu family", "model"])
      guard let model = name["model name"] else { return "unknown processor" }
      // Cloud machines often hide the product; family and model still tell the generation.
      return "\(model), family \(name["cpu family"] ?? "?"), model \(name["model"] ?? "?")"
    #endif
  }

  /// Which of the instruction sets that our kernels are written for the processor has.
  static var instructionSets: [String] {
    #if canImport(Darwin) || arch(arm64)
      return ["neon"]
    #else
      let flags = Set((fields(["flags"])["flags"] ?? "").split(separator: " "))
      return ["sse2", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_vbmi"].filter {
        flags.contains(Substring($0))
      }
    #endif
  }

  #if !canImport(Darwin)
    private static func fields(_ names: Set<String>) -> [String: String] {
      let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
      var found: [String: String] = [:]
      for line in text.split(separator: "\n") {
        guard let colon = line.firstIndex(of: ":") else { continue }
        let name = line[..<colon].trimmingCharacters(in: .whitespaces)
        guard names.contains(name), found[name] == nil else { continue }
        found[name] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      }
      return found
    }
  #endif
}
