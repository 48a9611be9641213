import Foundation
import Testing

@testable import RealtimeSimulator

/// An event as the tests read it; by Foundation's parser, not the simulator's.
struct Event: @unchecked Sendable {
  var object: [String: Any]
  var text: String

  init?(_ bytes: [UInt8]) {
    guard let object = (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] else { return nil }
    self.object = object
    text = String(decoding: bytes, as: UTF8.self)
  }

  var type: String { object["type"] as? String ?? "" }

  /// A member by its path, as in `response.status`.
  subscript(path: String) -> Any? {
    path.split(separator: ".").reduce(object as Any?) { value, key in
      if let index = Int(key), let array = value as? [Any] { return index < array.count ? array[index] : nil }
      return (value as? [String: Any])?[String(key)]
    }
  }

  func string(_ path: String) -> String? { self[path] as? String }
  func integer(_ path: String) -> Int? { self[path] as? Int }
  func bytes(_ path: String) -> [UInt8]? { string(path).flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } }
}

/// What the tests say to any of the dialects.
struct VoiceClient {
  let wire: WireClient

  static func connect(
    _ simulator: Simulator, _ dialect: SimulatedDialect = .openAI, query: String = "",
    headers: [(String, String)] = []
  ) async throws -> VoiceClient {
    var path = dialect.path
    if !query.isEmpty { path += (path.contains("?") ? "&" : "?") + query }
    return VoiceClient(wire: try await WireClient.connect(simulator, path, headers: headers))
  }

  func send(_ json: String) async throws { try await wire.send(json) }

  func append(_ audio: [UInt8], chunk: Int = 4800) async throws {
    for start in stride(from: 0, to: audio.count, by: chunk) {
      let part = Data(audio[start..<min(start + chunk, audio.count)]).base64EncodedString()
      try await send(#"{"type":"input_audio_buffer.append","audio":"\#(part)"}"#)
    }
  }

  /// The next event; an end, or something that is not one, is an error.
  func event(_ location: SourceLocation = #_sourceLocation) async throws -> Event {
    while true {
      switch await wire.next() {
      case .text(let bytes), .binary(let bytes):
        let event = Event(bytes)
        if event == nil { Issue.record("not JSON: \(bytes.prefix(100))", sourceLocation: location) }
        return try #require(event, sourceLocation: location)
      case .pong: continue
      case let other:
        throw WireClient.Failure(description: "no event but \(String(describing: other)), line \(location.line)")
      }
    }
  }

  /// The events up to and with the first for which `isLast` holds.
  func events(_ location: SourceLocation = #_sourceLocation, until isLast: (Event) -> Bool) async throws -> [Event] {
    var events: [Event] = []
    repeat {
      do {
        events.append(try await event(location))
      } catch {
        throw WireClient.Failure(description: "\(error) after \(events.map(\.type).suffix(12))")
      }
    } while !isLast(events[events.count - 1])
    return events
  }

  func events(_ location: SourceLocation = #_sourceLocation, until type: String) async throws -> [Event] {
    try await events(location) { $0.type == type }
  }

  @discardableResult
  func event(_ type: String, _ location: SourceLocation = #_sourceLocation) async throws -> Event {
    try #require(try await events(location, until: type).last, sourceLocation: location)
  }

  /// The frames up to the connection's end.
  func untilEnd() async throws -> [WireClient.Incoming] {
    var frames: [WireClient.Incoming] = []
    while let frame = await wire.next() {
      frames.append(frame)
      if case .ended = frame { return frames }
    }
    throw WireClient.Failure(description: "the connection does not end")
  }
}

/// Sounds for the tests, made here.
enum Sound {
  /// A square-like buzz at about -14 dBFS, with a little of each sample its own, so that an echo can be told apart.
  static func speech(milliseconds: Int, rate: Int = 24_000) -> [UInt8] {
    var state: UInt32 = 12_345
    return bytes(
      (0..<milliseconds * rate / 1000).map { index in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Int16((index * 150 / rate) % 2 == 0 ? 6000 : -6000) + Int16(state >> 22)
      })
  }

  static func silence(milliseconds: Int, rate: Int = 24_000) -> [UInt8] {
    [UInt8](repeating: 0, count: 2 * (milliseconds * rate / 1000))
  }

  static func bytes(_ samples: [Int16]) -> [UInt8] {
    samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
  }
}

/// Runs a test against a simulator of its own.
func withSimulator(
  _ change: (inout SimulatorConfiguration) -> Void = { _ in }, _ body: (Simulator) async throws -> Void
) async throws {
  var configuration = SimulatorConfiguration()
  change(&configuration)
  let simulator = try await Simulator.start(configuration)
  do {
    try await body(simulator)
  } catch {
    try? await simulator.stop()
    throw error
  }
  try await simulator.stop()
}
