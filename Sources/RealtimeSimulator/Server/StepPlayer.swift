/// Sends an answer step by step, no faster than the client takes it and not before each step is due. Memory and timers
/// do not grow with the answer: one step at a time is made, and one timer runs at most.
final class StepPlayer<Step> {
  enum Outcome {
    case done
    /// Not done yet; to be tried again at that time.
    case wait(until: UInt64)
    /// That was all.
    case stop
  }

  /// How many steps are done before others have their turn on the event loop.
  private static var burstLength: Int { 16 }

  private let context: SessionContext
  private let steps: [Step]
  private var position = 0
  private var timer: ScheduledAction?
  private(set) var isRunning = true
  /// A step that sends much may be told of room while it is done: it must not be done twice.
  private var isPlaying = false
  /// Holds what is played; let go of at the end.
  private var perform: ((Step) -> Outcome)?

  init(_ steps: [Step], context: SessionContext, perform: @escaping (Step) -> Outcome) {
    self.steps = steps
    self.context = context
    self.perform = perform
  }

  /// The step behind the one that is being done.
  func following(where matches: (Step) -> Bool) -> Step? { steps.dropFirst(position + 1).first(where: matches) }

  func stop() {
    isRunning = false
    timer?.cancel()
    timer = nil
    perform = nil
  }

  /// Goes on, after the start and whenever the connection can take more.
  func play() {
    guard isRunning, timer == nil, !isPlaying else { return }
    isPlaying = true
    defer { isPlaying = false }
    for _ in 0..<Self.burstLength {
      guard isRunning, let perform else { return }
      guard position < steps.count else { return stop() }
      guard context.link.isWritable else { return }
      switch perform(steps[position]) {
      case .done: position += 1
      case .stop: return stop()
      case .wait(let time):
        let now = context.now
        return playLater(after: .nanoseconds(time > now ? Int64(time - now) : 0))
      }
    }
    playLater(after: .zero)
  }

  private func playLater(after delay: Duration) {
    guard isRunning else { return }
    timer = context.link.schedule(after: delay) { [weak self] in
      self?.timer = nil
      self?.play()
    }
  }
}
