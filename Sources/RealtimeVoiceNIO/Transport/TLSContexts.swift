import NIOSSL
import Synchronization

/// Contexts of TLS, kept for the process: reading the system's certificates takes milliseconds. Blocks; not for an event
/// loop.
enum TLSContexts {
  private struct Key: Hashable {
    var trustRoots: TransportConfiguration.TLS.TrustRoots
    var additionalTrustRoots: [[UInt8]]
    var shutdownTimeout: Duration
  }

  /// More than one program has use for; the store is emptied where more come.
  private static let capacity = 8
  private static let known = Mutex<[Key: NIOSSLContext]>([:])

  /// - Throws: words for a `TransportError`.
  static func context(for configuration: TransportConfiguration) throws -> NIOSSLContext {
    if case .pemFile(let path) = configuration.tls.trustRoots {
      // Not kept: the file may change.
      guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
        throw TLSFailure(words: "the file of trusted certificates cannot be read or has none")
      }
      return try make(trustRoots: .certificates(certificates), configuration)
    }
    let key = Key(
      trustRoots: configuration.tls.trustRoots, additionalTrustRoots: configuration.tls.additionalTrustRoots,
      shutdownTimeout: configuration.closeTimeout)
    if let context = known.withLock({ $0[key] }) { return context }
    let roots: NIOSSLTrustRoots =
      switch configuration.tls.trustRoots {
      case .pem(let bytes): .certificates(try certificates(bytes))
      default: .default
      }
    let context = try make(trustRoots: roots, configuration)
    known.withLock {
      if $0.count >= capacity { $0.removeAll() }
      $0[key] = context
    }
    return context
  }

  private static func make(
    trustRoots: NIOSSLTrustRoots, _ configuration: TransportConfiguration
  ) throws -> NIOSSLContext {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.certificateVerification = .fullVerification
    tls.minimumTLSVersion = .tlsv12
    tls.applicationProtocols = ["http/1.1"]
    tls.trustRoots = trustRoots
    tls.additionalTrustRoots = try configuration.tls.additionalTrustRoots.map { .certificates(try certificates($0)) }
    tls.shutdownTimeout = .init(limiting: configuration.closeTimeout)
    return try NIOSSLContext(configuration: tls)
  }

  private static func certificates(_ pem: [UInt8]) throws -> [NIOSSLCertificate] {
    do {
      let certificates = try NIOSSLCertificate.fromPEMBytes(pem)
      if !certificates.isEmpty { return certificates }
    } catch {}
    throw TLSFailure(words: "the trusted certificates are not PEM or there is none")
  }
}

/// What failed before or within a handshake, in words.
struct TLSFailure: Error {
  var words: String
}
