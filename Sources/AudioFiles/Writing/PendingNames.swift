import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The hidden names that are in use, in a table that a signal handler can read.
///
/// Whoever takes a name out of the table, by an atomic exchange, owns it: the thread that put it there frees it, a
/// handler unlinks it and does not.
enum PendingNames {
  fileprivate typealias Name = UnsafeMutablePointer<CChar>

  /// A name's place in the table.
  @safe struct Entry: @unchecked Sendable {
    // Sendable, because the name is only compared and, by its one owner, freed.
    fileprivate let index: Int
    fileprivate let name: Name
  }

  /// More than are written at once; a name beyond is left out, and is removed as always but by a signal.
  private static let capacity = 64

  /// Never freed, since a signal may come at any time.
  private static let table: Table = Table()

  @safe private struct Table: @unchecked Sendable {
    // Sendable, because it is only read, and what it leads to are atomics.
    let slots: UnsafeMutablePointer<Atomic<Name?>>

    init() {
      unsafe slots = .allocate(capacity: capacity)
      for index in 0..<capacity { unsafe (slots + index).initialize(to: Atomic(nil)) }
    }
  }

  static func add(_ path: String) -> Entry? {
    guard let name = unsafe strdup(path) else { return nil }
    for index in 0..<capacity {
      let result = unsafe table.slots[index].compareExchange(
        expected: nil, desired: name, ordering: .acquiringAndReleasing)
      if unsafe result.exchanged { return unsafe Entry(index: index, name: name) }
    }
    unsafe free(name)
    return nil
  }

  static func remove(_ entry: Entry?) {
    guard let entry else { return }
    let result = unsafe table.slots[entry.index].compareExchange(
      expected: entry.name, desired: nil, ordering: .acquiringAndReleasing)
    if unsafe result.exchanged { unsafe free(entry.name) }
  }

  /// Makes the table, which allocates, so that a handler need not.
  static func prepare() { _ = unsafe table.slots }

  /// Unlinks all files of these names. Async-signal-safe after ``prepare()`` or the first ``add(_:)``.
  static func unlinkAll() {
    for index in 0..<capacity {
      if let name = unsafe table.slots[index].exchange(nil, ordering: .acquiringAndReleasing) {
        _ = unsafe unlink(name)
      }
    }
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
        PendingNames.unlinkAll()
        _ = signal(number, SIG_DFL)
        // Blocked until this handler returns, and then not handled any more.
        raise(number)
      }
      if unsafe unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
        _ = signal(number, SIG_IGN)
      }
    }
  }

  /// Removes what files are pending under hidden names, for a process that is about to end. Async-signal-safe after a
  /// call to
  /// ``unlinkPendingOnSignals(_:)``, if only with an empty list. A pending file cannot be committed after this.
  public static func unlinkPending() {
    PendingNames.unlinkAll()
  }
}
