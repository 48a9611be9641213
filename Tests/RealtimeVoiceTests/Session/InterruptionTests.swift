import AudioDSP
import AudioTestSupport
import RealtimeVoice
import Testing

/// Someone speaks, or does not, while an answer is played.
struct InterruptionTests {
  private static func percentiles(_ values: [Double]) -> String {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return "none" }
    func at(_ share: Double) -> Int { Int(sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))].rounded()) }
    return "\(sorted.count): least \(at(0)), median \(at(0.5)), p90 \(at(0.9)), most \(at(1)) ms"
  }

  /// All onsets of both recordings, and where in a block they fall.
  private static func onsets() throws -> [(rate: Int, sound: [Float])] {
    var onsets: [(Int, [Float])] = []
    for name in ["clean-mono-16k.wav", "speech.wav"] {
      let recording = try TestRecording.named(name)
      let samples = try recording.waveSamples()
      for segment in recording.speech {
        let start = Recordings.onset(of: samples[segment.start..<segment.end], rate: recording.sampleRate)
        // No more than the first second: the next segment is another one.
        onsets.append((recording.sampleRate, Array(samples[start..<min(segment.end, start + recording.sampleRate)])))
      }
    }
    return onsets
  }

  @Test("Speech turns an answer down within 120 ms of its first sample, and stops it", arguments: [10, 20])
  func speech(blockMilliseconds: Int) throws {
    var ducked: [Double] = []
    var stopped: [Double] = []
    for (i, onset) in try Self.onsets().enumerated() {
      for shift in 0..<3 {
        var scene = InterruptionScene(rate: onset.rate, block: .milliseconds(blockMilliseconds))
        scene.shift = shift * onset.rate / 250
        let result = try scene.run(onset.sound, seed: UInt64(100 * i + shift))
        let down = try #require(result.ducked, "onset \(i), shift \(shift)")
        ducked.append(down)
        #expect(down <= 120, "onset \(i), shift \(shift)")
        // Two frames of the look-ahead have to come: what is sooner was no decision on this sound.
        #expect(down >= 30)
        if let stop = result.stopped { stopped.append(stop) }
        #expect(result.events.contains(.ducked))
        guard let truncation = result.truncations.first else { continue }
        // The cut is where the ear was, and not behind what came.
        let end = try #require(truncation["audio_end_ms"] as? Int)
        #expect(abs(Double(end) - result.renderedMilliseconds) <= 20)
        #expect(end <= InterruptionScene.answerSeconds * 1_000)
        #expect(truncation["item_id"] as? String == "i1" && truncation["content_index"] as? Int == 0)
        #expect(result.controls.filter { $0 == "response.cancel" }.count == 1)
        #expect(result.controls.filter { $0 == "conversation.item.truncate" }.count == 1)
      }
    }
    print("turned down by 20 dB, blocks of \(blockMilliseconds) ms, \(Self.percentiles(ducked))")
    print("stopped, blocks of \(blockMilliseconds) ms, \(Self.percentiles(stopped))")
    #expect(ducked.count >= 20)
    // What is too short for it does not stop an answer; most of these are long.
    #expect(stopped.count * 10 >= ducked.count * 8)
  }

  @Test("300 ms cut out of speech stop nothing, and what was turned down is restored")
  func shortWords() throws {
    var random = SeededGenerator(seed: 300)
    var downCount = 0
    for i in 0..<40 {
      let sound = Recordings.cut(0.3, &random)
      var scene = InterruptionScene(rate: Recordings.rate)
      scene.shift = Int.random(in: 0..<160, using: &random)
      let result = try scene.run(sound, seed: UInt64(1_000 + i))
      #expect(result.stopped == nil, "cut \(i)")
      #expect(!result.controls.contains("response.cancel"), "cut \(i)")
      #expect(result.truncations.isEmpty)
      #expect(result.lastGain == 1, "cut \(i)")
      if result.events.contains(.ducked) {
        downCount += 1
        #expect(result.events.contains(.restored), "cut \(i)")
      }
    }
    // Else nothing would have been shown.
    #expect(downCount > 20)
  }

  @Test("600 ms of running speech stop an answer")
  func words() throws {
    var random = SeededGenerator(seed: 600)
    var stopped: [Double] = []
    for i in 0..<40 {
      let sound = Recordings.cut(0.6, &random)
      let result = try InterruptionScene(rate: Recordings.rate).run(sound, seed: UInt64(2_000 + i))
      let stop = try #require(result.stopped, "cut \(i)")
      stopped.append(stop)
      #expect(result.controls.contains("response.cancel"), "cut \(i)")
    }
    print("600 ms of speech stopped an answer after, \(Self.percentiles(stopped))")
  }

  @Test("A cough stops nothing")
  func cough() throws {
    var random = SeededGenerator(seed: 200)
    for i in 0..<20 {
      let count = Int.random(in: 2_400...4_000, using: &random)
      var sound = Recordings.noise(count, decibels: Double.random(in: -30 ... -10, using: &random), &random)
      // It rises in 10 ms and fades to its end.
      for k in 0..<count { sound[k] *= min(1, Float(k) / 160) * (1 - Float(k) / Float(count)) }
      let result = try InterruptionScene(rate: Recordings.rate).run(sound, seed: UInt64(3_000 + i))
      #expect(result.stopped == nil && result.truncations.isEmpty, "cough \(i)")
      #expect(!result.controls.contains("response.cancel"))
      #expect(result.lastGain == 1)
    }
  }

  @Test("An answer is interrupted once, though the button is pressed again while it fades")
  func again() throws {
    let rig = try AnswerTests.asked()
    rig.receive(ServiceWords.created())
    rig.receive(ServiceWords(.openAI).audio(AnswerTests.samples(24_000)))
    _ = rig.play(4_800)
    rig.press()
    rig.letGo()
    rig.press()
    let items = rig.events.compactMap { if case .interrupted(let items) = $0 { items } else { nil } }
    #expect(items.map(\.count) == [1])
    // It was fading.
    #expect(rig.play(240).contains { $0 != 0 })
  }
}
