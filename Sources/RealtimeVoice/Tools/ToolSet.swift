/// The tools of a session, each with its own name.
public struct ToolSet: Sendable {
  private var byName: [String: Tool] = [:]
  /// What the service is told, in the order of the tools.
  public private(set) var descriptions: [ToolDescription] = []

  /// - Throws: ``ToolError/duplicateName(_:)``
  public init(_ tools: [Tool] = []) throws(ToolError) {
    for tool in tools {
      let name = tool.description.name
      guard byName.updateValue(tool, forKey: name) == nil else { throw .duplicateName(name) }
      descriptions.append(tool.description)
    }
  }

  public var isEmpty: Bool { byName.isEmpty }

  public subscript(name: String) -> Tool? { byName[name] }
}
