import AudioDSP
import Foundation
import Testing

/// How a backend is chosen. The tests of each kernel run on every backend that there is.
@Suite struct KernelBackendTests {
  @Test("Scalar is always there; what this processor lacks is said")
  func availability() {
    #expect(KernelBackend.available.contains(.scalar))
    let missing = KernelBackend.allCases.filter { !$0.isAvailable }
    #expect(KernelBackend.available + missing == KernelBackend.allCases.filter(\.isAvailable) + missing)
    func names(_ backends: [KernelBackend]) -> String { backends.map(\.rawValue).joined(separator: ", ") }
    print(
      "Kernel backends tested here: \(names(KernelBackend.available)); "
        + "not tested, because this build or processor lacks them: \(missing.isEmpty ? "none" : names(missing)).")
  }

  @Test("Without a name it is the fastest")
  func fastest() throws {
    #expect(try KernelBackend.selected(byName: nil) == KernelBackend.available.last)
  }

  @Test(arguments: KernelBackend.allCases)
  func byName(backend: KernelBackend) throws {
    if backend.isAvailable {
      #expect(try KernelBackend.selected(byName: backend.rawValue) == backend)
    } else {
      let error = #expect(throws: KernelBackendError.self) {
        try KernelBackend.selected(byName: backend.rawValue)
      }
      #expect(error?.name == backend.rawValue)
    }
  }

  @Test(arguments: [" ", " scalar", "Scalar", "fastest", "avx1024", "скаляр"])
  func unknownName(name: String) {
    let error = #expect(throws: KernelBackendError.self) { try KernelBackend.selected(byName: name) }
    #expect(error?.name == name)
    #expect(error?.description.contains("'\(name)'") == true)
    #expect(error?.description.contains("scalar") == true, "it names what there is")
  }

  #if os(macOS) || os(Linux)
    // The variable is read once, when the first kernel is needed: each case needs a process of its own.

    @Test("UTTER_BACKEND that names no backend stops the program at the first kernel")
    func variableThatNamesNone() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        setenv("UTTER_BACKEND", "none-such", 1)
        var output: [Int16] = [0]
        var span = output.mutableSpan
        PCM16.convert([Float(0.5)].span, into: &span)
      }
      let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(message.contains("UTTER_BACKEND: no backend 'none-such'"))
    }

    @Test("UTTER_BACKEND that names a backend is obeyed")
    func variableThatNamesOne() async {
      await #expect(processExitsWith: .success) {
        setenv("UTTER_BACKEND", "scalar", 1)
        var output: [Int16] = [0]
        var span = output.mutableSpan
        PCM16.convert([Float(0.5)].span, into: &span)
        guard try KernelBackend.selected() == .scalar, output == [16384] else { exit(1) }
      }
    }

    @Test("Bounds are checked in release builds too")
    func bounds() async {
      await #expect(processExitsWith: .failure) {
        var output: [Int16] = [0]
        var span = output.mutableSpan
        PCM16.convert([Float(0.5), 0.5].span, into: &span)
      }
      await #expect(processExitsWith: .failure) {
        var output: [UInt8] = [0]
        var span = output.mutableSpan
        G711.aLaw.encode([Int16(1), 2].span, into: &span)
      }
    }
  #endif
}
