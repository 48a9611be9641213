import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The hidden names that are in use, and the folders that were made, in tables that a signal handler can read.
///
/// Whoever takes a name out of a table, by an atomic exchange, owns it: the thread that put it there frees it, a
/// handler removes what it names and does not free it.
enum PendingNames {
  fileprivate typealias Name = UnsafeMutablePointer<CChar>

  /// A name's place in a table.
  @safe struct Entry: @unchecked Sendable {
    // Sendable, because the name is only compared and, by its one owner, freed.
    fileprivate let index: Int
    fileprivate let name: Name
  }

  // Never freed, since a signal may come at any time.
  private static let files = Table(capacity: 256)
  private static let folders = Table(capacity: 4096)

  /// A name beyond a table's capacity is left out, and what it names is removed as always but by a signal.
  @safe private struct Table: @unchecked Sendable {
    // Sendable, because it is only read, and what it leads to are atomics.
    private let slots: UnsafeMutablePointer<Atomic<Name?>>
    private let capacity: Int

    init(capacity: Int) {
      self.capacity = capacity
      unsafe slots = .allocate(capacity: capacity)
      for index in 0..<capacity { unsafe (slots + index).initialize(to: Atomic(nil)) }
    }

    /// Every name takes the first free place, so that a folder stands before those that were made inside of it.
    func add(_ path: String) -> Entry? {
      guard let name = unsafe strdup(path) else { return nil }
      for index in 0..<capacity {
        let result = unsafe slots[index].compareExchange(
          expected: nil, desired: name, ordering: .acquiringAndReleasing)
        if unsafe result.exchanged { return unsafe Entry(index: index, name: name) }
      }
      unsafe free(name)
      return nil
    }

    func remove(_ entry: Entry) {
      let result = unsafe slots[entry.index].compareExchange(
        expected: entry.name, desired: nil, ordering: .acquiringAndReleasing)
      if unsafe result.exchanged { unsafe free(entry.name) }
    }

    /// Takes out all names, the last one first. Async-signal-safe.
    func takeAll(_ body: (Name) -> Void) {
      for index in (0..<capacity).reversed() {
        if let name = unsafe slots[index].exchange(nil, ordering: .acquiringAndReleasing) { unsafe body(name) }
      }
    }
  }

  static func add(_ path: String) -> Entry? { files.add(path) }

  static func remove(_ entry: Entry?) {
    if let entry { files.remove(entry) }
  }

  /// Has a folder go away at the end, if nothing is in it then.
  static func addFolder(_ path: String) { _ = folders.add(path) }

  /// Makes the tables, which allocates, so that a handler need not.
  static func prepare() { _ = (files, folders) }

  /// Unlinks all files of these names, and removes the folders that are empty then. Async-signal-safe after
  /// ``prepare()`` or the first ``add(_:)``.
  static func removeAll() {
    unsafe files.takeAll { _ = unsafe unlink($0) }
    unsafe folders.takeAll { _ = unsafe rmdir($0) }
  }
}

extension AtomicFile {
  /// Has these signals remove what files are pending under hidden names, and then end the process as they would have. A
  /// signal that the process ignores stays ignored; a handler that it has is replaced.
  ///
  /// Files without a name, the usual case on Linux, need none of this.
  public static func unlinkPendingOnSignals(_ signals: [Int32] = [SIGHUP, SIGINT, SIGTERM]) {
    PendingNames.prepare()
    for number in signals {
      let previous = signal(number) { number in
        PendingNames.removeAll()
        _ = signal(number, SIG_DFL)
        // Blocked until this handler returns, and then not handled any more.
        raise(number)
      }
      if unsafe unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
        _ = signal(number, SIG_IGN)
      }
    }
  }

  /// Removes what files are pending under hidden names, for a process that is about to end, and the folders of
  /// ``removeAtEndIfEmpty(folder:)``. Async-signal-safe after a call to ``unlinkPendingOnSignals(_:)``, if only with an
  /// empty list. A pending file cannot be committed after this.
  public static func unlinkPending() {
    PendingNames.removeAll()
  }

  /// Has a folder that was made for files go away with ``unlinkPending()`` and with the signals of
  /// ``unlinkPendingOnSignals(_:)``, if nothing is in it then.
  public static func removeAtEndIfEmpty(folder: String) {
    PendingNames.addFolder(folder)
  }
}
