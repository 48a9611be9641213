import AudioDSP
import CCrypto
import CMeasurement
import Foundation

extension KernelStage.Block {
  static func base64Encode(_ byteCount: Int) throws -> Self {
    let bytes = AlignedBuffer(Signals.bytes(count: byteCount))
    let characterCount = Base64.encodedCount(forByteCount: byteCount)
    // OpenSSL ends its output with a zero.
    let characters = AlignedBuffer<UInt8>(
      count: characterCount + 1, offset: outputOffset(inputByteCount: byteCount, outputByteCount: characterCount))
    let due = reference(bytes.elements)
    let data = Data(bytes.elements)
    var encoded = ""
    func verify() throws { try check(UnsafeRawBufferPointer(characters.elements).prefix(characterCount), due) }
    return KernelStage.Block(
      sizeInBytes: byteCount,
      ours: .init(
        name: "ours",
        repeat: { count in
          var output = characters.elements.mutableSpan
          for _ in 0..<count {
            _ = try Base64.encode(UnsafeRawBufferPointer(bytes.elements).bytes, into: &output)
            cm_keep(characters.base)
          }
        }, verify: verify),
      peers: [
        .init(
          name: "foundation",
          repeat: { count in
            // As a string, which is faster than as data.
            for _ in 0..<count { encoded = data.base64EncodedString() }
          }, verify: { try Array(encoded.utf8).withUnsafeBytes { try check($0[...], due) } }),
        .init(
          name: "openssl",
          repeat: { count in
            for _ in 0..<count {
              EVP_EncodeBlock(characters.base, bytes.base, Int32(byteCount))
              cm_keep(characters.base)
            }
          }, verify: verify),
        copy(bytes, byteCount: byteCount),
      ])
  }

  static func base64Decode(_ byteCount: Int) throws -> Self {
    let due = Signals.bytes(count: byteCount)
    let characters = due.withUnsafeBufferPointer { AlignedBuffer(reference($0)) }
    let characterCount = characters.elements.count
    let bytes = AlignedBuffer<UInt8>(
      count: byteCount, offset: outputOffset(inputByteCount: characterCount, outputByteCount: byteCount))
    let text = String(decoding: characters.elements, as: UTF8.self)
    var decoded: Data?
    func verify() throws { try check(UnsafeRawBufferPointer(bytes.elements)[...], due) }
    return KernelStage.Block(
      sizeInBytes: byteCount,
      ours: .init(
        name: "ours",
        repeat: { count in
          var output = bytes.elements.mutableSpan
          for _ in 0..<count {
            _ = try Base64.decode(UnsafeBufferPointer(characters.elements).span, into: &output)
            cm_keep(bytes.base)
          }
        }, verify: verify),
      peers: [
        .init(
          name: "foundation",
          repeat: { count in
            // From a string, which is faster than from data.
            for _ in 0..<count { decoded = Data(base64Encoded: text) }
          }, verify: { try (decoded ?? Data()).withUnsafeBytes { try check($0[...], due) } }),
        .init(
          name: "openssl",
          repeat: { count in
            for _ in 0..<count {
              EVP_DecodeBlock(bytes.base, characters.base, Int32(characterCount))
              cm_keep(bytes.base)
            }
          }, verify: verify),
        copy(characters, byteCount: byteCount),
      ])
  }

  private static func check(_ output: Slice<UnsafeRawBufferPointer>, _ due: [UInt8]) throws {
    guard output.elementsEqual(due) else { throw WrongResult("a wrong text or wrong bytes") }
  }

  /// RFC 4648 by the letter: six bits at a time.
  private static func reference(_ bytes: some Collection<UInt8>) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var characters: [UInt8] = []
    var (bits, bitCount) = (0, 0)
    for byte in bytes {
      bits = (bits << 8 | Int(byte)) & 0xffff
      bitCount += 8
      while bitCount >= 6 {
        bitCount -= 6
        characters.append(alphabet[bits >> bitCount & 63])
      }
    }
    if bitCount > 0 { characters.append(alphabet[bits << (6 - bitCount) & 63]) }
    while !characters.count.isMultiple(of: 4) { characters.append(UInt8(ascii: "=")) }
    return characters
  }
}
