/// What a request carried that must not come back in a text: the values of its headers, of its query, and its
/// subprotocols. Servers like to quote the key that they refuse.
struct SentSecrets: Sendable, CustomStringConvertible, CustomReflectable {
  /// Shorter values are words like "v1": replacing them would make a text unreadable and hide nothing.
  static let minimumLength = 6
  /// The part of a secret that may end a text which was cut within it.
  private static let minimumPrefixLength = 4
  /// Query names whose values are what error texts speak of, and no secrets.
  private static let openQueryNames: Set<String> = ["model", "intent", "api-version", "deployment"]

  /// Longest first, so that a secret goes before what is a part of it.
  private let values: [String]

  init(headers: [(name: String, value: String)], target: String, subprotocols: [String] = []) {
    var found: Set<String> = []
    for (_, value) in headers {
      found.insert(value)
      // "Bearer KEY", "name=KEY; other=KEY": the parts too, but for the scheme in front.
      let words = value.split(whereSeparator: { " \t,;".contains($0) })
      for word in words.count > 1 ? words.dropFirst() : words[...] {
        found.insert(String(word))
        if let equals = word.firstIndex(of: "=") { found.insert(String(word[word.index(after: equals)...])) }
      }
      if let first = words.first, words.count > 1, let equals = first.firstIndex(of: "=") {
        found.insert(String(first[first.index(after: equals)...]))
      }
    }
    for value in subprotocols {
      found.insert(value)
      // "openai-insecure-api-key.KEY"
      if let dot = value.firstIndex(of: ".") { found.insert(String(value[value.index(after: dot)...])) }
    }
    if let mark = target.firstIndex(of: "?") {
      for pair in target[target.index(after: mark)...].split(separator: "&") {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, Self.openQueryNames.contains(parts[0].lowercased()) { continue }
        let value = String(parts[parts.count - 1])
        found.insert(value)
        found.insert(Self.percentDecoded(value, plusIsSpace: false))
        found.insert(Self.percentDecoded(value, plusIsSpace: true))
      }
    }
    // As JSON writers may escape a slash.
    for value in found where value.contains("/") {
      found.insert(value.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "\\/"))
    }
    values = found.filter { $0.utf8.count >= Self.minimumLength }.sorted { $0.utf8.count > $1.utf8.count }
  }

  var description: String { "SentSecrets" }
  /// Nothing, so that no dump of what holds this shows them.
  var customMirror: Mirror { Mirror(self, children: [:]) }

  /// The text without the secrets, "…" in the place of each; also where the text ends within one.
  func removed(from text: String) -> String {
    var bytes = Array(text.utf8)
    for value in values { bytes = Self.replacing(Array(value.utf8), in: bytes) }
    for value in values {
      let secret = Array(value.utf8)
      let longest = min(secret.count - 1, bytes.count)
      guard longest >= Self.minimumPrefixLength else { continue }
      for length in stride(from: longest, through: Self.minimumPrefixLength, by: -1)
      where bytes.suffix(length).elementsEqual(secret.prefix(length)) {
        bytes.replaceSubrange((bytes.count - length)..., with: "…".utf8)
        break
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// One line for people: without secrets, printable, at most `limit` bytes.
  func excerpt(_ text: String, limit: Int = 1024) -> String {
    // Again after the blanks are made one: they may have stood within a secret.
    TransportText.printable(
      removed(from: TransportText.printable(removed(from: text), limit: text.utf8.count)), limit: limit)
  }

  private static func replacing(_ secret: [UInt8], in bytes: [UInt8]) -> [UInt8] {
    guard bytes.count >= secret.count else { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let hasRoom = bytes.count - index >= secret.count
      if hasRoom, bytes[index] == secret[0], bytes[index..<(index + secret.count)].elementsEqual(secret) {
        result.append(contentsOf: "…".utf8)
        index += secret.count
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }

  private static func percentDecoded(_ text: String, plusIsSpace: Bool) -> String {
    var result: [UInt8] = []
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.popFirst() {
      if byte == UInt8(ascii: "%"), bytes.count >= 2,
        let value = UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16)
      {
        result.append(value)
        bytes = bytes.dropFirst(2)
      } else {
        result.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
