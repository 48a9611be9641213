import Foundation
import NIOCore
import Testing

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("The service itself")
  struct ServerTests {
    private func request(_ url: String, _ body: Data? = nil) async throws -> (
      status: Int, json: [String: Any], text: String
    ) {
      var request = URLRequest(url: try #require(URL(string: url)), timeoutInterval: 20)
      if let body {
        request.httpMethod = "POST"
        request.httpBody = body
      }
      let (data, response) = try await URLSession.shared.data(for: request)
      let json = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
      return ((response as? HTTPURLResponse)?.statusCode ?? 0, json, String(decoding: data, as: UTF8.self))
    }

    @Test("It tells what it is, and refuses what it is not")
    func index() async throws {
      try await withSimulator { simulator in
        let root = "http://127.0.0.1:\(simulator.port)"
        let index = try await request(root + "/")
        #expect(index.status == 200)
        #expect(index.text.contains("/v1/convai/conversation"))
        #expect(try await request(root + "/nothing").status == 404)
        #expect(try await request(root + "/v1/realtime").status == 426)
        #expect(try await request(root + "/v1/chat/completions").status == 405)
      }
    }

    @Test("ElevenLabs' sessions are with an agent, named or signed for")
    func agents() async throws {
      try await withSimulator { simulator in
        await #expect(throws: WireClient.Refusal(status: 400)) {
          try await WireClient.connect(simulator, "/v1/convai/conversation")
        }
        _ = try await WireClient.connect(simulator, "/v1/convai/conversation?conversation_signature=s")
        #expect(simulator.journal.sessions.map(\.path) == ["/v1/convai/conversation"])
      }
    }

    @Test("Keys are asked for where one is required, wherever a service has them")
    func keys() async throws {
      try await withSimulator({ $0.requiredKey = "secret" }) { simulator in
        await #expect(throws: WireClient.Refusal(status: 401)) { try await VoiceClient.connect(simulator) }
        await #expect(throws: WireClient.Refusal(status: 401)) {
          try await VoiceClient.connect(simulator, headers: [("Authorization", "Bearer wrong")])
        }
        for header in [
          ("Authorization", "Bearer secret"), ("api-key", "secret"), ("xi-api-key", "secret"),
          ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.secret"),
        ] {
          let client = try await VoiceClient.connect(simulator, headers: [header])
          try await client.event("session.created")
        }
        _ = try await VoiceClient.connect(simulator, .gemini, query: "key=secret")
        #expect(!simulator.journal.sessions.contains { $0.path.contains("secret") })
      }
    }

    @Test("A stop closes with 1001, and takes no more")
    func stop() async throws {
      let simulator = try await Simulator.start()
      let client = try await VoiceClient.connect(simulator)
      try await client.event("session.created")
      try await simulator.stop()
      #expect(try await client.untilEnd().contains(.close(1001)))
      await #expect(throws: (any Error).self) { try await VoiceClient.connect(simulator) }
      #expect(simulator.journal.sessions.first?.endTime != nil)
    }

    @Test("A message in fragments is bounded like one in a frame")
    func fragments() async throws {
      for (sizes, passes) in [([4096, 4096], true), ([4096, 4097], false), ([8193], false)] {
        try await withSimulator({ $0.messageLimit = 8192 }) { simulator in
          let client = try await VoiceClient.connect(simulator)
          try await client.event("session.created")
          for (index, size) in sizes.enumerated() {
            try await client.wire.send(
              [UInt8](repeating: UInt8(ascii: " "), count: size), index == 0 ? .text : .continuation,
              fin: index == sizes.count - 1)
          }
          if passes {
            #expect(try await client.event().string("error.code") == "invalid_json")
          } else {
            #expect(try await client.untilEnd().contains(.close(1009)))
          }
        }
      }
    }

    @Test("A chat completion hears a WAV file and answers with one")
    func chat() async throws {
      try await withSimulator({ $0.answer = .echo }) { simulator in
        let audio = Sound.speech(milliseconds: 900, rate: 16_000)
        let file = Data(WaveFile.write(pcm16: audio, rate: 16_000)).base64EncodedString()
        let body =
          #"{"model":"gpt-audio-1.5","modalities":["text","audio"],"audio":{"voice":"alloy","format":"wav"},"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"\#(file)","format":"wav"}}]}]}"#
        let answer = try await request(simulator.chatCompletionsURL, Data(body.utf8))
        #expect(answer.status == 200)
        let event = try #require(Event(Array(answer.text.utf8)))
        #expect(event.string("choices.0.message.audio.transcript") == "I heard 0.90 seconds of speech.")
        #expect(event.bytes("choices.0.message.audio.data") == WaveFile.write(pcm16: audio, rate: 16_000))
        #expect(event.integer("usage.prompt_tokens_details.audio_tokens") == 9)
        #expect(event.integer("usage.completion_tokens_details.audio_tokens") == 18)
        let bad = try await request(
          simulator.chatCompletionsURL,
          Data(body.replacingOccurrences(of: #""format":"wav"}}]"#, with: #""format":"ogg"}}]"#).utf8))
        #expect(bad.status == 400)
        #expect(simulator.journal.chatCompletionCount == 1)
      }
    }

    @Test("What cannot be is refused at the start")
    func configurations() async throws {
      let changes: [(inout SimulatorConfiguration) -> Void] = [
        { $0.port = 70_000 }, { $0.deltaDuration = .zero }, { $0.answerDuration = .seconds(601) },
        { $0.elevenLabsInputFormat = "mp3" }, { $0.toolCall = SimulatedToolCall(arguments: "[]") },
        { $0.sessionLimit = .zero }, { $0.pingInterval = .zero }, { $0.elevenLabsReceiveTimeout = .zero },
      ]
      for change in changes {
        var configuration = SimulatorConfiguration()
        change(&configuration)
        await #expect(throws: SimulatorError.self) { try await Simulator.start(configuration) }
      }
    }

    @Test("A model that takes its time, and the times in the journal")
    func delays() async throws {
      try await withSimulator({ $0.firstAudioDelay = .milliseconds(150) }) { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.send(#"{"type":"response.create"}"#)
        try await client.event("response.done")
        let response = try #require(simulator.journal.sessions.first?.responses.first)
        let delay = try #require(response.firstDeltaTime) - response.createTime
        #expect(delay >= 150_000_000)
        #expect(response.status == "completed")
      }
    }

    @Test("Someone who asks and does not read gets nothing made for him, and is served when he reads")
    func backPressure() async throws {
      try await withSimulator({ $0.answerDuration = .seconds(300) }) { simulator in
        let client = try await VoiceClient.connect(simulator)
        try await client.event("session.created")
        try await client.wire.pauseReading(true)
        try await client.send(#"{"type":"response.create"}"#)
        try await client.wire.sendPing()
        // 14.4 MB of audio are 19.2 MB of text, more than sockets hold. Another session's turns take the time that it
        // takes to fill them.
        let other = try await VoiceClient.connect(simulator)
        var sent = -1
        for _ in 0..<100 where sent != simulator.journal.sessions[0].sentByteCount {
          sent = simulator.journal.sessions[0].sentByteCount
          try await other.send(#"{"type":"response.create","response":{"max_output_tokens":400}}"#)
          try await other.event("response.done")
        }
        #expect(sent < 16_000_000)
        try await client.wire.pauseReading(false)
        let events = try await client.events(until: "response.done")
        #expect(events.compactMap { $0.bytes("delta")?.count }.reduce(0, +) >= 14_400_000)
      }
    }
  }
}
