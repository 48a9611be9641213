import AudioFiles
import Foundation

/// Where the outputs of single files go.
struct OutputPlace: Sendable {
  enum Kind: Sendable {
    case standardOutput
    case file(String)
    case folder(String)
  }

  let kind: Kind
  /// What stands behind an input's name in a folder of outputs, without its period.
  let pathExtension: String

  /// - Parameters:
  ///   - path: What the user named; nothing means standard output.
  ///   - option: What to ask for in a message, such as `--out FOLDER`.
  /// - Throws: ``Misuse`` where several inputs have one place.
  init(_ path: String?, for inputs: InputFiles, option: String, pathExtension: String) throws {
    self.pathExtension = pathExtension
    let path = path ?? "-"
    let isPlaceForMany = path.hasSuffix("/") || isFolder(path)
    if inputs.isMultiple {
      // A name that would be a file's is none for a folder that is not there.
      let last = pathExtension.split(separator: ".").last?.lowercased() ?? ""
      let isNamedAsFile = (path as NSString).pathExtension.lowercased() == last
      let exists = FileManager.default.fileExists(atPath: path)
      guard path != "-", isPlaceForMany || !exists && !isNamedAsFile else {
        throw Misuse("several inputs need a folder for their outputs: \(option)")
      }
      kind = .folder(path)
    } else if path == "-" {
      kind = .standardOutput
    } else {
      kind = isPlaceForMany ? .folder(path) : .file(path)
    }
  }

  /// As ``init(_:for:option:pathExtension:)``, for an output that can hold the results of several inputs: only what is
  /// a folder already, or ends with `/`, gets one for each.
  init(shared path: String?, pathExtension: String) {
    self.pathExtension = pathExtension
    let path = path ?? "-"
    kind =
      path == "-" ? .standardOutput : path.hasSuffix("/") || isFolder(path) ? .folder(path) : .file(path)
  }

  static let standardOutput = OutputPlace(shared: "-", pathExtension: "")

  /// Whether each input has an output of its own.
  var isPerInput: Bool {
    if case .folder = kind { true } else { false }
  }

  /// The path of the output for `file`; its folder is made.
  func path(for file: InputFiles.File) throws -> String {
    let path = plannedPath(for: file)
    if case .folder = kind { try OutputFolders.make((path as NSString).deletingLastPathComponent) }
    return path
  }

  /// As ``path(for:)``, and nothing is made.
  func plannedPath(for file: InputFiles.File) -> String {
    switch kind {
    case .standardOutput: "-"
    case .file(let path): path
    case .folder(let folder): (folder as NSString).appendingPathComponent(file.relativePath + "." + pathExtension)
    }
  }

  /// Whether the output for `file` is there; never on standard output.
  func holdsOutput(for file: InputFiles.File) -> Bool {
    if case .standardOutput = kind { return false }
    var status = stat()
    return unsafe stat(plannedPath(for: file), &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }
}

/// Folders that are made for outputs, and go away where none came.
enum OutputFolders {
  /// Makes a folder and those above it, where they are not there.
  static func make(_ path: String) throws {
    var missing: [String] = []
    var above = path
    while !above.isEmpty, above != "/", !FileManager.default.fileExists(atPath: above) {
      missing.append(above)
      above = folder(above: above)
    }
    for folder in missing.reversed() {
      if unsafe mkdir(folder, 0o777) == 0 {
        AtomicFile.removeAtEndIfEmpty(folder: folder)
      } else if errno != EEXIST {
        throw Failure("\(path): cannot make the folder: \(unsafe String(cString: strerror(errno)))")
      }
    }
    guard isFolder(path.isEmpty ? "." : path) else { throw Failure("\(path): is no folder") }
  }

  /// The path without its last component; empty where there is one only. Foundation's own crashes on a single letter.
  private static func folder(above path: String) -> String {
    let name = path.reversed().drop { $0 == "/" }.prefix { $0 != "/" }
    return String(path[..<(name.endIndex.base)])
  }
}

/// - Throws: ``Misuse`` where two outputs would have one place, or an output the place of an input.
func checkOutputs(_ places: [OutputPlace], of inputs: InputFiles) throws {
  var paths: [String] = []
  for place in places {
    switch place.kind {
    case .standardOutput: paths.append("-")
    case .file(let path): paths.append(path)
    case .folder:
      // Where the names of two inputs meet, their outputs would.
      var sources: [String: String] = [:]
      for file in inputs.files {
        let path = place.plannedPath(for: file)
        if let other = sources.updateValue(file.path, forKey: path) {
          throw Misuse(
            "\(path) would be the output of both \(other) and \(file.path): name a folder above them, or give each a "
              + "run of its own")
        }
        paths.append(path)
      }
    }
  }
  try checkOutputs(paths, inputs: inputs.files.map(\.path))
}

/// As ``checkOutputs(_:of:)``, for paths that are known.
func checkOutputs(_ paths: [String], inputs: [String]) throws {
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
func identity(of path: String) -> String {
  let attributes = try? FileManager.default.attributesOfItem(atPath: linkTarget(path))
  if let device = attributes?[.systemNumber] as? Int, let number = attributes?[.systemFileNumber] as? Int {
    return "\(device):\(number)"
  }
  // What is not there yet will lie where the folder's links lead.
  let url = URL(filePath: path).standardizedFileURL
  return linkTarget(url.deletingLastPathComponent().path) + "/" + url.lastPathComponent
}

private func isDevice(_ path: String) -> Bool {
  let type = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
  return type != nil && type != .typeRegular && type != .typeDirectory && type != .typeSymbolicLink
}
