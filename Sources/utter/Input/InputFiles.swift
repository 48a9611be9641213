import Foundation

/// The files that a command's arguments name, folders walked.
struct InputFiles {
  struct File {
    /// What to open, and what messages call it.
    let path: String
    /// Its name below the folder that was named, or its last component: where its output goes in a folder of outputs.
    let relativePath: String
  }

  /// The extensions of what is taken from a folder. A file that is named itself may have any.
  private static let audioExtensions: Set<String> = [
    "wav", "wave", "w64", "rf64", "bwf", "aif", "aiff", "aifc", "au", "snd", "caf", "flac", "ogg", "oga", "opus", "mp3",
  ]

  let files: [File]
  /// Whether there are several inputs, by number or by kind: outputs of single files then need a folder.
  let isMultiple: Bool

  /// - Parameter arguments: Paths of files and folders, or `-` for standard input.
  init(_ arguments: [String]) throws {
    var files: [File] = []
    var hasFolder = false
    for argument in arguments {
      guard argument != "-", isFolder(argument) else {
        let name = argument == "-" ? "standard-input" : (argument as NSString).lastPathComponent
        files.append(File(path: argument, relativePath: name))
        continue
      }
      hasFolder = true
      let found = try Self.walk(argument)
      guard !found.isEmpty else { throw Failure("\(argument): the folder holds no audio files") }
      files += found
    }
    self.files = files
    isMultiple = hasFolder || files.count > 1
  }

  /// The audio files of a folder and of those inside of it. Links to files are followed, links to folders are not, so
  /// that a walk ends.
  private static func walk(_ folder: String) throws -> [File] {
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
        let isAudio = audioExtensions.contains((name as NSString).pathExtension.lowercased())
        if isAudio, type == .typeRegular { found.append(File(path: full, relativePath: relative)) }
      }
    }
    return found.sorted { $0.relativePath < $1.relativePath }
  }
}

/// Where a path leads when all links in it are followed; the path itself where it leads nowhere.
private func linkTarget(_ path: String) -> String {
  guard let target = unsafe realpath(path, nil) else { return path }
  defer { unsafe free(target) }
  return unsafe String(cString: target)
}

private func isFolder(_ path: String) -> Bool {
  var isFolder: ObjCBool = false
  return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}

/// Where the outputs of single files go.
enum OutputPlace {
  case standardOutput
  case file(String)
  case folder(String)

  /// - Parameters:
  ///   - path: What the user named; nothing means standard output.
  ///   - option: What to call it in a message.
  /// - Throws: ``ValidationError`` where several inputs have one place.
  init(_ path: String?, for inputs: InputFiles, option: String) throws {
    let path = path ?? "-"
    let exists = FileManager.default.fileExists(atPath: path)
    let isPlaceForMany = path.hasSuffix("/") || isFolder(path)
    if inputs.isMultiple {
      guard path != "-", isPlaceForMany || !exists else {
        throw Misuse("several inputs need a folder for their outputs: \(option) FOLDER")
      }
      self = .folder(path)
    } else if path == "-" {
      self = .standardOutput
    } else {
      self = isPlaceForMany ? .folder(path) : .file(path)
    }
  }

  /// The path of the output for `file`, with `pathExtension` behind its name; its folder is made.
  func path(for file: InputFiles.File, pathExtension: String) throws -> String {
    let path = plannedPath(for: file, pathExtension: pathExtension)
    if case .folder = self {
      let parent = (path as NSString).deletingLastPathComponent
      do {
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
      } catch {
        throw Failure("\(parent): cannot make the folder")
      }
    }
    return path
  }

  /// As ``path(for:pathExtension:)``, and nothing is made.
  func plannedPath(for file: InputFiles.File, pathExtension: String) -> String {
    switch self {
    case .standardOutput: "-"
    case .file(let path): path
    case .folder(let folder):
      (folder as NSString).appendingPathComponent(file.relativePath + "." + pathExtension)
    }
  }
}

/// - Throws: ``Misuse`` where two outputs would have one place, or an output the place of an input.
func checkOutputs(_ places: [OutputPlace], of inputs: InputFiles) throws {
  var paths: [String] = []
  for (i, place) in places.enumerated() {
    if case .folder = place {
      // Outputs of different kinds differ in their extensions; which ones does not matter here.
      paths += inputs.files.map { place.plannedPath(for: $0, pathExtension: "\(i)") }
    } else if let first = inputs.files.first {
      paths.append(place.plannedPath(for: first, pathExtension: ""))
    }
  }
  try checkOutputs(places, paths: paths, inputs: inputs.files.map(\.path))
}

/// As ``checkOutputs(_:of:)``, for paths that are known.
func checkOutputs(_ places: [OutputPlace], paths: [String], inputs: [String]) throws {
  var taken: [String: String] = [:]
  for input in inputs where input != "-" { taken[identity(of: input)] = "the input \(input)" }
  for path in paths {
    let name = path == "-" ? "standard output" : path
    // A device takes several outputs as it takes one.
    if path != "-", isDevice(path) { continue }
    if let other = taken.updateValue("another output", forKey: path == "-" ? "-" : identity(of: path)) {
      throw Misuse("\(name) is already \(other)")
    }
  }
}

/// What two names of one file have in common.
private func identity(of path: String) -> String {
  let attributes = try? FileManager.default.attributesOfItem(atPath: linkTarget(path))
  if let device = attributes?[.systemNumber] as? Int, let number = attributes?[.systemFileNumber] as? Int {
    return "\(device):\(number)"
  }
  return URL(filePath: path).standardizedFileURL.path
}

private func isDevice(_ path: String) -> Bool {
  let type = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
  return type != nil && type != .typeRegular && type != .typeDirectory && type != .typeSymbolicLink
}
