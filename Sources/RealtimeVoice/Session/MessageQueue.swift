/// Messages that wait to be sent, in order.
struct MessageQueue: Sendable {
  /// More than these wait only where the connection takes nothing: an answer's end makes a few.
  static let limit = 4_096
  /// Twice the longest message, and more than that.
  static let byteLimit = 64 << 20

  private var messages: [[UInt8]] = []
  private var head = 0
  private var byteCount = 0
  /// Whether more came than is taken; what came then is lost.
  private(set) var isOverfull = false

  var isEmpty: Bool { head == messages.count }

  mutating func append(_ message: [UInt8]) {
    guard messages.count - head < Self.limit, byteCount + message.count <= Self.byteLimit else {
      isOverfull = true
      return
    }
    if head >= 256 {
      messages.removeFirst(head)
      head = 0
    }
    messages.append(message)
    byteCount += message.count
  }

  mutating func next() -> [UInt8]? {
    guard head < messages.count else { return nil }
    let message = messages[head]
    messages[head] = []
    byteCount -= message.count
    head += 1
    if head == messages.count {
      messages.removeAll(keepingCapacity: true)
      head = 0
    }
    return message
  }

  mutating func removeAll() { self = MessageQueue() }
}
