import Foundation

/// The files that a command's arguments name, folders walked.
struct InputFiles {
  struct File: Sendable {
    /// What to open, and what messages call it.
    let path: String
    /// Its name below the folder that was named, or its last component: where its output goes in a folder of outputs.
    let relativePath: String
    /// Its part of all work, by which the time left is reckoned: its size in bytes, at least 1.
    let weight: Double

    init(path: String, relativePath: String) {
      self.path = path
      self.relativePath = relativePath
      let size = try? FileManager.default.attributesOfItem(atPath: linkTarget(path))[.size] as? Int
      weight = Double(max(1, size ?? 1))
    }
  }

  /// The extensions of what is taken from a folder. A file that is named itself may have any.
  private static let audioExtensions: Set<String> = [
    // What libsndfile reads.
    "wav", "wave", "w64", "rf64", "bwf", "aif", "aiff", "aifc", "au", "snd", "caf", "flac", "ogg", "oga", "opus", "mp3",
    // What ffmpeg reads, where it is installed; films are taken for their sound.
    "m4a", "m4b", "mp4", "m4v", "mov", "3gp", "webm", "mka", "mkv", "aac", "ac3", "amr", "wma", "wv", "ape",
  ]

  private(set) var files: [File] = []
  /// Whether there are several inputs, by number or by kind: outputs of single files then need a folder.
  private(set) var isMultiple = false
  /// How many other files lie in the folders that were walked, by what they are: an extension with its period, or a
  /// description.
  private(set) var passedOver: [String: Int] = [:]
  /// What could not be walked, and why.
  private(set) var unreadableFolders: [String] = []

  /// - Parameters:
  ///   - arguments: Paths of files and folders, or `-` for standard input.
  ///   - takesAll: Whether to take every file of a folder, whatever its extension.
  init(_ arguments: [String], takesAll: Bool = false) throws {
    guard arguments.count(where: { $0 == "-" }) < 2 else { throw Misuse("standard input can be read once only") }
    for argument in arguments {
      guard argument != "-", isFolder(argument) else {
        let name = argument == "-" ? "standard-input" : (argument as NSString).lastPathComponent
        files.append(File(path: argument, relativePath: name))
        continue
      }
      isMultiple = true
      let found = walk(argument, takesAll: takesAll)
      guard !found.isEmpty || !unreadableFolders.isEmpty else {
        throw Failure("\(argument): the folder holds no audio files\(passedOver.isEmpty ? "" : " (\(passedOverText))")")
      }
      files += found
    }
    if files.isEmpty, let unreadable = unreadableFolders.first { throw Failure(unreadable) }
    if files.count > 1 { isMultiple = true }
  }

  /// Says what was passed over, if anything.
  func tellPassedOver() {
    guard !passedOver.isEmpty else { return }
    Diagnostics.write(
      "passed over \(counted(passedOver.values.reduce(0, +), "file")) of the folders' that no extension says to be audio, "
        + "or that cannot be opened: \(passedOverText)")
  }

  private var passedOverText: String {
    let kinds = passedOver.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }
    return kinds.prefix(5).joined(separator: ", ") + (kinds.count > 5 ? ", and others" : "")
  }

  /// The audio files of a folder and of those inside of it. Links to files are followed, links to folders are not, so
  /// that a walk ends. Hidden ones are left out.
  private mutating func walk(_ folder: String, takesAll: Bool) -> [File] {
    var found: [File] = []
    var waiting = [""]
    while let below = waiting.popLast() {
      let path = (folder as NSString).appendingPathComponent(below)
      guard let (names, unnamedCount) = Self.entries(of: path) else {
        unreadableFolders.append("\(path): cannot read the folder: \(unsafe String(cString: strerror(errno)))")
        continue
      }
      if unnamedCount > 0 { passedOver["with names that are not UTF-8", default: 0] += unnamedCount }
      for name in names where !name.hasPrefix(".") {
        let relative = (below as NSString).appendingPathComponent(name)
        let full = (folder as NSString).appendingPathComponent(relative)
        var type = try? FileManager.default.attributesOfItem(atPath: full)[.type] as? FileAttributeType
        if type == .typeDirectory {
          waiting.append(relative)
          continue
        }
        if type == .typeSymbolicLink {
          type = try? FileManager.default.attributesOfItem(atPath: linkTarget(full))[.type] as? FileAttributeType
        }
        let pathExtension = (name as NSString).pathExtension.lowercased()
        switch type {
        case .typeRegular where takesAll || Self.audioExtensions.contains(pathExtension):
          found.append(File(path: full, relativePath: relative))
        case .typeRegular:
          passedOver[pathExtension.isEmpty ? "without extension" : ".\(pathExtension)", default: 0] += 1
        case .typeDirectory: passedOver["links to folders", default: 0] += 1
        case .typeSymbolicLink: passedOver["links that lead nowhere", default: 0] += 1
        default: passedOver["pipes and devices", default: 0] += 1
        }
      }
    }
    return found.sorted { $0.relativePath < $1.relativePath }
  }

  /// The names in a folder, and how many more there are that are not UTF-8; nil where the system refuses, with `errno`
  /// set.
  private static func entries(of folder: String) -> (names: [String], unnamedCount: Int)? {
    guard let stream = unsafe opendir(folder) else { return nil }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    var unnamedCount = 0
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
          unsafe String(validatingCString: $0)
        }
      }
      if let name { names.append(name) } else { unnamedCount += 1 }
    }
    return (names, unnamedCount)
  }
}

/// Where a path leads when all links in it are followed; the path itself where it leads nowhere.
func linkTarget(_ path: String) -> String {
  guard let target = unsafe realpath(path, nil) else { return path }
  defer { unsafe free(target) }
  return unsafe String(cString: target)
}

func isFolder(_ path: String) -> Bool {
  var isFolder: ObjCBool = false
  return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}
