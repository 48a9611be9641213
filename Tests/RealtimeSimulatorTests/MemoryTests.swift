import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("Memory does not grow with time")
  struct MemoryTests {
    typealias Limits = SimulatorJournal.Limits

    private func open(_ core: SimulatorCore) -> SessionRecorder {
      core.openSession(.openAI, path: "/", headerNames: [], at: 0).recorder
    }

    @Test("The newest sessions are kept, the others counted")
    func sessions() {
      let core = SimulatorCore(SimulatorConfiguration())
      for _ in 0..<Limits.sessions + 250 { _ = open(core) }
      let journal = core.journal
      #expect(journal.sessionCount == Limits.sessions + 250)
      #expect(journal.sessions.map(\.number) == Array(251...Limits.sessions + 250))
    }

    @Test("Of a session's events, turns, items, responses and errors the first are kept, and of each a bounded part")
    func entries() {
      let core = SimulatorCore(SimulatorConfiguration())
      let recorder = open(core)
      let long = String(repeating: "é", count: 10_000)
      for _ in 0..<Limits.events + 10 { recorder.received("a", [1, 2], at: 0) }
      for number in 0..<Limits.entries + 10 {
        recorder.ended(turn: [], itemID: "\(number)", firstByteTime: 0, at: 0)
        recorder.created(item: "\(number)", kind: "user")
        recorder.created(response: "\(number)", at: 0)
        recorder.failed(ServiceError(code: "c", message: "m"), clientEventID: nil)
      }
      let session = recorder.snapshot
      #expect(session.clientEvents.count == Limits.events)
      #expect(session.clientEventCount == Limits.events + 10)
      #expect(session.turns.count == Limits.entries)
      #expect(session.items.count == Limits.entries)
      #expect(session.responses.count == Limits.entries)
      #expect(session.errors.count == Limits.entries)
      #expect(core.journal.turnCount == Limits.entries + 10)
      #expect(core.journal.responseCount == Limits.entries + 10)

      let other = open(core)
      other.received(long, Array(long.utf8), at: 0)
      other.received("a", Array(long.utf8), carriesAudio: true, at: 0)
      other.failed(ServiceError(code: "c", message: long, parameter: long), clientEventID: long)
      let kept = other.snapshot
      #expect(kept.clientEvents.map(\.type.utf8.count) == [Limits.eventBytes, 1])
      #expect(kept.clientEvents.map(\.json.utf8.count) == [Limits.eventBytes, 128])
      let error = kept.errors.first
      for text in [error?.message, error?.parameter, error?.clientEventID] {
        #expect(text?.utf8.count == Limits.eventBytes)
      }
    }

    @Test("What all sessions keep is bounded, too, and there again for others when a session is forgotten")
    func budgets() {
      let core = SimulatorCore(SimulatorConfiguration(), textLimit: 1_000_000, audioLimit: 100_000)
      let message = [UInt8](repeating: 65, count: 10_000)
      let first = open(core)
      first.received(audio: [UInt8](repeating: 0, count: 60_000))
      first.received(audio: [UInt8](repeating: 0, count: 60_000))
      #expect(first.snapshot.audio.count == 60_000)
      #expect(first.snapshot.audioByteCount == 120_000)
      first.ended(turn: [UInt8](repeating: 0, count: 50_000), itemID: "a", firstByteTime: 0, at: 0)
      #expect(first.snapshot.turns.map(\.audio.count) == [0])
      #expect(first.snapshot.turns.map(\.audioByteCount) == [50_000])
      for _ in 0..<1000 { open(core).received("a", message, at: 0) }
      #expect(core.journalSize.text <= 1_000_000)
      #expect(core.journalSize.text > 990_000)
      #expect(core.journalSize.audio == 60_000)
      #expect(core.journal.sessions.count { $0.clientEvents.isEmpty } > 700)
      // As long as somebody has the first one, it holds what it holds.
      for _ in 0..<Limits.sessions + 101 { _ = open(core) }
      #expect(core.journalSize.audio == 60_000)
      #expect(first.snapshot.audio.count == 60_000)
      let last = open(core)
      last.received("a", message, at: 0)
      #expect(last.snapshot.clientEvents.count == 1)
    }

    @Test("A forgotten session's audio is there for others")
    func forgottenAudio() {
      let core = SimulatorCore(SimulatorConfiguration(), audioLimit: 100_000)
      open(core).received(audio: [UInt8](repeating: 0, count: 100_000))
      let second = open(core)
      second.received(audio: [1])
      #expect(second.snapshot.audio.isEmpty)
      for _ in 0..<Limits.sessions + 101 { _ = open(core) }
      #expect(core.journalSize.audio == 0)
      open(core).received(audio: [1])
      #expect(core.journal.sessions.last?.audio == [1])
    }

    @Test("A session's audio is kept to its limit, or not at all where it is not wanted")
    func audio() {
      let core = SimulatorCore(SimulatorConfiguration())
      let recorder = open(core)
      recorder.received(audio: [UInt8](repeating: 0, count: Limits.audioBytes - 1))
      recorder.received(audio: [1, 2])
      #expect(recorder.snapshot.audio.count == Limits.audioBytes)
      #expect(recorder.snapshot.audio.last == 1)
      var configuration = SimulatorConfiguration()
      configuration.keepsAudio = false
      let other = SimulatorCore(configuration)
      let session = open(other)
      session.received(audio: [1, 2])
      session.ended(turn: [1, 2], itemID: "a", firstByteTime: 0, at: 0)
      #expect(session.snapshot.audio.isEmpty)
      #expect(session.snapshot.audioByteCount == 2)
      #expect(session.snapshot.turns.map(\.audioByteCount) == [2])
      #expect(session.snapshot.turns.map(\.audio) == [[]])
    }

    @Test("A path and names of headers of any length are kept in part")
    func request() {
      let core = SimulatorCore(SimulatorConfiguration())
      let long = String(repeating: "x", count: 5000)
      let names = [String](repeating: long, count: 500)
      let session = core.openSession(.openAI, path: long, headerNames: names, at: 0).recorder.snapshot
      #expect(session.path.count == 1024)
      #expect(session.headerNames.count == 64)
      #expect(session.headerNames.allSatisfy { $0.count == 64 })
    }

    // MARK: A running session

    private func create(_ id: String, _ text: String, _ session: ManualSession) {
      session.receive(
        #"{"type":"conversation.item.create","item":{"id":"\#(id)","type":"message","role":"user","content":[{"type":"input_text","text":"\#(text)"}]}}"#
      )
    }

    /// Whether there is such an item, and with how much audio.
    private func retrieve(_ id: String, _ session: ManualSession) throws -> Int? {
      _ = session.events()
      session.receive(#"{"type":"conversation.item.retrieve","item_id":"\#(id)"}"#)
      let event = try #require(session.events().first)
      return event.type == "error" ? nil : event.bytes("item.content.0.audio")?.count ?? 0
    }

    @Test("Items are forgotten from the oldest on: the client's, and the model's count as well")
    func items() throws {
      try withManualSession { session throws in
        for number in 0..<5000 { create("i\(number)", "a", session) }
        #expect(try retrieve("i0", session) == 0)
        session.receive(#"{"type":"response.create","response":{"output_modalities":["text"]}}"#)
        #expect(try retrieve("i0", session) == nil)
        #expect(try retrieve("i1", session) == 0)
        create("last", "a", session)
        #expect(try retrieve("i1", session) == nil)
        #expect(try retrieve("i2", session) == 0)
        #expect(try retrieve("last", session) == 0)
      }
    }

    @Test("Of items' texts 16 MiB are kept, and the last in any case")
    func texts() throws {
      try withManualSession { session throws in
        let openAI = try #require(session.session as? OpenAISession)
        func item(_ id: String, _ byteCount: Int) -> ConversationItem {
          let text = String(repeating: "x", count: byteCount)
          return ConversationItem(
            id: id, body: .message(role: "user", parts: [ConversationItem.Part(kind: .inputText, text: text)]))
        }
        openAI.items = (0..<4).map { item("i\($0)", 4 << 20) }
        create("i4", String(repeating: "x", count: 1 << 20 + 1), session)
        #expect(openAI.items.map(\.id) == ["i1", "i2", "i3", "i4"])
        openAI.items.append(item("large", 17 << 20))
        openAI.boundConversation(after: openAI.items[4])
        #expect(openAI.items.map(\.id) == ["large"])
        #expect(try retrieve("large", session) == 0)
      }
    }

    @Test("Of the user's audio 16 MiB can be retrieved, wherever in an item it is")
    func itemAudio() throws {
      try withManualSession { session throws in
        session.receive(SimulatorSuites.OpenAITurnTests.manual)
        let part = #"{"type":"input_audio","audio":"\#(Data(count: 3 << 20).base64EncodedString())"}"#
        for number in 0..<3 {
          session.receive(
            #"{"type":"conversation.item.create","item":{"id":"i\#(number)","type":"message","role":"user","content":[\#(part),\#(part)]}}"#
          )
        }
        #expect(try retrieve("i0", session) == 0)
        #expect(try retrieve("i1", session) == 3 << 20)
        #expect(try retrieve("i2", session) == 3 << 20)
      }
    }

    @Test("64 MiB of audio wait for a commit, and no more is taken")
    func pendingAudio() throws {
      try withManualSession { session throws in
        session.receive(SimulatorSuites.OpenAITurnTests.manual)
        _ = session.events()
        let openAI = try #require(session.session as? OpenAISession)
        openAI.pending = [UInt8](repeating: 0, count: 64 << 20 - 480)
        session.append([UInt8](repeating: 0, count: 480))
        #expect(session.events().isEmpty)
        session.append([0, 0])
        #expect(try session.event("error").string("error.code") == "input_audio_buffer_full")
        session.receive(#"{"type":"input_audio_buffer.clear"}"#)
        session.append([0, 0])
        #expect(session.events().map(\.type) == ["input_audio_buffer.cleared"])
      }
    }

    @Test("Silence that goes on for ever is not kept; speech that does is cut")
    func listening() {
      for keepsAll in [false, true] {
        let limit = 200_000
        var listener = TurnListener(.pcm16k, attack: 50, silence: 700, keepsAll: keepsAll, limit: limit)
        let silence = Sound.silence(milliseconds: 1000, rate: 16_000)
        for _ in 0..<30 {
          #expect(listener.append(silence).isEmpty)
          #expect(listener.heldByteCount <= limit)
        }
        let speech = Sound.speech(milliseconds: 1000, rate: 16_000)
        var turns: [Int] = []
        for _ in 0..<30 {
          for event in listener.append(speech) { if case .ended(let turn) = event { turns.append(turn.count) } }
          #expect(listener.heldByteCount <= limit)
        }
        #expect(turns.count >= 3)
        #expect(turns.allSatisfy { $0 > limit / 2 && $0 <= limit + speech.count })
      }
    }

    @Test("Of silence before a turn OpenAI's detection keeps a little")
    func detection() throws {
      try withManualSession { session throws in
        let openAI = try #require(session.session as? OpenAISession)
        for _ in 0..<100 { session.append(Sound.silence(milliseconds: 200)) }
        #expect(openAI.pending.count <= 4 * 48 * 400 + 48 * 200)
        #expect(openAI.pendingStart + openAI.pending.count == 48 * 20_000)
      }
    }

    @Test("Handles to resume by are kept for the newest 1000")
    func handles() {
      let core = SimulatorCore(SimulatorConfiguration())
      for number in 0..<1100 { core.keep(GeminiContext(audioTokens: number), for: "h\(number)") }
      #expect(core.context(of: "h99") == nil)
      #expect(core.context(of: "h100")?.audioTokens == 100)
      #expect(core.context(of: "h1099") != nil)
    }

    @Test("Pings that nobody answers are not remembered for ever")
    func pings() throws {
      try withManualSession(.elevenLabs, { $0.elevenLabsReceiveTimeout = .seconds(100_000) }) { session throws in
        for _ in 0..<1000 {
          session.pass(.seconds(2))
          // Keeps the session, but answers none.
          session.receive(#"{"type":"pong","event_id":0}"#)
        }
        #expect(session.closing == nil)
        #expect((session.session as? ElevenLabsSession)?.openPingCount ?? .max <= 100)
      }
    }
  }
}
