import AudioFiles
import AudioTestSupport
import Foundation
import Synchronization
import Testing

/// libmpg123 is kept from standard error; nothing of ours is.
@Suite struct StandardErrorTests {
  @Test("MPEG streams are decoded by several threads at once, and what is told meanwhile arrives")
  func threads() async throws {
    let folder = try TemporaryFolder()
    // With a hole, of which libmpg123 would tell.
    var bytes = MadeFile.mp3(bitRates: [Int](repeating: 64, count: 200))
    for i in 20_900..<25_080 { bytes[i] = 0x55 }
    let path = try folder.write("file.mp3", bytes)
    let result = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
      [path = path as String] in
      let done = Mutex(0)
      let group = DispatchGroup()
      for _ in 0..<4 {
        group.enter()
        Thread {
          for _ in 0..<20 { _ = try? audioFileError { _ = try Recording(path, blockSizes: [50]) } }
          done.withLock { $0 += 1 }
          group.leave()
        }.start()
      }
      let handle = FileHandle(fileDescriptor: StandardError.descriptor, closeOnDealloc: false)
      var count = 0
      while done.withLock({ $0 }) < 4 || count < 1_000 {
        handle.write(Data("line \(count)\n".utf8))
        count += 1
      }
      group.wait()
      handle.write(Data("\(count) lines\n".utf8))
      // Descriptor 2 is itself again.
      FileHandle.standardError.write(Data("end".utf8))
    }
    let lines = String(decoding: result.standardErrorContent, as: UTF8.self).split(separator: "\n").filter {
      !$0.contains("warning:") || $0.contains("mpg123")
    }
    let own = lines.filter { $0.hasPrefix("line ") }
    #expect(own == own.indices.map { "line \($0)" })
    #expect(lines.contains { $0 == "\(own.count) lines" })
    #expect(lines.last == "end")
    #expect(!lines.contains { $0.contains("mpg123") || $0.contains("Note:") })
  }
}
