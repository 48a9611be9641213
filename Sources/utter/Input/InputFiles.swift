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

  private static func walk(_ folder: String) throws -> [File] {
    guard let walker = FileManager.default.enumerator(atPath: folder) else {
      throw Failure("\(folder): cannot read the folder")
    }
    var names: [String] = []
    for case let name as String in walker {
      let isHidden = name.split(separator: "/").contains { $0.hasPrefix(".") }
      if !isHidden, audioExtensions.contains((name as NSString).pathExtension.lowercased()) { names.append(name) }
    }
    return names.sorted().map { name in
      File(path: (folder as NSString).appendingPathComponent(name), relativePath: name)
    }
  }
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

  /// The path of the output for `file`, with `pathExtension` behind its name.
  func path(for file: InputFiles.File, pathExtension: String) throws -> String {
    switch self {
    case .standardOutput: return "-"
    case .file(let path): return path
    case .folder(let folder):
      let path = (folder as NSString).appendingPathComponent(file.relativePath + "." + pathExtension)
      let parent = (path as NSString).deletingLastPathComponent
      do {
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
      } catch {
        throw Failure("\(parent): cannot make the folder")
      }
      return path
    }
  }

  /// - Throws: ``Misuse`` where two inputs would have the same output.
  func checkNames(of inputs: InputFiles) throws {
    guard case .folder = self else { return }
    var seen: [String: String] = [:]
    for file in inputs.files {
      if let other = seen.updateValue(file.path, forKey: file.relativePath) {
        throw Misuse("\(other) and \(file.path) would have the same output")
      }
    }
  }
}
