#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Something that a model may ask for: a closure with a name, and a schema of what it takes.
public struct Tool: Sendable {
  /// What the service is told.
  public let description: ToolDescription
  /// How long the session waits for a result. The session keeps it; ``call(arguments:)`` does not look at it.
  public let timeLimit: Duration
  private let body: @Sendable (String) async -> ToolResult

  /// - Parameters:
  ///   - parameters: What the tool takes: an object.
  ///   - timeLimit: 10 s, about as long as a caller waits in silence.
  ///   - body: Takes the arguments as they decode from JSON. A `String` that it returns is handed on as it is, other
  ///     values as JSON.
  /// - Throws: ``ToolError`` when the name or the parameters are not what services take.
  public init<Arguments: Decodable & Sendable, Output: Encodable & Sendable>(
    _ name: String, description: String, parameters: JSONSchema, timeLimit: Duration = .seconds(10),
    _ body: @escaping @Sendable (Arguments) async throws -> Output
  ) throws(ToolError) {
    guard Self.isValid(name: name) else { throw .invalidName(name) }
    let json = parameters.json
    guard (try? JSONDecoder().decode(AnyObject.self, from: Data(json.utf8))) != nil else {
      throw .invalidParameters(tool: name)
    }
    self.description = ToolDescription(name: name, description: description, parameters: json)
    self.timeLimit = timeLimit
    self.body = { text in
      let arguments: Arguments
      do {
        // A tool without parameters is called with nothing at all by some services.
        let json = text.isEmpty ? "{}" : text
        arguments = try JSONDecoder().decode(Arguments.self, from: Data(json.utf8))
      } catch {
        return ToolResult(output: Self.sentence(about: error, tool: name), isError: true)
      }
      let output: Output
      do {
        output = try await body(arguments)
      } catch {
        return ToolResult(output: "\(error)", isError: true)
      }
      if let text = output as? String { return ToolResult(output: text) }
      do {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ToolResult(output: String(decoding: try encoder.encode(output), as: UTF8.self))
      } catch {
        return ToolResult(output: "What \(name) returned cannot be written as JSON.", isError: true)
      }
    }
  }

  /// Calls the tool with a JSON object. Never throws: what goes wrong is told to the model in one sentence.
  public func call(arguments: String) async -> ToolResult { await body(arguments) }

  private static func isValid(name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  private static func sentence(about error: any Error, tool: String) -> String {
    func place(_ path: [any CodingKey], _ last: (any CodingKey)? = nil) -> String {
      let keys = path + (last.map { [$0] } ?? [])
      return keys.reduce(into: "") { text, key in
        if let index = key.intValue {
          text += "[\(index)]"
        } else {
          text += (text.isEmpty ? "" : ".") + key.stringValue
        }
      }
    }
    func at(_ path: [any CodingKey]) -> String { path.isEmpty ? "The arguments of \(tool) are" : "\(place(path)) is" }
    switch error as? DecodingError {
    case .keyNotFound(let key, let context): return "\(place(context.codingPath, key)) is missing."
    case .valueNotFound(_, let context): return "\(at(context.codingPath)) null."
    case .typeMismatch(_, let context): return "\(at(context.codingPath)) of a wrong type."
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "\(at(context.codingPath)) not a value that \(tool) takes."
    default: return "The arguments of \(tool) are not JSON."
    }
  }

  /// Any JSON object.
  private struct AnyObject: Decodable {
    private enum Key: CodingKey {}
    init(from decoder: any Decoder) throws { _ = try decoder.container(keyedBy: Key.self) }
  }
}

/// What a call of a tool gave.
public struct ToolResult: Hashable, Sendable {
  public var output: String
  /// Whether ``output`` says what went wrong.
  public var isError: Bool

  public init(output: String, isError: Bool = false) {
    self.output = output
    self.isError = isError
  }
}
