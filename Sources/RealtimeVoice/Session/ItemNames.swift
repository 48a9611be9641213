/// What the items of this connection are called here: as the service does, unless an earlier connection had an item of
/// the same name. Services need not name items apart across connections.
struct ItemNames: Sendable {
  /// As many as can wait to be played, and be remembered.
  private var ofService = RecentIDs(PlayoutQueue.waitingItemLimit + PlayoutQueue.rememberedItemCount)
  private var aliases: [String: String] = [:]
  private var serviceNames: [String: String] = [:]

  /// Names an item that is new.
  ///
  /// - Parameters:
  ///   - isTaken: Whether there is an item of this name already.
  ///   - session: The number of the connection.
  mutating func add(_ id: String, isTaken: Bool, session: Int) -> String {
    ofService.insert(id)
    guard isTaken, aliases.count < PlayoutQueue.waitingItemLimit else { return id }
    let alias = "\(id) (\(session))"
    aliases[id] = alias
    serviceNames[alias] = id
    return alias
  }

  /// nil for an item that has not been added.
  func name(ofServices id: String) -> String? { ofService.contains(id) ? aliases[id] ?? id : nil }

  /// What the service calls an item of this connection; nil for one of another, or one that it has not named.
  func serviceName(of name: String) -> String? {
    if let service = serviceNames[name] { return service }
    return ofService.contains(name) && aliases[name] == nil ? name : nil
  }
}
