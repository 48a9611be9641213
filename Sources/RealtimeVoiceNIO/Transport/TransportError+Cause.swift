import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension TransportError.Code {
  /// For what a bootstrap fails with.
  init(connecting error: any Error) {
    guard let failure = error as? NIOConnectionError else {
      if case .some(.connectTimeout) = error as? ChannelError {
        self = .timedOut(.connecting)
      } else {
        self = .unreachable(Self.words(error))
      }
      return
    }
    let errors = failure.connectionErrors.map(\.error)
    let numbers = errors.compactMap { ($0 as? IOError)?.errnoCode }
    let hasTimedOut = errors.contains { if case .some(.connectTimeout) = $0 as? ChannelError { true } else { false } }
    if numbers.contains(ECONNREFUSED) {
      self = .refused
    } else if hasTimedOut || numbers.contains(ETIMEDOUT) {
      self = .timedOut(.connecting)
    } else if let first = errors.first {
      self = .unreachable(Self.words(first))
    } else {
      self = .nameNotResolved
    }
  }

  /// For an error that a pipeline caught.
  init(caught error: any Error, secrets: SentSecrets, certificate: () -> NIOSSLCertificate?) {
    switch error {
    case let error as TransportError: self = error.code
    case let error as TLSFailure: self = .tls(error.words)
    case is SocketGate.TooManyBytes: self = .protocolViolation("the answer has no end")
    case let error as NIOSSLError: self.init(tls: error, certificate: certificate)
    case let error as NIOSSLExtraError where error == .failedToValidateHostname:
      self = .tls("the server's certificate is not for this host name")
    case let error as NIOSSLExtraError: self = .tls(TransportText.printable("\(error)", limit: 256))
    case let error as BoringSSLError: self = .tls(TransportText.printable("\(error)", limit: 256))
    case let error as HTTPParserError:
      self =
        error == .invalidEOFState
        ? .connectionLost("ended within the answer") : .protocolViolation("the answer is not HTTP")
    case is NIOHTTPClientUpgradeError:
      self = .protocolViolation("the upgrade's answer lacks a matching Upgrade or Sec-WebSocket-Accept header")
    case let error as IOError: self = .connectionLost(Self.words(error))
    default: self = .connectionLost(secrets.excerpt("\(type(of: error))", limit: 128))
    }
  }

  private init(tls error: NIOSSLError, certificate: () -> NIOSSLCertificate?) {
    let text = "\(error)"
    switch error {
    case .uncleanShutdown: self = .connectionLost("ended without notice")
    case .handshakeFailed(.sslError(let stack)) where stack.contains(.eofDuringHandshake):
      self = .connectionLost("ended within the TLS handshake")
    case .handshakeFailed where text.contains("CERTIFICATE_VERIFY_FAILED"):
      self = .tls(Self.verdict(on: certificate()))
    case .handshakeFailed where text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST"):
      self = .tls("the server does not speak TLS on this port")
    case .unableToValidateCertificate: self = .tls("the server's certificate could not be checked")
    default: self = .tls(TransportText.printable(text, limit: 256))
    }
  }

  /// Why a certificate that did not pass may have failed: the library does not say, but dates can be seen.
  private static func verdict(on certificate: NIOSSLCertificate?) -> String {
    let now = time(nil)
    if let certificate, certificate.notValidAfter < now { return "the server's certificate has expired" }
    if let certificate, certificate.notValidBefore > now { return "the server's certificate is not valid yet" }
    return "the server's certificate is not from an authority that is trusted here"
  }

  /// The system's words for an error number.
  private static func words(_ error: any Error) -> String {
    guard let error = error as? IOError else { return "\(type(of: error))" }
    return unsafe String(cString: strerror(error.errnoCode))
  }
}
