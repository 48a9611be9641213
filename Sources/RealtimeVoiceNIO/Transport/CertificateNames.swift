import NIOSSL

/// Whether a certificate is for a host name, RFC 9525, 6.3: by its alternative names, a wildcard only as a whole first
/// label.
enum CertificateNames {
  /// True also for a certificate without alternative names, which is judged elsewhere.
  static func allow(_ certificate: NIOSSLCertificate, for host: String) -> Bool {
    let names = certificate._subjectAlternativeNames()
    if names.isEmpty { return true }
    return names.contains { name in
      name.nameType == .dnsName && matches(pattern: String(decoding: name.contents, as: UTF8.self), host: host)
    }
  }

  static func matches(pattern: String, host: String) -> Bool {
    let pattern = labels(pattern)
    let host = labels(host)
    guard !host.isEmpty, pattern.count == host.count else { return false }
    // "*.com" would be for all that is sold.
    if pattern[0] == "*", host.count > 2 { return pattern.dropFirst().elementsEqual(host.dropFirst()) }
    return pattern == host
  }

  /// In lower case; a dot at the end is the root's and does not count.
  private static func labels(_ name: String) -> [Substring] {
    var labels = name.lowercased().split(separator: ".", omittingEmptySubsequences: false)[...]
    if labels.last?.isEmpty == true { labels = labels.dropLast() }
    return Array(labels)
  }
}
