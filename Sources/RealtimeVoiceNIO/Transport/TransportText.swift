/// Text from the network, made fit for one line of a log or an error.
enum TransportText {
  /// Control characters and line breaks become single spaces, runs of blanks one; cut to `limit` bytes with "…".
  static func printable(_ text: String, limit: Int) -> String {
    var result = ""
    var isAfterBlank = true
    for scalar in text.unicodeScalars {
      let category = scalar.properties.generalCategory
      let isHidden =
        category == .control || category == .format || category == .lineSeparator || category == .paragraphSeparator
        || category == .surrogate || category == .unassigned || category == .privateUse
      let isBlank = isHidden || category == .spaceSeparator
      if isBlank && isAfterBlank { continue }
      let next: Unicode.Scalar = isBlank ? " " : scalar
      if result.utf8.count + UTF8.width(next) > limit {
        result.unicodeScalars.append("…")
        return result
      }
      result.unicodeScalars.append(next)
      isAfterBlank = isBlank
    }
    if result.hasSuffix(" ") { result.removeLast() }
    return result
  }
}
