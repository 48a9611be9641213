#if os(Linux) || os(macOS)
  import Synchronization

  #if canImport(Darwin)
    import Darwin
  #elseif canImport(Musl)
    import Musl
  #else
    import Glibc
  #endif

  /// Another program that runs beside this process. When its life here ends before the program does, the program is
  /// killed; in either case the system keeps nothing of it.
  struct ChildProcess: ~Copyable {
    enum Ending: Equatable {
      case exited(status: Int32)
      case killed(signal: Int32)
      /// The system does not tell, because the process ignores SIGCHLD or something else in it asked first.
      case unknown
    }

    private let identifier: pid_t
    private var hasEnded = false

    /// Starts a program with its three standard descriptors, no other descriptor of this package, no signal blocked
    /// and SIGPIPE deadly, whatever this process does with them.
    ///
    /// - Parameters:
    ///   - arguments: Without the program's name.
    ///   - environment: All of the program's variables, as `NAME=value`.
    init(
      _ path: String, _ arguments: [String], environment: [String], input: borrowing OwnedDescriptor,
      output: borrowing OwnedDescriptor, errors: borrowing OwnedDescriptor
    ) throws(AudioFileError.Problem) {
      // A target's descriptor must not be the source of a later one.
      let input = try Self.aboveStandardOnes(input)
      let output = try Self.aboveStandardOnes(output)
      let errors = try Self.aboveStandardOnes(errors)
      #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_CLOEXEC_DEFAULT
      #else
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
      #endif
      _ = unsafe posix_spawn_file_actions_init(&actions)
      _ = unsafe posix_spawnattr_init(&attributes)
      defer {
        _ = unsafe posix_spawn_file_actions_destroy(&actions)
        _ = unsafe posix_spawnattr_destroy(&attributes)
      }
      var results = unsafe [
        posix_spawn_file_actions_adddup2(&actions, input.number, STDIN_FILENO),
        posix_spawn_file_actions_adddup2(&actions, output.number, STDOUT_FILENO),
        posix_spawn_file_actions_adddup2(&actions, errors.number, STDERR_FILENO),
      ]
      var signals = sigset_t()
      _ = unsafe sigemptyset(&signals)
      unsafe results.append(posix_spawnattr_setsigmask(&attributes, &signals))
      _ = unsafe sigaddset(&signals, SIGPIPE)
      unsafe results.append(posix_spawnattr_setsigdefault(&attributes, &signals))
      unsafe results.append(posix_spawnattr_setflags(&attributes, Int16(flags)))

      var identifier: pid_t = 0
      if results.allSatisfy({ $0 == 0 }) {
        results.append(
          unsafe Self.withCStrings([path] + arguments) { arguments in
            unsafe Self.withCStrings(environment) { environment in
              spawningLock.withLock { _ in
                unsafe posix_spawn(&identifier, path, &actions, &attributes, arguments, environment)
              }
            }
          })
      }
      if let failure = results.first(where: { $0 != 0 }) { throw .system(.runDecoder, errorNumber: failure) }
      self.identifier = identifier
    }

    /// Waits until the program has ended.
    mutating func wait() -> Ending {
      precondition(!hasEnded, "the program has been waited for")
      var status: Int32 = 0
      let result = retrying { unsafe waitpid(identifier, &status, 0) }
      hasEnded = true
      guard result == identifier else { return .unknown }
      // As WIFEXITED and its like take it apart, which Swift does not import.
      return status & 0x7F == 0 ? .exited(status: status >> 8 & 0xFF) : .killed(signal: status & 0x7F)
    }

    deinit {
      if !hasEnded {
        _ = kill(identifier, SIGKILL)
        _ = retrying { waitpid(identifier, nil, 0) }
      }
    }

    /// A second descriptor of the same open file behind those of standard input, output and error, which the process
    /// may have closed, so that any new descriptor may be one of them.
    private static func aboveStandardOnes(
      _ descriptor: borrowing OwnedDescriptor
    ) throws(AudioFileError.Problem) -> OwnedDescriptor {
      let number = fcntl(descriptor.number, F_DUPFD_CLOEXEC, 3)
      if number < 0 { throw .failed(.runDecoder) }
      return OwnedDescriptor(number)
    }

    /// Makes a list that ends with nil of strings.
    private static func withCStrings<Result>(
      _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
      var pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
      defer { unsafe pointers.forEach { unsafe free($0) } }
      return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
    }

    /// Where a program lies, by the folders of a list like PATH. Only absolute ones count: what lies beside a recording
    /// is not to be run.
    static func find(_ program: String, in folders: String) -> String? {
      folders.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(program)" }.first { path in
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.isRegularFile && access(path, X_OK) == 0
      }
    }
  }

  /// Swift sees no call that makes a pipe for this process only at once. A child that another thread started in between
  /// would keep a writing end open, and the reader would wait for that child's end.
  private let spawningLock = Mutex<Void>(())

  /// A pipe, for this process only.
  struct PipeEnds: ~Copyable {
    let reading: OwnedDescriptor
    let writing: OwnedDescriptor

    init() throws(AudioFileError.Problem) {
      var ends: [Int32] = [-1, -1]
      let isMade = spawningLock.withLock { _ in
        guard unsafe pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return true
      }
      if !isMade { throw .failed(.runDecoder) }
      reading = OwnedDescriptor(ends[0])
      writing = OwnedDescriptor(ends[1])
    }

    /// Leaves the reading end.
    consuming func closingWriter() -> OwnedDescriptor { reading }
  }
#endif
