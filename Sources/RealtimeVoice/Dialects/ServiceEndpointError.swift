/// Why there is no such place of a service. Nothing of a URL's text is repeated, which may hold secrets, but its
/// scheme.
public enum ServiceEndpointError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The URL has no scheme, or another than `ws`, `wss`, `http` and `https`.
  case badScheme(String?)
  case noHost
  /// The host has characters that no host has. Names of other scripts have to be given in their form of ASCII.
  case badHost
  /// The port is not a number from 1 to 65535.
  case badPort
  /// The URL holds a name or password, which would be shown wherever URLs are.
  case userInfo
  /// The URL holds `#`, which WebSockets do not have (RFC 6455, section 3).
  case fragment
  /// The URL, path or query holds control characters.
  case controlCharacter
  /// The path holds `?`, which starts a query: that is a setting of its own.
  case queryInPath
  /// ElevenLabs has no conversation without an agent.
  case noAgent
  case badHeaderName
  /// The value holds control characters, or others than ASCII's.
  case badHeaderValue(name: String)
  /// The header is the transport's own.
  case reservedHeader(name: String)
  case emptyCredential

  public var description: String {
    switch self {
    case .badScheme(let scheme?):
      "the URL's scheme '\(ServerEventDecoder.bounded(scheme))' is none of wss, ws, https and http"
    case .badScheme(nil): "the URL does not start with wss://, ws://, https:// or http://"
    case .noHost: "the URL has no host"
    case .badHost: "the URL's host has characters that no host has"
    case .badPort: "the URL's port is not a number from 1 to 65535"
    case .userInfo: "the URL holds a user's name or password; secrets belong into a header"
    case .fragment: "the URL holds a '#', which WebSockets do not have"
    case .controlCharacter: "the URL holds a control character"
    case .queryInPath: "the path holds a '?'; the query is a setting of its own"
    case .noAgent: "ElevenLabs needs the identifier of an agent"
    case .badHeaderName: "a header's name is empty or has characters that none has"
    case .badHeaderValue(let name): "the value of the header '\(name)' holds control characters, or others than ASCII's"
    case .reservedHeader(let name): "the header '\(name)' is written by the transport"
    case .emptyCredential: "the key is empty"
    }
  }
}
