/// A secret that lets a client in, such as an API key. Nothing that prints, dumps or reflects shows it.
public struct Credential: Hashable, Sendable {
  package let secret: String

  /// - Parameter secret: Blanks and line ends around it, as files and variables have them, are left out.
  public init(_ secret: String) {
    self.secret = secret.withoutBlanksAround
  }

  public var isEmpty: Bool { secret.isEmpty }
}

extension Credential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "a secret" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

extension String {
  /// Without blanks and line ends of ASCII on both sides.
  fileprivate var withoutBlanksAround: String {
    func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || ("\t"..."\r").contains(scalar) }
    guard let first = unicodeScalars.firstIndex(where: { !isBlank($0) }),
      let last = unicodeScalars.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(unicodeScalars[first...last])
  }
}
