/// Writes a picture as SVG: elements with attributes, nested, everything escaped.
struct SVGWriter {
  /// An attribute's value.
  enum Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    case text(String)
    case number(Double)

    init(stringLiteral text: String) { self = .text(text) }
    init(integerLiteral number: Int) { self = .number(Double(number)) }
    init(floatLiteral number: Double) { self = .number(number) }
  }

  typealias Attributes = KeyValuePairs<String, Value>

  /// What has been written.
  private(set) var text = ""
  private var open: [String] = []

  /// Starts a picture; sizes are in pixels at a scale of one.
  init(width: Double, height: Double) {
    text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    begin(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "width": .number(width), "height": .number(height),
        "viewBox": .text("0 0 \(Self.decimal(width)) \(Self.decimal(height))"), "role": "img",
      ])
  }

  /// Writes an element that holds nothing but text.
  mutating func element(_ name: String, _ attributes: Attributes, _ content: String = "") {
    start(name, attributes)
    text += content.isEmpty ? "/>\n" : ">\(Self.escaped(content))</\(name)>\n"
  }

  /// Starts an element, to be closed by ``end()``.
  mutating func begin(_ name: String, _ attributes: Attributes) {
    start(name, attributes)
    text += ">\n"
    open.append(name)
  }

  /// Ends what was started last.
  mutating func end() {
    text += "</\(open.removeLast())>\n"
  }

  /// Ends everything that is open, the picture too.
  mutating func finish() {
    while !open.isEmpty { end() }
  }

  private mutating func start(_ name: String, _ attributes: Attributes) {
    text += "<\(name)"
    for (key, value) in attributes {
      switch value {
      case .text(let string): text += " \(key)=\"\(Self.escaped(string))\""
      case .number(let number): text += " \(key)=\"\(Self.decimal(number))\""
      }
    }
  }

  /// A path's data that goes through points.
  static func path(_ points: some Collection<(x: Double, y: Double)>, isClosed: Bool = false) -> String {
    var data = ""
    for point in points { data += (data.isEmpty ? "M" : "L") + decimal(point.x) + " " + decimal(point.y) }
    // A stroke of no length has round ends, so that a single point can be seen.
    if points.count == 1 { data += "h0" }
    return isClosed ? data + "Z" : data
  }

  /// A number with two decimals at the most, whatever the locale.
  static func decimal(_ number: Double) -> String {
    // Nothing in a picture is as large; what is too large to be an integer, or no number, would stop the program.
    let hundredths = Int((min(max(number.isFinite ? number : 0, -1e9), 1e9) * 100).rounded())
    let (whole, rest) = abs(hundredths).quotientAndRemainder(dividingBy: 100)
    let sign = hundredths < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    if rest.isMultiple(of: 10) { return "\(sign)\(whole).\(rest / 10)" }
    return "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }

  /// `text` as XML has it in content and in attributes. What XML 1.0 has no way to write becomes U+FFFD.
  static func escaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
      // As references, since a parser makes spaces of them in attributes.
      case "\t", "\n", "\r": result.append(contentsOf: "&#\(scalar.value);".unicodeScalars)
      case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": result.append("\u{FFFD}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
