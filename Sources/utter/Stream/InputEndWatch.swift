import AudioFiles
import Dispatch

/// Does something when the inputs are ended, by Ctrl-C or from here: for whoever waits for something else.
final class InputEndWatch {
  private let source: any DispatchSourceRead

  /// Nil where no descriptors are left; waits then end by themselves, or by a second Ctrl-C.
  init?(_ body: @escaping @Sendable () -> Void) {
    let descriptor = LiveInputs.endDescriptor
    guard descriptor >= 0 else { return nil }
    source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
    source.setEventHandler { [source] in
      source.cancel()
      body()
    }
    source.resume()
  }

  func stop() { source.cancel() }
}
