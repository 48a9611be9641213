/// NIST's formats: fields with blanks between them.
extension LabelledRecording {
  var rttmLines: String {
    let name = name.field
    let label = label.field
    return segments.map { segment in
      let (start, duration) = startAndDuration(of: segment)
      return "SPEAKER \(name) \(channel) \(start) \(duration) <NA> <NA> \(label) <NA> <NA>\n"
    }.joined()
  }

  var ctmLines: String {
    let name = name.field
    let label = label.field
    return segments.map { segment in
      let (start, duration) = startAndDuration(of: segment)
      return "\(name) \(channel) \(start) \(duration) \(label)\n"
    }.joined()
  }

  /// Their sum is the end as any other format rounds it.
  private func startAndDuration(of segment: Range<Int>) -> (start: String, duration: String) {
    let start = place(segment.lowerBound, .microseconds)
    return (start.text, (place(segment.upperBound, .microseconds) - start).text)
  }
}

extension String {
  /// The same as one field: what would end it or be lost in it is written as `%` and two hexadecimal digits for each
  /// byte in UTF-8 (RFC 3986, section 2.1), and so is `%` itself, so that different names stay different. No text at
  /// all is `<NA>`.
  fileprivate var field: String {
    guard !isEmpty else { return "<NA>" }
    var field = ""
    for (i, scalar) in unicodeScalars.enumerated() {
      // A semicolon at the start of a line starts a comment; a mark of byte order at the start of a file is skipped.
      let isLost = scalar == "%" || scalar.isControl || scalar.properties.isWhitespace || scalar == "\u{FEFF}"
      if isLost || (i == 0 && scalar == ";") {
        for byte in UTF8.encode(scalar)! {
          field += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
        }
      } else {
        field.unicodeScalars.append(scalar)
      }
    }
    return field
  }
}
