import AudioFiles
import Foundation

/// Where pieces and manifests go: below one folder.
struct PiecePlace: Sendable {
  private let folder: String
  private let manifests: OutputPlace
  private let inputIdentities: Set<String>

  /// - Throws: ``Misuse`` where two outputs would have one place, or an output may get the place of an input.
  init(_ folder: String, for inputs: InputFiles) throws {
    guard !folder.isEmpty, folder != "-" else { throw Misuse("--out-dir needs the name of a folder") }
    let folder = folder.hasSuffix("/") ? folder : folder + "/"
    self.folder = folder
    manifests = try OutputPlace(folder, for: inputs, option: "--out-dir DIR", pathExtension: "segments.jsonl")
    inputIdentities = Set(inputs.files.lazy.filter { $0.path != "-" }.map { identity(of: $0.path) })
    let manifests = manifests
    try checkOutputs(
      inputs.files.map { manifests.plannedPath(for: $0) } + [allManifestPath], inputs: inputs.files.map(\.path))
    try checkPieces(of: inputs)
  }

  /// The manifest of all recordings.
  var allManifestPath: String { folder + "manifest.jsonl" }

  /// The manifest of a recording, which is there when all of its pieces are.
  func manifestPath(of file: InputFiles.File) -> String { manifests.plannedPath(for: file) }

  /// The folder is made.
  func makeFolder(of file: InputFiles.File) throws { _ = try manifests.path(for: file) }

  func makeFolder() throws { try OutputFolders.make((allManifestPath as NSString).deletingLastPathComponent) }

  /// A piece's path below the folder: four digits, and more behind 9,999.
  static func name(_ index: Int, of file: InputFiles.File, _ container: AudioContainer) -> String {
    "\(file.relativePath).\(String(format: "%04d", index)).\(container.rawValue)"
  }

  func path(_ name: String) -> String { folder + name }

  /// - Throws: ``Failure`` where an input has the path of a piece, by a link say.
  func check(_ path: String) throws {
    if inputIdentities.contains(identity(of: path)) { throw Failure("\(path): is an input") }
  }

  /// Whether a name is what a piece of `file` would be called, in any container.
  static func isPiece(_ name: String, of file: InputFiles.File) -> Bool {
    guard name.utf8.starts(with: file.relativePath.utf8) else { return false }
    let parts = String(decoding: name.utf8.dropFirst(file.relativePath.utf8.count), as: UTF8.self)
      .split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let index = Int(parts[1]), let container = AudioContainer(rawValue: String(parts[2])),
      index > 0
    else { return false }
    return Self.name(index, of: file, container).utf8.elementsEqual(name.utf8)
  }

  /// The pieces of an earlier run, which are all there, and such as are asked for now.
  ///
  /// - Throws: ``EarlierRunError``
  func earlierPieces(of file: InputFiles.File, _ format: PieceFormat) throws(EarlierRunError) -> [Piece]? {
    guard let bytes = try manifestBytes(of: file) else { return nil }
    let pieces: [Piece]
    do { pieces = try PieceManifest.pieces(in: bytes) } catch { throw .damagedManifest(error) }
    for piece in pieces {
      guard Self.isPiece(piece.file, of: file) else { throw .notItsOwn(piece.file) }
      guard piece.recording == file.path else { throw .otherRecording(piece.recording) }
      guard format.isThat(of: piece) else { throw .otherFormat(piece.file) }
      guard Self.regularFileSize(path(piece.file)) == piece.bytes else { throw .missingPiece(piece.file) }
    }
    return pieces
  }

  /// Removes the pieces of an earlier run that its manifest lists, and the manifest; nothing that is not called as a piece
  /// of `file` is.
  func removeEarlierPieces(of file: InputFiles.File) throws {
    // What stands in the manifest's place and is no manifest lists nothing.
    let bytes = (try? manifestBytes(of: file)) ?? nil
    for name in bytes.map(PieceManifest.fileNames) ?? [] where Self.isPiece(name, of: file) {
      try Self.remove(path(name))
    }
    // The last of all: whoever is stopped before goes on here.
    try Self.remove(manifestPath(of: file))
  }

  /// Removes pieces that come right behind the last one, which a run left that was killed: no manifest lists them.
  func removeLeftPieces(of file: InputFiles.File, behind count: Int, _ container: AudioContainer) throws {
    var index = count + 1
    while Self.regularFileSize(path(Self.name(index, of: file, container))) != nil {
      try Self.remove(path(Self.name(index, of: file, container)))
      index += 1
    }
  }

  /// Removes a file; that it is not there is no failure.
  static func remove(_ path: String) throws {
    if unsafe unlink(path) != 0, errno != ENOENT, errno != ENOTDIR {
      throw Failure("\(path): cannot remove it: \(unsafe String(cString: strerror(errno)))")
    }
  }

  private func manifestBytes(of file: InputFiles.File) throws(EarlierRunError) -> Data? {
    let path = manifestPath(of: file)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    // Opening a pipe would wait for ever.
    guard let size = Self.regularFileSize(path) else { throw .unreadableManifest }
    guard size <= PieceManifest.greatestSize else { throw .damagedManifest(.tooLarge(byteCount: size)) }
    guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: path)) else { throw .unreadableManifest }
    return bytes
  }

  /// The size of a file; nil where there is none, or none that is regular.
  static func regularFileSize(_ path: String) -> Int? {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// - Throws: ``Misuse`` where an input lies where a piece of an input may come to lie.
  private func checkPieces(of inputs: InputFiles) throws {
    let start = linkTarget(folder) + "/"
    let recordings = Dictionary(inputs.files.map { ($0.relativePath, $0) }) { first, _ in first }
    for input in inputs.files where input.path != "-" {
      let path = linkTarget(input.path)
      guard path.hasPrefix(start) else { continue }
      let name = String(path.dropFirst(start.count))
      // Two parts behind the recording's name: the number and the container.
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count > 2, let recording = recordings[parts.dropLast(2).joined(separator: ".")],
        Self.isPiece(name, of: recording)
      else { continue }
      throw Misuse("\(input.path) is an input, and has the name of a piece of \(recording.path)")
    }
  }
}

/// Why what an earlier run left is not to be gone on with.
enum EarlierRunError: Error, CustomStringConvertible {
  case unreadableManifest
  case damagedManifest(PieceManifestError)
  /// The manifest lists what is no piece of its recording.
  case notItsOwn(String)
  /// The manifest is of a recording that was named in another way, which may be another one of the same name.
  case otherRecording(String)
  /// A piece has another rate, encoding or container.
  case otherFormat(String)
  /// A piece is not there, or has another size than the manifest says.
  case missingPiece(String)

  var description: String {
    switch self {
    case .unreadableManifest: "the manifest cannot be read"
    case .damagedManifest(let error): "the manifest is damaged: \(error)"
    case .notItsOwn(let name): "the manifest lists \(name), which is no piece of this recording"
    case .otherRecording(let path): "the pieces that are there were made of \(path)"
    case .otherFormat(let name): "\(name) has another rate, encoding or container"
    case .missingPiece(let name): "\(name) is missing, or not as long as the manifest says"
    }
  }
}
