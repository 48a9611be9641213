import AudioDSP
import RealtimeVoice
import Testing

/// Tools that services call.
struct SessionToolTests {
  private static let tools = [ToolDescription(name: "clock", description: "", parameters: "")]

  private static func asked() throws -> SessionRig {
    let rig = try AnswerTests.asked(tools: tools)
    rig.receive(ServiceWords.created())
    rig.forgetSent()
    return rig
  }

  private static func outputs(_ rig: SessionRig) -> [String] {
    rig.controls("conversation.item.create").compactMap { ($0["item"] as? [String: Any])?["output"] as? String }
  }

  @Test("A result is sent once, and an answer asked for once, when all calls have returned and the answer is over")
  func order() throws {
    // 0, 1: the calls return; 2: the answer ends.
    for order in [[0, 1, 2], [0, 2, 1], [2, 0, 1], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
      let rig = try Self.asked()
      for id in ["c0", "c1"] {
        for _ in 0..<2 { rig.receive(ServiceWords.call(id)) }
      }
      #expect(rig.calls.map(\.callID) == ["c0", "c1"])
      for (i, step) in order.enumerated() {
        #expect(!rig.controls.contains("response.create"))
        if step == 2 { rig.receive(ServiceWords.done()) } else { rig.returned("r\(step)", callID: "c\(step)") }
        #expect(!rig.isSettled)
        if i == 2 { #expect(rig.controls.last == "response.create") }
      }
      rig.returned("again", callID: "c0")
      #expect(Set(Self.outputs(rig)) == ["r0", "r1"] && Self.outputs(rig).count == 2)
      #expect(rig.controls.filter { $0 == "response.create" }.count == 1)
      rig.receive(ServiceWords.done("r2"))
      #expect(rig.isSettled)
      #expect(rig.controls.filter { $0 == "response.create" }.count == 1)
    }
  }

  @Test("A call that comes behind its answer's end is answered, too")
  func lateCall() throws {
    let rig = try Self.asked()
    rig.receive(ServiceWords.done())
    rig.receive(ServiceWords.call("c0"))
    rig.returned("12", callID: "c0")
    #expect(rig.controls == ["conversation.item.create", "response.create"])
  }

  @Test("A tool that there is not, and one that does not return, are answered with an error")
  func errors() throws {
    let rig = try Self.asked()
    rig.receive(ServiceWords.call("c0", "nothing"))
    rig.receive(ServiceWords.call("c1"))
    rig.receive(ServiceWords.done())
    #expect(rig.calls.map(\.callID) == ["c1"])
    rig.pass(.seconds(9))
    #expect(!rig.controls.contains("response.create"))
    rig.pass(.seconds(2))
    #expect(rig.actions.contains(.cancelCall(id: "c1")))
    #expect(rig.controls == ["conversation.item.create", "conversation.item.create", "response.create"])
    let results = rig.events.compactMap { event -> FunctionResult? in
      guard case .toolReturned(let result) = event else { return nil }
      return result
    }
    #expect(results.count == 2 && results.allSatisfy(\.isError))
    rig.returned("late", callID: "c1")
    #expect(Self.outputs(rig).count == 2 && !Self.outputs(rig).contains("late"))
  }

  @Test("A duplicate call is not called again, however many events lie between")
  func duplicate() throws {
    let rig = try Self.asked()
    rig.receive(ServiceWords.call("c0"))
    rig.returned("12", callID: "c0")
    for i in 0..<600 { rig.receive(#"{"type":"rate_limits.updated","event_id":"x\#(i)","rate_limits":[]}"#) }
    rig.receive(ServiceWords.call("c0"))
    #expect(rig.calls.count == 1)
  }

  @Test("A result that is longer than a service takes becomes an error")
  func long() throws {
    let rig = try Self.asked()
    rig.receive(ServiceWords.call("c0"))
    rig.returned(String(repeating: "x", count: 16 << 20), callID: "c0")
    #expect(Self.outputs(rig).first?.contains("longer") == true)
    #expect(!rig.write(String(repeating: "x", count: 16 << 20)))
  }

  private static func gemini() throws -> SessionRig {
    var setup = SessionConfiguration(.gemini)
    setup.turnTaking = .pushToTalk(prefixPadding: .zero)
    let rig = try SessionRig(setup, tools: tools, toolLimits: ["clock": .seconds(60)])
    try AnswerTests.ask(rig)
    rig.forgetSent()
    return rig
  }

  @Test("Gemini waits for its tools inside of an answer: it does not stall, and no other answer is waited for")
  func geminis() throws {
    let rig = try Self.gemini()
    rig.receive(
      #"{"toolCall":{"functionCalls":[{"id":"a","name":"clock","args":{"x":1}},{"name":"clock"},{"name":"clock"}]}}"#)
    // Those without an identifier are told apart here, and not there.
    #expect(rig.calls.count == 3 && Set(rig.calls.map(\.callID)).count == 3)
    rig.pass(.seconds(40))
    #expect(!rig.events.contains { if case .answerFinished = $0 { true } else { false } })
    for call in rig.calls { rig.returned("12", callID: call.callID) }
    let responses = rig.controls("toolResponse").compactMap {
      (($0["toolResponse"] as? [String: Any])?["functionResponses"] as? [[String: Any]])?.first
    }
    #expect(responses.map { $0["id"] as? String } == ["a", nil, nil])
    rig.receive(ServiceWords(.gemini).audio(AnswerTests.samples(480)))
    rig.receive(#"{"serverContent":{"generationComplete":true}}"#)
    rig.receive(#"{"serverContent":{"turnComplete":true}}"#)
    #expect(AnswerTests.playOut(rig).count == 480)
    #expect(rig.events.filter { if case .answerFinished = $0 { true } else { false } }.count == 1)
  }

  @Test("Calls that Gemini cancels are given up, and nothing is owed for them")
  func cancelled() throws {
    let rig = try Self.gemini()
    rig.receive(#"{"toolCall":{"functionCalls":[{"id":"a","name":"clock"}]}}"#)
    rig.receive(#"{"toolCallCancellation":{"ids":["a","b"]}}"#)
    #expect(rig.actions.filter { $0 == .cancelCall(id: "a") }.count == 1)
    rig.returned("12", callID: "a")
    #expect(rig.controls.isEmpty)
    rig.receive(#"{"serverContent":{"interrupted":true}}"#)
    rig.receive(#"{"serverContent":{"turnComplete":true}}"#)
    #expect(rig.isSettled)
  }
}
