import Foundation
import RealtimeVoice
import RealtimeVoiceNIO
import Synchronization
import Testing

extension ClientSuites {
  @Suite("Asking again", .timeLimit(.minutes(10))) struct AskingAgainTests {
    @Test(
      "A question whose words are known is asked once more where the connection ends before any of its answer comes")
    func onceMore() async throws {
      let answer = (0..<2_400).map { Int16($0) }
      let received = Mutex<[[String]]>([])
      let server = try await ScriptedServer.start(
        opened: { peer in
          peer.count = received.withLock { connections in
            connections.append([])
            return connections.count
          }
          peer.say(#"{"type":"session.created","session":{"id":"s\#(peer.count)","type":"realtime"}}"#)
        },
        frame: { peer, frame in
          if frame.opcode == 8 {
            peer.send(ServerFrame.bytes(0x88, frame.payload))
            return peer.close()
          }
          let text = String(decoding: frame.payload, as: UTF8.self)
          received.withLock { $0[peer.count - 1].append(text) }
          switch Self.type(of: text) {
          case "input_audio_buffer.commit":
            peer.say(#"{"type":"input_audio_buffer.committed","item_id":"u1"}"#)
            peer.say(
              #"{"type":"conversation.item.input_audio_transcription.completed","item_id":"u1","transcript":"How late is it?"}"#
            )
          // The client's last message: nothing of its is unread when the connection ends, so that all of ours arrives.
          case "response.create":
            peer.say(#"{"type":"response.created","response":{"id":"r\#(peer.count)","status":"in_progress"}}"#)
            peer.count == 1 ? peer.close() : peer.speak(answer)
          default: break
          }
        })
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: "ws://127.0.0.1:\(server.port)/"), Conversation.configuration(.openAI))
      let question = [Int16](repeating: 1000, count: 9_600)
      let outcome = try await Conversation.hold(client, turns: [question], rate: .hz24000)
      try await server.stop()

      #expect(outcome.readyCount == 2)
      #expect(outcome.events.count { if case .reconnecting = $0 { true } else { false } } == 1)
      // Asked on each connection once: of the first by voice, of the second in words.
      let connections = received.withLock { $0 }
      let types = connections.map { $0.map(Self.type) }
      #expect(types.map { $0.count { $0 == "response.create" } } == [1, 1])
      #expect(types.map { $0.count { $0 == "input_audio_buffer.commit" } } == [1, 0])
      #expect(types.last?.contains("input_audio_buffer.append") == false)
      #expect(connections.map { $0.count { $0.contains("How late is it?") } } == [0, 1])
      // It is answered, and that once.
      let isPlayed = outcome.played == [answer]
      #expect(isPlayed, "\(outcome.played.map(\.count))")
      #expect(outcome.ends.count == 1)
      if case .told(let end) = outcome.ends.first {
        #expect(end.status == .completed)
      } else {
        Issue.record("not told")
      }
      #expect(outcome.sessionEnd == .closed)
    }

    private static func type(of message: String) -> String {
      let object = try? JSONSerialization.jsonObject(with: Data(message.utf8)) as? [String: Any]
      return object?["type"] as? String ?? ""
    }
  }
}

extension Peer {
  fileprivate func say(_ text: String) { send(ServerFrame.text(text)) }

  /// All of the second response.
  fileprivate func speak(_ samples: [Int16]) {
    let bytes = samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    say(
      #"{"type":"response.output_audio.delta","response_id":"r2","item_id":"i2","output_index":0,"content_index":0,"delta":"\#(Data(bytes).base64EncodedString())"}"#
    )
    say(
      #"{"type":"response.output_audio.done","response_id":"r2","item_id":"i2","output_index":0,"content_index":0}"#)
    say(#"{"type":"response.done","response":{"id":"r2","status":"completed"}}"#)
  }
}
