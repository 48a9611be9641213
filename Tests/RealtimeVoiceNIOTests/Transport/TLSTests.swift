import Testing

@testable import RealtimeVoiceNIO

extension TransportTests {
  @Suite struct TLSTests {
    private static func configuration(
      _ roots: TransportConfiguration.TLS.TrustRoots, additional: [[UInt8]] = [], name: String? = nil
    ) -> TransportConfiguration {
      var configuration = TransportConfiguration.patient
      configuration.tls.trustRoots = roots
      configuration.tls.additionalTrustRoots = additional
      configuration.tls.serverHostname = name
      return configuration
    }

    private static var authority: [UInt8] { get throws { try Fixtures.bytes("authority.pem") } }

    @Test func theAuthoritysCertificateIsTakenForEachOfItsNames() async throws {
      let server = try await ScriptedServer.start(certificate: "localhost")
      let authority = try Self.authority
      for (host, configuration) in [
        ("127.0.0.1", Self.configuration(.pem(authority))),
        ("localhost", Self.configuration(.pemFile(Fixtures.path("authority.pem")))),
        ("127.0.0.1", Self.configuration(.pem(authority), name: "localhost")),
        ("localhost", Self.configuration(.system, additional: [authority])),
      ] {
        let recorder = Recorder()
        let connection = try await WebSocketConnection.connect(
          server.request(isSecure: true, host: host), configuration: configuration, on: ScriptedServer.loop,
          delegate: recorder
        ).get()
        _ = try await connection.run { $0.send(text: [0x61]) }
        #expect(await server.frame(opcode: 1)?.payload == [0x61])
        try await connection.run { $0.close() }
      }
      try await server.stop()
    }

    @Test(arguments: [
      ("elsewhere", "not for this host name"), ("expired", "has expired"),
      ("stranger", "not from an authority that is trusted"),
    ])
    func certificatesThatDoNotPassAreRefusedInWords(certificate: String, words: String) async throws {
      let server = try await ScriptedServer.start(certificate: certificate)
      let failure = await server.failure(
        server.request(isSecure: true, host: "localhost"), configuration: Self.configuration(.pem(try Self.authority)))
      guard case .tls(let text) = failure?.code else {
        Issue.record("\(failure as Any)")
        return
      }
      #expect(text.contains(words))
      #expect(failure?.isTransient == false)
      #expect(await server.hasClosed())
      try await server.stop()
    }

    @Test func theSystemDoesNotTrustTheTestsAuthority() async throws {
      let server = try await ScriptedServer.start(certificate: "localhost")
      let failure = await server.failure(
        server.request(isSecure: true), configuration: Self.configuration(.system))
      guard case .tls = failure?.code else {
        Issue.record("\(failure as Any)")
        return
      }
      try await server.stop()
    }

    @Test func anotherNameThanTheCertificatesIsRefused() async throws {
      let server = try await ScriptedServer.start(certificate: "localhost")
      let failure = await server.failure(
        server.request(isSecure: true),
        configuration: Self.configuration(.pem(try Self.authority), name: "other.invalid"))
      #expect(failure?.code == .tls("the server's certificate is not for this host name"))
      try await server.stop()
    }

    @Test func wildcardsStandForOneLabel() {
      for (pattern, host, isRight) in [
        ("a.b.c", "A.b.C", true), ("*.b.c", "a.b.c", true), ("*.b.c", "x.a.b.c", false), ("*.b.c", "b.c", false),
        ("*.c", "b.c", false), ("a*.b.c", "ab.b.c", false), ("a.b.c", "a.b.c.", true), ("*", "c", false),
        ("", "", false),
        ("*.*.c", "a.b.c", false),
      ] { #expect(CertificateNames.matches(pattern: pattern, host: host) == isRight, "\(pattern) \(host)") }
    }

    @Test func aServerWithoutTLSIsToldApart() async throws {
      let talker = try await ScriptedServer.start(greeting: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
      let failure = await talker.failure(talker.request(isSecure: true))
      #expect(failure?.code == .tls("the server does not speak TLS on this port"))
      try await talker.stop()
    }

    @Test(arguments: [
      TransportConfiguration.TLS.TrustRoots.pemFile("/nowhere/authority.pem"), .pemFile("/dev/null"), .pem([]),
      .pem(Array("nothing".utf8)),
    ])
    func rootsThatAreNoneAreSaidSo(roots: TransportConfiguration.TLS.TrustRoots) async throws {
      let server = try await ScriptedServer.start(certificate: "localhost")
      let failure = await server.failure(server.request(isSecure: true), configuration: Self.configuration(roots))
      guard case .tls(let text) = failure?.code else {
        Issue.record("\(failure as Any)")
        return
      }
      #expect(text.contains("trusted certificates"))
      try await server.stop()
    }
  }
}
