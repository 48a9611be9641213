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

  let files: [File]
  /// Whether there are several inputs, by number or by kind: outputs of single files then need a folder.
  let isMultiple: Bool
  /// How many other files lie in the folders that were walked, by extension.
  private(set) var passedOver: [String: Int] = [:]

  /// - Parameters:
  ///   - arguments: Paths of files and folders, or `-` for standard input.
  ///   - takesAll: Whether to take every file of a folder, whatever its extension.
  init(_ arguments: [String], takesAll: Bool = false) throws {
    var files: [File] = []
    var hasFolder = false
    guard arguments.count(where: { $0 == "-" }) < 2 else { throw Misuse("standard input can be read once only") }
    for argument in arguments {
      guard argument != "-", isFolder(argument) else {
        let name = argument == "-" ? "standard-input" : (argument as NSString).lastPathComponent
        files.append(File(path: argument, relativePath: name))
        continue
      }
      hasFolder = true
      let found = try Self.walk(argument, takesAll: takesAll, &passedOver)
      guard !found.isEmpty else { throw Failure("\(argument): the folder holds no audio files") }
      files += found
    }
    self.files = files
    isMultiple = hasFolder || files.count > 1
  }

  /// Says what was passed over, if anything.
  func tellPassedOver() {
    guard !passedOver.isEmpty else { return }
    let kinds = passedOver.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { "\($0.value) \($0.key.isEmpty ? "without extension" : ".\($0.key)")" }
    let count = passedOver.values.reduce(0, +)
    let listed = kinds.prefix(5).joined(separator: ", ") + (kinds.count > 5 ? ", and others" : "")
    Diagnostics.write("passed over \(counted(count, "file")) that no extension says to be audio: \(listed)")
  }

  /// The audio files of a folder and of those inside of it. Links to files are followed, links to folders are not, so
  /// that a walk ends.
  private static func walk(
    _ folder: String, takesAll: Bool, _ passedOver: inout [String: Int]
  ) throws -> [File] {
    var found: [File] = []
    var waiting = [""]
    while let below = waiting.popLast() {
      let path = (folder as NSString).appendingPathComponent(below)
      let names: [String]
      do {
        names = try FileManager.default.contentsOfDirectory(atPath: path)
      } catch {
        throw Failure("\(path): cannot read the folder")
      }
      for name in names where !name.hasPrefix(".") {
        let relative = (below as NSString).appendingPathComponent(name)
        let full = (folder as NSString).appendingPathComponent(relative)
        var type = try? FileManager.default.attributesOfItem(atPath: full)[.type] as? FileAttributeType
        if type == .typeDirectory { waiting.append(relative) }
        if type == .typeSymbolicLink {
          type = try? FileManager.default.attributesOfItem(atPath: linkTarget(full))[.type] as? FileAttributeType
        }
        guard type == .typeRegular else { continue }
        let pathExtension = (name as NSString).pathExtension.lowercased()
        if takesAll || audioExtensions.contains(pathExtension) {
          found.append(File(path: full, relativePath: relative))
        } else {
          passedOver[pathExtension, default: 0] += 1
        }
      }
    }
    return found.sorted { $0.relativePath < $1.relativePath }
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
