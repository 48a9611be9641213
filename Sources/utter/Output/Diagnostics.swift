import AudioFiles
import Foundation
import Synchronization

/// Standard error: warnings, summaries and progress. Lines of several threads do not mix.
enum Diagnostics {
  private static let isBarShown = Mutex(false)

  /// Writes a line; what would break it, in a file's name say, is escaped.
  static func write(_ line: String) {
    write([line])
  }

  /// Writes lines that belong together.
  static func write(_ lines: [String]) {
    guard !lines.isEmpty else { return }
    let text = lines.map { $0.onOneLine + "\n" }.joined()
    isBarShown.withLock { isShown in
      put((isShown ? eraser : "") + text)
      isShown = false
    }
  }

  static func warn(_ line: String) {
    write(warning(line))
  }

  static func warning(_ line: String) -> String { "utter: warning: \(line)" }

  /// Whether somebody may be looking.
  static var isTerminal: Bool { isatty(StandardError.descriptor) == 1 }

  /// Shows a line of progress, in place of the one before.
  static func showBar(_ line: String) {
    isBarShown.withLock { isShown in
      put(eraser + line.onOneLine)
      isShown = true
    }
  }

  /// Takes the line of progress away.
  static func eraseBar() {
    isBarShown.withLock { isShown in
      if isShown { put(eraser) }
      isShown = false
    }
  }

  private static let eraser = "\r\u{1B}[K"

  private static func put(_ text: String) {
    // Whatever a decoder does with descriptor 2 at the time.
    let handle = FileHandle(fileDescriptor: StandardError.descriptor, closeOnDealloc: false)
    // Nothing can be done about a standard error that does not work.
    try? handle.write(contentsOf: Data(text.utf8))
  }
}
