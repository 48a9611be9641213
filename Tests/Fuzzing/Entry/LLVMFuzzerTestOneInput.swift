#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// What libFuzzer calls with each input. `UTTER_FUZZ_TARGET` names the target.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: bytes, count: count))
  do {
    switch choice {
    case .target(let target): try target.run(input, isAlone: true)
    case .canary(let canary): try canary.run(input)
    }
  } catch {
    fatalError("finding: \(error)")
  }
  return 0
}

private let choice = Choice()

private enum Choice {
  case target(FuzzTarget)
  case canary(FuzzCanary)

  init() {
    let name = getenv("UTTER_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    if let target = FuzzTarget(rawValue: name) {
      self = .target(target)
    } else if let canary = FuzzCanary(rawValue: name) {
      self = .canary(canary)
    } else {
      let names = FuzzTarget.allCases.map(\.rawValue) + FuzzCanary.allCases.map(\.rawValue)
      fatalError("UTTER_FUZZ_TARGET must be one of \(names.joined(separator: ", "))")
    }
    // Programs that could be found are not to be started a million times.
    setenv("PATH", "/nonexistent", 1)
  }
}
