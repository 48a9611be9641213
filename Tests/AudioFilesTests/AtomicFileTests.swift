import AudioFiles
import Foundation
import Testing

/// A file is there whole or not at all, with and without a hidden name.
@Suite struct AtomicFileTests {
  private func write(_ text: String, to file: borrowing AtomicFile) throws {
    let bytes = Array(text.utf8)
    try #require(Foundation.write(file.fileDescriptor, bytes, bytes.count) == bytes.count)
  }

  private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  private func mode(_ path: String) throws -> mode_t {
    var status = stat()
    try #require(lstat(path, &status) == 0)
    return status.st_mode & 0o7777
  }

  @Test("A file appears with all its content, in place of what was there", arguments: [false, true])
  func commit(isNamed: Bool) throws {
    let folder = try TemporaryFolder()
    for (content, before) in [("new", []), ("newer", ["a.txt"])] {
      let file = try AtomicFile(path: folder["a.txt"], isNamed: isNamed)
      let isDirect = file.isDirect
      #expect(!isDirect)
      try write(content, to: file)
      let visible = try folder.contents.filter { !$0.hasPrefix(".") }
      #expect(visible == before)
      if !before.isEmpty { #expect(try text(folder["a.txt"]) == "new") }
      if isNamed { #expect(try folder.contents.count == before.count + 1) }
      try file.commit()
      #expect(try folder.contents == ["a.txt"])
      #expect(try text(folder["a.txt"]) == content)
    }
  }

  #if os(Linux)
    @Test("On Linux there is no name until the file is complete")
    func unnamed() throws {
      let folder = try TemporaryFolder()
      let file = try AtomicFile(path: folder["a.txt"])
      try write("x", to: file)
      // Most file systems can do this: ext4, xfs, btrfs, tmpfs, and overlayfs of late.
      let probe = open(folder.path, O_TMPFILE | O_RDWR, 0o600)
      if probe >= 0 { close(probe) }
      #expect(try folder.contents.isEmpty == (probe >= 0))
      try file.commit()
    }
  #endif

  @Test("A file that is given up leaves nothing, and the old one as it was", arguments: [false, true])
  func discard(isNamed: Bool) throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("old.txt", Array("old".utf8))
    for name in ["old.txt", "new.txt"] {
      do {
        let file = try AtomicFile(path: folder[name], isNamed: isNamed)
        try write("half", to: file)
      }
      #expect(try folder.contents == ["old.txt"])
    }
    #expect(try text(folder["old.txt"]) == "old")
  }

  @Test("A writer that is given up leaves nothing")
  func writer() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("old.wav", Array("old".utf8))
    let samples = [Int16](repeating: 1, count: 10_000)
    for name in ["old.wav", "new.wav", "new.flac", "new.aiff"] {
      var writer = try AudioFileWriter(path: folder[name], encoding: .pcm16, sampleRate: .hz16000)
      try writer.write(samples.span)
    }
    #expect(try folder.contents == ["old.wav"])
    #expect(try text(folder["old.wav"]) == "old")
  }

  @Test("A file that is replaced passes on its permissions", arguments: [false, true], [0o600, 0o644, 0o755, 0o666])
  func permissions(isNamed: Bool, mode: Int) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a", [1])
    try #require(chmod(path, mode_t(mode)) == 0)
    try AtomicFile(path: path, isNamed: isNamed).commit()
    #expect(try self.mode(path) == mode_t(mode))
  }

  @Test("A new file has the permissions that the umask leaves", arguments: [false, true], [0o022, 0o077, 0o002])
  func umask(isNamed: Bool, mask: Int) async throws {
    let folder = try TemporaryFolder()
    await #expect(processExitsWith: .success) {
      [path = folder["a"] as String, isNamed = isNamed as Bool, mask = mask as Int] in
      _ = Foundation.umask(mode_t(mask))
      try AtomicFile(path: path, isNamed: isNamed).commit()
    }
    #expect(try mode(folder["a"]) == 0o666 & ~mode_t(mask))
  }

  @Test("A symbolic link stays, and what it leads to is replaced", arguments: [false, true])
  func links(isNamed: Bool) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder["inner"], withIntermediateDirectories: true)
    _ = try folder.write("inner/target", Array("old".utf8))
    // Relative, absolute, by way of another link, and to a file that is not there.
    let links = [
      ("relative", "inner/target"), ("absolute", folder["inner/target"]), ("second", "relative"),
      ("dangling", "inner/other"),
    ]
    for (name, destination) in links {
      try FileManager.default.createSymbolicLink(atPath: folder[name], withDestinationPath: destination)
      let file = try AtomicFile(path: folder[name], isNamed: isNamed)
      try write("by \(name)", to: file)
      try file.commit()
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder[name]) == destination)
      #expect(try text(folder["inner/\(name == "dangling" ? "other" : "target")"]) == "by \(name)")
    }
    #expect(try folder.contents == ["absolute", "dangling", "inner", "relative", "second"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder["inner"]).sorted() == ["other", "target"])
  }

  @Test("Links that lead in a circle")
  func circle() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(atPath: folder["a"], withDestinationPath: "b")
    try FileManager.default.createSymbolicLink(atPath: folder["b"], withDestinationPath: "a")
    let error = try audioFileError { _ = try AtomicFile(path: folder["a"]) }
    #expect(error?.description == "\(folder["a"]): cannot create: Too many levels of symbolic links")
  }

  @Test("A path relative to the working folder means the same at the end", arguments: [false, true])
  func relative(isNamed: Bool) async throws {
    let folder = try TemporaryFolder()
    await #expect(processExitsWith: .success) { [path = folder.path as String, isNamed = isNamed as Bool] in
      try #require(chdir(path) == 0)
      let file = try AtomicFile(path: "a", isNamed: isNamed)
      try #require(chdir("/") == 0)
      try file.commit()
    }
    #expect(try folder.contents == ["a"])
  }

  @Test("What cannot be created")
  func errors() throws {
    let folder = try TemporaryFolder()
    let missing = folder["none/a"]
    #expect(
      try audioFileError { _ = try AtomicFile(path: missing) }?.description
        == "\(missing): cannot create: No such file or directory")
    #expect(
      try audioFileError { _ = try AtomicFile(path: folder.path) }?.description
        == "\(folder.path): is a folder, not a file")
    #expect(
      try audioFileError { _ = try AtomicFile(path: "") }?.description == ": cannot create: No such file or directory")
    let inside = try folder.write("file", [1]) + "/a"
    #expect(
      try audioFileError { _ = try AtomicFile(path: inside) }?.description
        == "\(inside): cannot create: Not a directory")
    #expect(try folder.contents == ["file"])
  }

  @Test("A folder or a file that may not be written", arguments: [false, true])
  func denied(isNamed: Bool) async throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder["closed"], withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: folder["open"], withIntermediateDirectories: true)
    _ = try folder.write("open/kept", Array("old".utf8))
    try #require(chmod(folder["closed"], 0o555) == 0)
    try #require(chmod(folder["open"], 0o777) == 0)
    try #require(chmod(folder["open/kept"], 0o444) == 0)
    try #require(chmod(folder.path, 0o755) == 0)
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      // Root may write everything.
      if geteuid() == 0 { try #require(seteuid(65_534) == 0) }
      for name in ["closed/a", "open/kept"] {
        let error = try audioFileError { _ = try AtomicFile(path: "\(path)/\(name)") }
        #expect(error?.description == "\(path)/\(name): permission denied")
      }
      try AtomicFile(path: "\(path)/open/new").commit()
    }
    #expect(try text(folder["open/kept"]) == "old")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder["open"]).sorted() == ["kept", "new"])
    try #require(chmod(folder["closed"], 0o755) == 0)
  }

  @Test("A folder that is gone by the end", arguments: [false, true])
  func goneFolder(isNamed: Bool) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder["inner"], withIntermediateDirectories: true)
    let path = folder["inner/a"]
    let error = try audioFileError {
      let file = try AtomicFile(path: path, isNamed: isNamed)
      try FileManager.default.moveItem(atPath: folder["inner"], toPath: folder["moved"])
      try file.commit()
    }
    #expect(error?.description == "\(path): cannot give the complete file its name: No such file or directory")
  }

  @Test("A target that became a folder in the meantime", arguments: [false, true])
  func targetBecameAFolder(isNamed: Bool) throws {
    let folder = try TemporaryFolder()
    let error = try audioFileError {
      let file = try AtomicFile(path: folder["a"], isNamed: isNamed)
      try FileManager.default.createDirectory(atPath: folder["a"], withIntermediateDirectories: true)
      try file.commit()
    }
    #expect(error?.problem == .isDirectory)
    #expect(try folder.contents == ["a"])
  }

  @Test("Two writers of one name: the last to finish wins, and no one sees a mixture", arguments: [false, true])
  func race(isNamed: Bool) throws {
    let folder = try TemporaryFolder()
    let first = try AtomicFile(path: folder["a"], isNamed: isNamed)
    let second = try AtomicFile(path: folder["a"], isNamed: isNamed)
    try write("first", to: first)
    try write("second, longer", to: second)
    try second.commit()
    #expect(try text(folder["a"]) == "second, longer")
    try first.commit()
    #expect(try text(folder["a"]) == "first")
    #expect(try folder.contents == ["a"])
  }

  @Test("A device is written directly")
  func devices() throws {
    let file = try AtomicFile(path: "/dev/null")
    let isDirect = file.isDirect
    #expect(isDirect)
    try write("into the void", to: file)
    try file.commit()
  }

  @Test("Standard output under its names", arguments: ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
  func standardOutput(name: String) async throws {
    let result = try await #require(
      processExitsWith: .success, observing: [\.standardOutputContent]
    ) {
      [name = name as String] in
      let file = try AtomicFile(path: name)
      let isDirect = file.isDirect
      try #require(isDirect)
      try #require(Foundation.write(file.fileDescriptor, "hello\n", 6) == 6)
      try file.commit()
    }
    #expect(String(decoding: result.standardOutputContent, as: UTF8.self).contains("hello\n"))
  }

  @Test("Standard output that is a file is appended to where it stands, not replaced")
  func redirected() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("log", Array("before ".utf8))
    await #expect(processExitsWith: .success) { [path = path as String] in
      let log = open(path, O_WRONLY | O_APPEND)
      // The testing library writes to standard output at the end.
      let saved = dup(1)
      try #require(log >= 0 && saved >= 0 && dup2(log, 1) == 1)
      let file = try AtomicFile(path: "/dev/stdout")
      try #require(Foundation.write(file.fileDescriptor, "during ", 7) == 7)
      try file.commit()
      try #require(Foundation.write(1, "after", 5) == 5)
      try #require(dup2(saved, 1) == 1)
    }
    #expect(try text(path) == "before during after")
  }

  @Test("A signal takes the pending files with it, and ends the process", arguments: [SIGINT, SIGTERM, SIGHUP])
  func signals(number: Int32) async throws {
    let folder = try TemporaryFolder()
    await #expect(processExitsWith: .signal(number)) {
      [path = folder.path as String, number = number as Int32] in
      AtomicFile.unlinkPendingOnSignals()
      let named = try AtomicFile(path: "\(path)/named", isNamed: true)
      let unnamed = try AtomicFile(path: "\(path)/unnamed")
      try AtomicFile(path: "\(path)/done", isNamed: true).commit()
      try #require(FileManager.default.contentsOfDirectory(atPath: path).count == 2)
      try raiseUnblocked(number)
      _ = (named.fileDescriptor, unnamed.fileDescriptor)
    }
    #expect(try folder.contents == ["done"])
  }

  @Test("A signal that is ignored stays ignored")
  func ignoredSignal() async throws {
    let folder = try TemporaryFolder()
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      signal(SIGHUP, SIG_IGN)
      AtomicFile.unlinkPendingOnSignals()
      let file = try AtomicFile(path: "\(path)/a", isNamed: true)
      try raiseUnblocked(SIGHUP)
      try file.commit()
    }
    #expect(try folder.contents == ["a"])
  }

  @Test("Without a handler, a signal leaves a hidden name: what the handler is for")
  func noHandler() async throws {
    let folder = try TemporaryFolder()
    await #expect(processExitsWith: .signal(SIGTERM)) { [path = folder.path as String] in
      let file = try AtomicFile(path: "\(path)/a", isNamed: true)
      try raiseUnblocked(SIGTERM)
      _ = file.fileDescriptor
    }
    #expect(try folder.contents.count == 1)
  }

  @Test("More pending files than the table has room for")
  func manyPending() throws {
    let folder = try TemporaryFolder()
    try pend(300, in: folder)
    #expect(try folder.contents.count == 300)
    #expect(try folder.contents.allSatisfy { !$0.hasPrefix(".") })
  }

  @Test("What a process left that was killed is removed, and what one is writing is not")
  func abandoned() throws {
    let folder = try TemporaryFolder()
    let names = (left: ".utter-1f.partial", written: ".utter-2e.partial", other: ".utter-mine.partial")
    for name in [names.left, names.written, names.other] { _ = try folder.write(name, Array("half".utf8)) }
    let writer = open(folder[names.written], O_RDWR)
    defer { close(writer) }
    try #require(flock(writer, LOCK_EX | LOCK_NB) == 0)
    try AtomicFile(path: folder["a.txt"]).commit()
    #expect(try folder.contents == [names.written, names.other, "a.txt"].sorted())
  }

  @Test("A file is locked until it has its name", arguments: [false, true])
  func locked(isNamed: Bool) throws {
    let folder = try TemporaryFolder()
    let file = try AtomicFile(path: folder["a.txt"], isNamed: isNamed)
    let other = open("/proc/self/fd/\(file.fileDescriptor)", O_RDWR)
    defer { if other >= 0 { close(other) } }
    // Where there is no such way to open it anew, there is nothing to test with.
    if other >= 0 { #expect(flock(other, LOCK_EX | LOCK_NB) == -1) }
    try file.commit()
    if other >= 0 { #expect(flock(other, LOCK_EX | LOCK_NB) == 0) }
  }

  /// Commits `count` files from the inside out.
  private func pend(_ count: Int, in folder: TemporaryFolder) throws {
    if count == 0 { return }
    let file = try AtomicFile(path: folder["\(count)"], isNamed: true)
    try pend(count - 1, in: folder)
    try file.commit()
  }
}

#if os(Linux)
  /// A macro that Swift does not import.
  private let O_TMPFILE: Int32 = 0o20000000 | O_DIRECTORY
#endif

/// Raises a signal on this thread, which as a worker of Dispatch blocks it.
private func raiseUnblocked(_ number: Int32) throws {
  var signals = sigset_t()
  sigemptyset(&signals)
  sigaddset(&signals, number)
  try #require(pthread_sigmask(SIG_UNBLOCK, &signals, nil) == 0)
  raise(number)
}
