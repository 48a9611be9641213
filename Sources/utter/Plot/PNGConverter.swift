import Foundation

/// Makes a PNG of an SVG with librsvg's program, which need not be installed.
struct PNGConverter {
  private static let program = "rsvg-convert"
  /// Pixels per unit of the picture: sharp in print and on screens of many pixels.
  private static let zoom = "2"
  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// What the PNG is for; messages name it.
  private let name: String
  private let executable: URL

  /// - Throws: Where the program is not installed.
  init(for name: String) throws {
    guard let executable = Subprocess.find(Self.program) else {
      throw Failure(
        "\(name): a .png needs \(Self.program), which is not installed (Debian: librsvg2-bin); a .svg needs nothing")
    }
    self.name = name
    self.executable = executable
  }

  func png(of svg: String) throws -> [UInt8] {
    let outcome: Subprocess.Outcome
    do {
      outcome = try Subprocess.run(
        executable, ["--format", "png", "--zoom", Self.zoom], input: Array(svg.utf8))
    } catch {
      throw Failure("\(name): cannot run \(Self.program): \(error.localizedDescription)")
    }
    // A PNG's last chunk has a name and a checksum: without it, something is missing.
    guard outcome.status == 0, outcome.output.starts(with: Self.signature),
      outcome.output.suffix(8).starts(with: Array("IEND".utf8))
    else {
      let message = String(decoding: outcome.errors, as: UTF8.self).split(separator: "\n").first ?? "no picture came"
      throw Failure("\(name): \(Self.program) failed (status \(outcome.status)): \(message)")
    }
    return outcome.output
  }
}
