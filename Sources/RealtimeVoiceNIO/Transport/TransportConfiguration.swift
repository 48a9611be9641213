import NIOCore

/// Limits of a connection. Every wait has one, and every buffer.
public struct TransportConfiguration: Sendable, Hashable {
  /// Name resolution, TCP, TLS and the upgrade together. 10 s: three retransmissions of a lost SYN (1, 2 and 4 s, RFC
  /// 6298, 2.1 and 5.5) and the rest.
  public var connectTimeout: Duration = .seconds(10)

  /// From the last answer to the next ping. 20 s: below the idle limits of 30 s and more of common proxies.
  public var pingInterval: Duration = .seconds(20)

  /// From a ping's departure; any byte that comes within is a sign of life, since a pong may stand behind a long message.
  public var pongTimeout: Duration = .seconds(20)

  /// For the peer's half of a closing handshake and for the end of TCP after it; also for the body of a refusal.
  /// With TLS the goodbye of that layer may take as long again. ``VoiceClient/close()`` waits as long for tools, too.
  public var closeTimeout: Duration = .seconds(2)

  /// Of one incoming message, in bytes; a longer one closes with 1009. 32 MiB: twice the largest event that a service
  /// of speech is known to take (15 MiB).
  public var maximumMessageSize = 32 << 20

  /// Bytes waiting for the socket above which `isWritable` is false, and below which it is true again. 64 KiB is
  /// one second and more of 24 kHz PCM16 in base64 (64,000 bytes a second).
  public var writeBufferHighWaterMark = 64 << 10
  public var writeBufferLowWaterMark = 32 << 10

  /// Bytes waiting for the socket above which further messages are refused: 1 MiB, 16 s of audio. A message of any size goes
  /// into an empty buffer.
  public var maximumBufferedByteCount = 1 << 20

  /// Of a plain HTTP request, from its start to the last byte of its answer.
  public var requestTimeout: Duration = .seconds(30)

  /// Of the body of an answer to a plain HTTP request, in bytes.
  public var maximumResponseSize = 1 << 20

  public var tls = TLS()

  public init() {}

  /// What makes this unusable, in words; nil where nothing does.
  var defect: String? {
    if !(1...Int(UInt32.max)).contains(maximumMessageSize) { return "the limit of a message is not in 1...4294967295" }
    if maximumResponseSize < 1 { return "the limit of a response is below 1" }
    if writeBufferLowWaterMark < 1 || writeBufferHighWaterMark < writeBufferLowWaterMark {
      return "the water marks of the write buffer are not in order"
    }
    if maximumBufferedByteCount < writeBufferHighWaterMark {
      return "the limit of the write buffer is below its high water mark"
    }
    let waits = [connectTimeout, pingInterval, pongTimeout, closeTimeout, requestTimeout]
    return waits.allSatisfy { $0 > .zero } ? nil : "a wait is not above zero"
  }

  /// Whom to believe. Chain, dates and name of a server's certificate are always checked: there is no switch.
  public struct TLS: Sendable, Hashable {
    public enum TrustRoots: Sendable, Hashable {
      /// What the system trusts.
      case system
      /// The certificates of a PEM file and none else. Read at each connect, off the event loop.
      case pemFile(String)
      /// PEM certificates and none else.
      case pem([UInt8])
    }

    public var trustRoots: TrustRoots = .system

    /// PEM certificates that are trusted besides: those of a private proxy.
    public var additionalTrustRoots: [[UInt8]] = []

    /// The name to ask for and to find in the certificate, in place of the request's host.
    public var serverHostname: String?

    public init() {}
  }
}

extension TimeAmount {
  /// Clamped to a century, so that no deadline overflows.
  init(limiting duration: Duration) {
    let century: Duration = .seconds(3_155_760_000)
    self.init(min(max(duration, .zero), century))
  }
}
