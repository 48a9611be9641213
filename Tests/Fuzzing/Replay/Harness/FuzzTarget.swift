/// A part of the package that is given arbitrary bytes, and what must hold of it whatever they are.
///
/// The fuzzer and the tests that replay its corpus call the same functions.
enum FuzzTarget: String, CaseIterable {
  /// Files and streams, through the decoders.
  case readers
  /// The package's own parsers of headers and pages, without a decoder.
  case headers
  /// What ffmpeg writes to standard error.
  case messages
  case base64
  /// Events of all dialects.
  case events
  /// What services send in all dialects, and URLs of services.
  case services
  /// The manifest that `utter split` goes on from.
  case manifest
  /// What is read from the command line: raw formats and numbers of bytes.
  case arguments
  /// Label formats, read back.
  case labels

  /// Runs the target on an input.
  ///
  /// - Parameter isAlone: Whether nothing else in the process opens descriptors: then it is checked that none stays open.
  /// - Throws: ``FuzzFinding``.
  func run(_ input: [UInt8], isAlone: Bool = false) throws {
    switch self {
    case .readers: try Self.checkReaders(input, isAlone: isAlone)
    case .headers: try Self.checkHeaders(input)
    case .messages: try Self.checkMessages(input)
    case .base64: try Self.checkBase64(input)
    case .events: try Self.checkEvents(input)
    case .services: try Self.checkServices(input)
    case .manifest: try Self.checkManifest(input)
    case .arguments: try Self.checkArguments(input)
    case .labels: try Self.checkLabels(input)
    }
  }
}

/// What must hold and does not.
struct FuzzFinding: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }
}

func require(_ condition: Bool, _ finding: @autoclosure () -> String) throws {
  if !condition { throw FuzzFinding(finding()) }
}

/// Checks that a message is one line with something in it.
func requireOneLine(_ error: some CustomStringConvertible) throws {
  let text = error.description
  let breaks = text.unicodeScalars.contains {
    $0.properties.generalCategory == .control || $0 == "\u{2028}" || $0 == "\u{2029}"
  }
  try require(!text.allSatisfy(\.isWhitespace) && !breaks, "no message of one line: \(text.debugDescription)")
}
