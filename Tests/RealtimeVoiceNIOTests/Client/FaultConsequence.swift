import AudioDSP
import RealtimeSimulator
import RealtimeVoice

/// What becomes of a conversation of three turns through a fault that happens at its first answer: what each dialect's
/// protocol lets a client know, and what the session makes of it.
struct FaultConsequence {
  /// What is played of the first answer.
  enum Sound: Equatable {
    case whole
    /// So many of its first deltas.
    case deltas(ClosedRange<Int>)
    /// All of it, with the deltas at these places twice.
    case repeated(Set<Int>)
    /// Not what was said, but the simulator's own voice for so long.
    case voice(seconds: Int)
  }

  /// How an answer ends; where a limit passes, the one of ``limits(of:)``.
  enum End: Equatable { case completed, failed, stalled, missing, lost }

  /// One way in which it can go.
  struct Course: Equatable {
    var first: Sound
    var ends: [End]
  }

  enum Rest {
    /// Which of the other turns are answered, each wholly; the others are not at all. Those that are spoken on and on
    /// count as one.
    case spoken(answered: [Bool])
    /// The session is over before they are spoken, for a reason with these words in it.
    case unspoken(String)
  }

  /// One, unless it is the network that decides.
  var courses = [Course(first: .whole, ends: [.completed, .completed, .completed])]
  var rest = Rest.spoken(answered: [true, true])
  var sessionCount = 1
  /// The codes of the errors that the service reports.
  var complaints: [String] = []
  /// How often it is told that something could not be read, or is not known.
  var malformedCount = 0
  var unknownCount = 0
  /// How many turns are answered, where the dialect gives no sign of those that are not.
  var answeredTurnCount = Int.max

  static let dialects: [Dialect] = [.openAI, .openAIBeta, .gemini, .elevenLabs]

  init(_ fault: SimulatedFault, _ dialect: Dialect) {
    // A delta is 100 ms: OpenAI and Gemini repeat 400 ms of speech in 4, ElevenLabs also the silence behind it in 11.
    let middle = dialect == .elevenLabs ? 5 : 2
    switch fault {
    case .slowRead, .delayedAcknowledgement, .reordered, .earlyAudio: break
    case .malformedJSON, .binaryFrame, .badBase64: malformedCount = 1
    // Three places, each with what a dialect's simulator has of events that the client has never heard of.
    case .unknownEvent: unknownCount = 3 * (dialect == .gemini || dialect == .elevenLabs ? 2 : 3)
    case .hugeFrame:
      courses[0].first = .voice(seconds: 20)
      // Gemini's messages have no type: each of their keys may be known.
      unknownCount = dialect == .gemini ? 2 : 1
    case .duplicate:
      // Gemini's messages have no names and no numbers: the same sound twice may be meant.
      if dialect == .gemini { courses[0].first = .repeated([1, 2]) }
    case .neverDone:
      // ElevenLabs never says that an answer is over.
      if dialect != .elevenLabs { courses[0].ends[0] = .stalled }
    case .stall:
      courses[0].first = .deltas(middle...middle)
      switch dialect {
      // It is left for another connection when nothing comes back to the answer's cancellation, and what is spoken waits
      // until then.
      case .openAI, .openAIBeta, .pcm:
        courses[0].ends[0] = .stalled
        sessionCount = 2
      // It need not answer anything but the turns, and may think of those for long.
      case .gemini:
        courses[0].ends = [.stalled, .missing, .missing]
        rest = .spoken(answered: [false, false])
      // An answer that stops is one that is over, and turns are the service's: only when the input ends is it known
      // that there was speech without an answer.
      case .elevenLabs:
        answeredTurnCount = 1
        courses[0].ends = [.completed, .missing]
        rest = .spoken(answered: [false])
      }
    case .rateLimit:
      let nothing = Sound.deltas(0...0)
      switch dialect {
      case .gemini:
        reconnect(Course(first: nothing, ends: [.lost, .completed, .completed]))
        complaints = ["RESOURCE_EXHAUSTED"]
      case .elevenLabs:
        end(Course(first: nothing, ends: []), "(1008): This request exceeds your quota.")
        complaints = ["rate_limit_exceeded"]
      case .openAI, .openAIBeta, .pcm:
        courses = [Course(first: nothing, ends: [.failed, .completed, .completed])]
        complaints = ["rate_limit_exceeded"]
      }
    case .sessionExpired:
      let course = Course(first: .deltas(middle...middle), ends: [.lost, .completed, .completed])
      if dialect == .elevenLabs {
        // With a code that says that all is well, so that no new conversation is begun.
        end(course, "(1000): The conversation has reached its maximum duration.")
      } else {
        reconnect(course)
      }
      if dialect != .gemini { complaints = ["session_expired"] }
    case .dropMidFrame, .close(.goingAway), .close(.abnormal), .close(.internalError):
      reconnect(Course(first: .deltas(middle...middle), ends: [.lost, .completed, .completed]))
    case .drop:
      // A reset overtakes what came before it, all of it at the worst.
      reconnect(Course(first: .deltas(0...middle), ends: [.lost, .completed, .completed]))
      switch dialect {
      // Asked for again then, of a service that has the question in words only.
      case .openAI, .openAIBeta, .pcm:
        courses.append(Course(first: .voice(seconds: 2), ends: [.completed, .completed, .completed]))
      // Turns are the service's: there is no sign that there has been one.
      case .elevenLabs: courses.append(Course(first: .deltas(0...0), ends: [.completed, .completed]))
      case .gemini: break
      }
    case .close(let code):
      end(Course(first: .deltas(middle...middle), ends: [.lost]), "(\(code.rawValue))")
    }
  }

  private mutating func reconnect(_ course: Course) {
    courses = [course]
    sessionCount = 2
  }

  private mutating func end(_ course: Course, _ reason: String) {
    courses = [Course(first: course.first, ends: Array(course.ends.prefix(1)))]
    rest = .unspoken(reason)
  }

  /// Those that are to pass are shorter than a conversation's usual ones. They hold for its healthy turns as well, which
  /// a machine that holds many side by side may keep waiting for seconds.
  func setLimits(of configuration: inout SessionConfiguration) {
    let ends = courses.flatMap(\.ends)
    if ends.contains(.stalled) { configuration.stallLimit = .seconds(8) }
    if ends.contains(.missing) { configuration.answerLimit = .seconds(8) }
  }
}

extension FaultConsequence.End {
  /// - Returns: nil for an end of another kind.
  init?(_ end: AnswerEnd, _ configuration: SessionConfiguration) {
    switch end {
    case .told(let outcome):
      switch outcome.status {
      case .completed: self = .completed
      case .failed: self = .failed
      default: return nil
      }
    case .stalled(configuration.stallLimit): self = .stalled
    case .missing(configuration.answerLimit): self = .missing
    case .lost: self = .lost
    case .stalled, .missing: return nil
    }
  }
}

/// What a dialect's turns are, and what its simulator says to them.
struct FaultSpeech {
  let dialect: Dialect

  var inputRate: SampleRate { dialect.defaultRate }
  var outputRate: SampleRate { dialect.defaultRate(of: .received) }

  /// Noise that is loud enough to be speech, and where the service finds the end of turns the silence that it waits for.
  func turn(_ duration: Duration, using generator: inout some RandomNumberGenerator) -> [Int16] {
    let noise = (0..<inputRate.sampleCount(in: duration)).map { _ in Int16.random(in: .min ... .max, using: &generator)
    }
    return noise + Conversation.turnEnd(dialect)
  }

  /// Gemini answers at another rate, with straight lines between the samples that it heard.
  func echo(of turn: [Int16]) -> [Int16] {
    guard dialect == .gemini else { return turn }
    let pairs = stride(from: 0, to: turn.count, by: 2)
    return pairs.flatMap { place -> [Int16] in
      let (first, second) = (Int(turn[place]), Int(turn[place + 1]))
      let third = Int(turn[min(place + 2, turn.count - 1)])
      return [turn[place], Int16(first + 2 * (second - first) / 3), Int16(second + (third - second) / 3)]
    }
  }

  /// Where a delta begins. ElevenLabs' end within samples.
  func start(ofDelta index: Int) -> Int {
    let byteCount = outputRate.sampleCount(in: .milliseconds(100)) * 2 + (dialect == .elevenLabs ? 1 : 0)
    return index * byteCount / 2
  }

  /// Whether `played` is this of the answer `answer`.
  func isPlayed(_ sound: FaultConsequence.Sound, of answer: [Int16], _ played: [Int16]) -> Bool {
    switch sound {
    case .whole: return played == answer
    case .deltas(let range): return range.contains { played == Array(answer.prefix(start(ofDelta: $0))) }
    case .repeated(let places):
      var expected: [Int16] = []
      var index = 0
      while start(ofDelta: index) < answer.count {
        let delta = answer[start(ofDelta: index)..<min(start(ofDelta: index + 1), answer.count)]
        expected += places.contains(index) ? delta + delta : delta
        index += 1
      }
      return played == expected
    case .voice(let seconds): return played.count == seconds * outputRate.hertz && played != answer
    }
  }
}
