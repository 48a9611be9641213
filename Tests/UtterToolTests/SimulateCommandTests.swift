import Foundation
import Testing

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// What `utter simulate` says where it cannot listen.
@Suite struct SimulateCommandTests {
  @Test("A port that is in use is one line and status 1, and nothing is written")
  func portInUse() throws {
    let taken = try TakenPort()
    let outcome = try Tool.run("simulate", "--port", "\(taken.number)")
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    #expect(
      outcome.errorLines == [
        "utter: simulate: port \(taken.number) is in use: another program listens on 127.0.0.1:\(taken.number)", "",
      ])
  }
}

/// A port of this machine on which something listens, while this is there.
private final class TakenPort {
  let number: Int
  private let descriptor: Int32

  init() throws {
    #if canImport(Darwin)
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #else
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    self.descriptor = descriptor
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, size) == 0 && listen(descriptor, 1) == 0
          && getsockname(descriptor, address, &size) == 0
      }
    }
    number = Int(UInt16(bigEndian: address.sin_port))
    try #require(isListening && number > 0)
  }

  deinit { close(descriptor) }
}
