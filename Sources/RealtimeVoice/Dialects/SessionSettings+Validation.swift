/// Why settings cannot be sent to any service.
public enum SessionSettingsError: Error, Hashable, Sendable, CustomStringConvertible {
  /// ``SessionSettings/extra`` is no JSON object.
  case extraIsNoObject
  /// A tool's ``ToolDescription/parameters`` are no JSON object.
  case parametersAreNoObject(tool: String)
  /// A tool's name is not of 1 to 64 letters, digits, `_` and `-` of ASCII, which all services take.
  case badToolName(String)
  /// Two tools have this name.
  case repeatedToolName(String)
  /// A number is outside of what it can be. Services have closer limits of their own, and tell them.
  case outOfRange(setting: String)

  public var description: String {
    switch self {
    case .extraIsNoObject: "the extra settings are not a JSON object"
    case .parametersAreNoObject(let tool): "the parameters of the tool '\(tool)' are not a JSON object"
    case .badToolName(let name):
      "'\(ServerEventDecoder.bounded(name))' is no name of a tool: it takes 1 to 64 letters, digits, '_' and '-'"
    case .repeatedToolName(let name): "there are two tools with the name '\(name)'"
    case .outOfRange(let setting): "\(setting) is out of range"
    }
  }
}

extension SessionSettings {
  /// Checks what ``ClientEventEncoder`` relies on, so that a mistake is told before there is a connection.
  public func validate() throws(SessionSettingsError) {
    if let extra, JSONReader.object(extra) == nil { throw .extraIsNoObject }
    var names: Set<String> = []
    for tool in tools {
      guard (1...64).contains(tool.name.utf8.count), tool.name.utf8.allSatisfy(Self.isOfToolName) else {
        throw .badToolName(tool.name)
      }
      guard names.insert(tool.name).inserted else { throw .repeatedToolName(tool.name) }
      if !tool.parameters.isEmpty, JSONReader.object(tool.parameters) == nil {
        throw .parametersAreNoObject(tool: tool.name)
      }
    }
    if let temperature, !(temperature >= 0 && temperature.isFinite) { throw .outOfRange(setting: "the temperature") }
    if let speed, !(speed > 0 && speed.isFinite) { throw .outOfRange(setting: "the speed") }
    if let maximumOutputTokens, maximumOutputTokens < 1 {
      throw .outOfRange(setting: "the maximum of output tokens")
    }
    switch turnDetection {
    case .off: break
    case .silence(let threshold, let prefixPadding, let silence, _, _):
      guard (0...1).contains(threshold) else { throw .outOfRange(setting: "the threshold of turn detection") }
      // Nobody waits for a minute; services take less.
      guard (Duration.zero...Duration.seconds(60)).contains(prefixPadding) else {
        throw .outOfRange(setting: "the prefix padding of turn detection")
      }
      guard (Duration.zero...Duration.seconds(60)).contains(silence) else {
        throw .outOfRange(setting: "the silence of turn detection")
      }
    case .meaning(let eagerness, _, _):
      guard ["low", "medium", "high", "auto"].contains(eagerness) else {
        throw .outOfRange(setting: "the eagerness of turn detection")
      }
    }
  }

  private static func isOfToolName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  /// ``extra`` as an object.
  ///
  /// - Precondition: It is one, or `nil`.
  var extraObject: JSONObject {
    guard let extra else { return [:] }
    guard let object = JSONReader.object(extra) else { preconditionFailure("settings that were not validated") }
    return object
  }
}

extension ToolDescription {
  /// ``parameters`` as an object; for an empty text, those of a tool that takes nothing.
  ///
  /// - Precondition: They are one.
  var parametersObject: JSONObject {
    guard !parameters.isEmpty else { return ["type": "object", "properties": [:]] }
    guard let object = JSONReader.object(parameters) else { preconditionFailure("a tool that was not validated") }
    return object
  }
}

extension Duration {
  /// The whole milliseconds of it, rounded to the nearest.
  var wholeMilliseconds: Int { Int((self / .milliseconds(1)).rounded()) }
}
