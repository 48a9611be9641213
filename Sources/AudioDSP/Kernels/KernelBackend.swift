import CAudioKernels

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#endif

/// A set of instructions for which the kernels are written.
///
/// The scalar backend is the specification of all others. One is chosen once, when the first kernel is needed: the one
/// that the environment variable `UTTER_BACKEND` names, else the fastest that the processor has.
package enum KernelBackend: String, CaseIterable, Sendable {
  case scalar, sse2, avx2, avx512, neon

  /// From the slowest to the fastest.
  package static var available: [KernelBackend] { allCases.filter(\.isAvailable) }

  package var isAvailable: Bool { unsafe ak_kernels_for(identifier) != nil }

  /// The backend that `UTTER_BACKEND` asks for, else the fastest.
  ///
  /// - Throws: ``KernelBackendError`` when the variable names no backend, or one that this processor lacks.
  package static func selected() throws(KernelBackendError) -> KernelBackend {
    try selected(byName: unsafe getenv("UTTER_BACKEND").map { unsafe String(cString: $0) })
  }

  /// The backend of that name, or the fastest for none.
  ///
  /// - Throws: ``KernelBackendError`` when it names no backend, or one that this processor lacks.
  package static func selected(byName name: String?) throws(KernelBackendError) -> KernelBackend {
    guard let name, !name.isEmpty else { return available.last ?? .scalar }
    guard let backend = KernelBackend(rawValue: name), backend.isAvailable else {
      throw KernelBackendError(name: name)
    }
    return backend
  }

  var identifier: ak_backend {
    switch self {
    case .scalar: AK_BACKEND_SCALAR
    case .sse2: AK_BACKEND_SSE2
    case .avx2: AK_BACKEND_AVX2
    case .avx512: AK_BACKEND_AVX512
    case .neon: AK_BACKEND_NEON
    }
  }
}

/// A backend was asked for that is not there.
package struct KernelBackendError: Error, Equatable, CustomStringConvertible {
  package var name: String

  package var description: String {
    "no backend '\(name)' on this processor; there is \(KernelBackend.available.map(\.rawValue).joined(separator: ", "))"
  }
}
