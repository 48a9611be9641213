import Foundation

/// Where pictures go, and what they are.
struct PlotPlace: Sendable {
  enum Format: String, Sendable {
    case svg, png
  }

  let place: OutputPlace
  let format: Format

  /// - Parameter path: What the user named: a file that ends in .svg or .png, or a folder, whose pictures are SVG.
  init(_ path: String, for inputs: InputFiles) throws {
    let named = Format(rawValue: (path as NSString).pathExtension.lowercased())
    let place = try OutputPlace(path, for: inputs, option: "--plot FOLDER", pathExtension: Format.svg.rawValue)
    switch place.kind {
    case .standardOutput:
      throw Misuse("--plot needs a name that ends in .svg or .png, or a folder")
    case .file:
      guard let named else { throw Misuse("--plot \(path.onOneLine): a picture's name ends in .svg or .png") }
      format = named
    case .folder:
      if named == .png, !path.hasSuffix("/"), !isFolder(path) {
        throw Misuse("several inputs need a folder for their outputs: --plot FOLDER")
      }
      format = .svg
    }
    self.place = place
  }
}
