/// Why a chat completion cannot be asked for, or gave none.
public enum ChatCompletionError: Error, Hashable, CustomStringConvertible {
  /// The body would be longer than ``ChatCompletionRequest/maximumByteCount``.
  case tooLong(byteCount: Int)
  /// There is no message.
  case noMessages
  /// A recording without a sample.
  case emptyAudio
  /// The service's own complaint.
  case service(ServiceError)
  /// What came is not an answer; the field that is wrong.
  case malformed(String)
  /// The audio of an answer is not of the format that was asked for.
  case badAudio(String)

  public var description: String {
    switch self {
    case .tooLong(let count):
      "the request has \(count) bytes; at most \(ChatCompletionRequest.maximumByteCount) are sent"
    case .noMessages: "the request has no message"
    case .emptyAudio: "the request has a recording without audio"
    case .service(let error): error.description
    case .malformed(let what): "the service's answer is wrong: \(what)"
    case .badAudio(let what): "the answer's audio is wrong: \(what)"
    }
  }
}
