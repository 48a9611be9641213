/// What was said so far, for a new connection that goes on with it: the latest words, within a limit.
struct ConversationHistory {
  private struct Entry {
    var itemID: String?
    var message: HistoryMessage
    /// Whether it was interrupted: what the service says of it later was not heard.
    var isCut = false
  }

  /// How many bytes of UTF-8 are kept.
  private let limit: Int
  private var entries: [Entry] = []

  init(limit: Int) {
    self.limit = limit
  }

  /// What was said, in order, without items of which no words are known.
  var messages: [HistoryMessage] { entries.map(\.message).filter { !$0.text.isEmpty } }

  /// Whether the user's words come last: they have no answer yet.
  var endsWithUser: Bool { messages.last?.speaker == .user }

  /// An item is there; its words may follow. A service writes down what the user said while it answers already.
  mutating func reserve(itemID: String?, speaker: TextDelta.Speaker) {
    guard let itemID, index(of: itemID) == nil else { return }
    append(Entry(itemID: itemID, message: HistoryMessage(speaker: speaker, text: "")))
  }

  mutating func note(_ delta: TextDelta) {
    if let itemID = delta.itemID, let place = index(of: itemID) {
      guard !entries[place].isCut else { return }
      if delta.isWhole { entries[place].message.text = delta.text } else { entries[place].message.text += delta.text }
    } else if delta.itemID == nil, !delta.isWhole, let last = entries.indices.last, entries[last].itemID == nil,
      entries[last].message.speaker == delta.speaker
    {
      entries[last].message.text += delta.text
    } else {
      append(Entry(itemID: delta.itemID, message: HistoryMessage(speaker: delta.speaker, text: delta.text)))
    }
    trim()
  }

  /// What a service says that was heard of an item that was interrupted.
  mutating func correct(itemID: String, _ text: String) {
    guard let place = index(of: itemID) else { return }
    entries[place].message.text = text
    trim()
  }

  mutating func note(_ message: HistoryMessage) {
    append(Entry(itemID: nil, message: message))
    trim()
  }

  /// Only a part of an item was heard: about the same part of its words stays.
  mutating func cut(itemID: String, heard: Int, of received: Int) {
    guard let place = index(of: itemID) else { return }
    let text = entries[place].message.text
    let count = received > 0 ? text.count * max(0, heard) / received : 0
    entries[place].message.text = String(text.prefix(count))
    entries[place].isCut = true
  }

  func contains(itemID: String) -> Bool { index(of: itemID) != nil }

  private func index(of itemID: String) -> Int? { entries.lastIndex { $0.itemID == itemID } }

  private mutating func append(_ entry: Entry) {
    entries.append(entry)
    // Items without words count, too.
    if entries.count > 256 { entries.removeFirst() }
  }

  private mutating func trim() {
    var count = entries.reduce(0) { $0 + $1.message.text.utf8.count }
    while count > limit, entries.count > 1 { count -= entries.removeFirst().message.text.utf8.count }
    if count > limit, let only = entries.first {
      entries[0].message.text = String(only.message.text.unicodeScalars.suffix(limit / 4))
    }
  }
}
