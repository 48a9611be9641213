import Foundation

/// Where pictures go, and what they are.
struct PlotPlace {
  enum Format: String {
    case svg, png
  }

  let place: OutputPlace
  let format: Format

  /// - Parameter path: What the user named: a file that ends in .svg or .png, or a folder, whose pictures are SVG.
  init(_ path: String, for inputs: InputFiles) throws {
    let named = Format(rawValue: (path as NSString).pathExtension.lowercased())
    place = try OutputPlace(path, for: inputs, option: "--plot")
    switch place {
    case .standardOutput:
      throw Misuse("--plot needs a name that ends in .svg or .png, or a folder")
    case .file:
      guard let named else { throw Misuse("--plot \(path.onOneLine): a picture's name ends in .svg or .png") }
      format = named
    case .folder:
      // A name that would be a picture's is none for a folder that is not there.
      if named != nil, !path.hasSuffix("/"), !FileManager.default.fileExists(atPath: path) {
        throw Misuse("several inputs need a folder for their outputs: --plot FOLDER")
      }
      format = .svg
    }
    // By their full names: an input may have a picture's.
    let paths = inputs.files.map { [place, format] in place.plannedPath(for: $0, pathExtension: format.rawValue) }
    try checkOutputs([place], paths: paths, inputs: inputs.files.map(\.path))
  }

  func path(for file: InputFiles.File) throws -> String {
    try place.path(for: file, pathExtension: format.rawValue)
  }
}
