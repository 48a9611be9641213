@testable import AudioFiles

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file without a name that holds an input.
struct InputCopy: ~Copyable {
  private let file: OwnedDescriptor

  init(_ bytes: [UInt8]) throws {
    let file = try makeUnlinkedTemporary()
    let count = bytes.withUnsafeBytes { pwrite(file.number, $0.baseAddress, $0.count, 0) }
    try require(count == bytes.count, "no room for the input")
    self.file = file
  }

  var descriptor: Int32 { file.number }

  func reader(_ format: RawSampleFormat?) throws(AudioFileError) -> AudioFileReader {
    try AudioFileReader(input: file.number, format)
  }
}

/// A stream in which an input waits in pieces, at the end of each of which a read ends.
struct InputPieces: ~Copyable {
  private let receiving: OwnedDescriptor

  /// - Parameter descriptor: Any that is open.
  init(_ bytes: [UInt8], seed: Int, _ descriptor: Int32) throws {
    var pair: [Int32] = [-1, -1]
    #if os(Linux)
      let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    try require(socketpair(AF_UNIX, kind, 0, &pair) == 0, "no pair of sockets")
    let receiving = OwnedDescriptor(pair[0])
    let sending = OwnedDescriptor(pair[1])
    for cut in FuzzInput.cuts(of: bytes.count, seed: seed) where !cut.isEmpty {
      let count = bytes[cut].withUnsafeBytes { sendPiece($0, to: sending.number, with: descriptor) }
      try require(count == cut.count, "no room for \(cut.count) bytes of the input")
    }
    self.receiving = receiving
  }

  func reader(_ format: RawSampleFormat?) throws(AudioFileError) -> AudioFileReader {
    try AudioFileReader(input: receiving.number, format)
  }
}

extension AudioFileReader {
  fileprivate init(input descriptor: Int32, _ format: RawSampleFormat?) throws(AudioFileError) {
    if let format {
      try self.init(fileDescriptor: descriptor, name: "input", raw: format)
    } else {
      try self.init(fileDescriptor: descriptor, name: "input")
    }
  }
}

/// Sends bytes together with a descriptor. Data with such a companion is a barrier (unix(7), "Ancillary messages"): a
/// read does not go beyond it, so that a single thread makes a stream that comes in pieces. The companion itself is
/// closed by the system when it is read.
private func sendPiece(_ bytes: UnsafeRawBufferPointer, to socket: Int32, with descriptor: Int32) -> Int {
  #if os(Linux)
    var part = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    // struct cmsghdr and its content, by hand: its macros are not for Swift.
    let headerSize = MemoryLayout<cmsghdr>.size
    let control = UnsafeMutableRawBufferPointer.allocate(byteCount: headerSize + 8, alignment: 8)
    defer { control.deallocate() }
    var header = cmsghdr()
    header.cmsg_len = .init(headerSize + 4)
    header.cmsg_level = SOL_SOCKET
    header.cmsg_type = Int32(SCM_RIGHTS)
    control.storeBytes(of: header, as: cmsghdr.self)
    control.storeBytes(of: descriptor, toByteOffset: headerSize, as: Int32.self)
    return withUnsafeMutablePointer(to: &part) { part in
      var message = msghdr()
      message.msg_iov = part
      message.msg_iovlen = 1
      message.msg_control = control.baseAddress
      message.msg_controllen = headerSize + 8
      return sendmsg(socket, &message, Int32(MSG_DONTWAIT))
    }
  #else
    return write(socket, bytes.baseAddress, bytes.count)
  #endif
}
