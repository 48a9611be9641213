/// The two companding laws of ITU-T G.711 (11/88): eight bits a sample, at 8 kHz in telephony.
public enum G711: String, Sendable, CaseIterable {
  /// 14-bit range; North America and Japan.
  case muLaw
  /// 13-bit range; everywhere else.
  case aLaw

  /// Encodes each sample as the code whose interval holds it. Does not allocate.
  ///
  /// - Precondition: `output` has room for `input.count` bytes.
  public func encode(_ input: Span<Int16>, into output: inout MutableSpan<UInt8>) {
    Kernels.active.encode(self, input, into: &output)
  }

  /// Decodes each code as the middle of its interval, scaled to 16 bits. Does not allocate.
  ///
  /// - Precondition: `output` has room for `input.count` samples.
  public func decode(_ input: Span<UInt8>, into output: inout MutableSpan<Int16>) {
    Kernels.active.decode(self, input, into: &output)
  }

  package func encode(_ input: Span<Int16>, into output: inout MutableSpan<UInt8>, backend: KernelBackend) {
    Kernels(backend).encode(self, input, into: &output)
  }

  package func decode(_ input: Span<UInt8>, into output: inout MutableSpan<Int16>, backend: KernelBackend) {
    Kernels(backend).decode(self, input, into: &output)
  }
}
