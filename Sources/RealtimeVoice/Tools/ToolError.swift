/// Why a tool cannot be offered to a service.
public enum ToolError: Error, Hashable, CustomStringConvertible {
  /// Services take 1 to 64 letters and digits of ASCII, `_` and `-`.
  case invalidName(String)
  /// The parameters are not a JSON object.
  case invalidParameters(tool: String)
  /// There is another tool of this name.
  case duplicateName(String)

  public var description: String {
    switch self {
    case .invalidName(let name): "a tool's name has 1 to 64 of a-z, A-Z, 0-9, _ and -; \"\(name)\" does not do"
    case .invalidParameters(let tool): "the parameters of the tool \(tool) are not a JSON object"
    case .duplicateName(let name): "there are two tools named \(name)"
    }
  }
}
