import AudioDSP
import AudioTestSupport
import RealtimeVoice
import Testing

/// What runs with every block allocates nothing once it is warm.
@Suite(.enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"))
struct SessionAllocationTests {
  @Test("Hearing, playing and sending audio", arguments: [0, 1, 2])
  func blocks(mode: Int) throws {
    var setup = SessionConfiguration(.openAI)
    setup.inputRate = .hz48000
    setup.turnTaking = [.service, .local, .pushToTalk][mode]
    var session = try VoiceSession(setup)
    session.start(at: .zero)
    session.connected(at: .zero)
    let started = Array(ServiceWords(.openAI).sessionStarted.utf8)
    session.receive(started.span, at: .zero)
    let answer = Array(ServiceWords(.openAI).audio(AnswerTests.samples(120_000)).utf8)
    session.receive(answer.span, at: .zero)
    var buffer: [UInt8] = []
    while session.nextAction() != nil {}
    while session.nextMessage(into: &buffer, at: .zero) != nil {}
    session.beginTurn(at: .zero)
    while session.nextAction() != nil {}

    var random = SeededGenerator(seed: 3)
    let block = random.samples(480).map { $0 * 0.001 }
    var output = [Int16](repeating: 0, count: 240)
    var now = Duration.zero
    var audioCount = 0
    var failed = false
    func turn(_ count: Int) {
      var i = 0
      while i < count {
        i += 1
        now += .milliseconds(10)
        do throws(DownmixError) { try session.hear(block.span, at: now) } catch { failed = true }
        var span = output.mutableSpan
        _ = session.play(into: &span, at: now)
        while session.nextMessage(into: &buffer, at: now) != nil { audioCount += 1 }
      }
    }
    turn(100)
    while session.nextAction() != nil {}
    audioCount = 0
    let count = AllocationCounter.countOnce { turn(100) }
    #expect(count == 0)
    #expect(!failed)
    // Silence is not sent in our turns.
    #expect(mode == 1 ? audioCount == 0 : audioCount == 50)
    #expect(session.nextAction() == nil)
  }
}
