extension OpenAISession {
  /// 15 MiB.
  private static var appendLimit: Int { 15 << 20 }
  /// What is kept without a commit: more than twenty minutes. The service's own limit is not known.
  private static var pendingLimit: Int { 64 << 20 }

  /// Characters of base64 that can be that many bytes.
  static var encodedLimit: Int { (appendLimit + 2) / 3 * 4 }

  static func tooLong(_ byteCount: Int) -> ServiceError {
    ServiceError(
      code: "invalid_value",
      message: "Invalid 'audio'. An event carries at most \(appendLimit) bytes of audio, but got about \(byteCount).",
      parameter: "audio")
  }

  func append(_ audio: [UInt8], at time: UInt64) throws(ServiceError) {
    if audio.isEmpty {
      throw ServiceError(
        code: "invalid_value",
        message: "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got empty bytes.",
        parameter: "audio")
    }
    if audio.count > Self.appendLimit { throw Self.tooLong(audio.count) }
    if pending.count + audio.count > Self.pendingLimit {
      throw ServiceError(
        code: "input_audio_buffer_full", message: "The input audio buffer is full. Commit or clear it.",
        parameter: "audio")
    }
    context.recorder.received(audio: audio)
    if firstByteTime == nil { firstByteTime = time }
    pending.append(contentsOf: audio)
    context.audioArrived()
    if detector != nil { detect(at: time) }
  }

  func updateDetector() {
    stopAwaitingSpeech()
    let format = settings.inputFormat
    detectorStart = pendingStart + pending.count
    detectedEnd = detectorStart
    if case .automatic(let threshold, _, let silence, _, _, _) = settings.turnDetection {
      detector = SpeechDetector(rate: format.rate, threshold: threshold, attack: 30, silence: silence)
    } else {
      detector = nil
      speech = nil
    }
  }

  private func milliseconds(at position: Int) -> Int {
    Int((timeBase + settings.inputFormat.milliseconds(ofBytes: position)).rounded(.down))
  }

  private func detect(at time: UInt64) {
    let format = settings.inputFormat
    let end = pendingStart + pending.count
    let whole = (end - detectedEnd) / format.bytesPerSample * format.bytesPerSample
    let samples = format.samples(pending[detectedEnd - pendingStart..<detectedEnd - pendingStart + whole])
    detectedEnd += whole
    var events: [SpeechDetector.Event] = []
    detector?.process(samples) { events.append($0) }
    for event in events {
      switch event {
      case .started(let sample): started(at: detectorStart + sample * format.bytesPerSample, time)
      case .stopped(let sample): stopped(at: detectorStart + sample * format.bytesPerSample, time)
      }
    }
    trim()
  }

  /// Drops what cannot become part of a turn any more; in large steps, so that it costs little.
  private func trim() {
    guard speech == nil, case .automatic(_, let padding, _, _, _, let timeout) = settings.turnDetection else { return }
    // What makes speech of a sound, and a frame that is not full, come on top of the padding.
    var kept = settings.inputFormat.byteCount(ofMilliseconds: padding + 100)
    if let idleStart, let timeout {
      // The silence of which a timeout tells; of one that comes faster than real time, the end.
      let silence = min(
        pendingStart + pending.count - idleStart, settings.inputFormat.byteCount(ofMilliseconds: timeout))
      kept = max(kept, silence)
    }
    guard pending.count > 4 * kept else { return }
    let size = settings.inputFormat.bytesPerSample
    let dropped = (pending.count - kept) / size * size
    pendingStart += dropped
    pending.removeFirst(dropped)
  }

  private func started(at position: Int, _ time: UInt64) {
    guard case .automatic(_, let padding, _, _, let interrupts, _) = settings.turnDetection else { return }
    let start = max(pendingStart, position - settings.inputFormat.byteCount(ofMilliseconds: padding))
    let itemID = context.identifier("item")
    speech = (itemID, start)
    firstByteTime = time
    stopAwaitingSpeech()
    send(
      "input_audio_buffer.speech_started",
      ["audio_start_ms": .integer(milliseconds(at: start)), "item_id": .string(itemID)])
    if interrupts, let active { finishEarly(active, reason: "turn_detected") }
  }

  private func stopped(at position: Int, _ time: UInt64) {
    guard let speech else { return }
    send(
      "input_audio_buffer.speech_stopped",
      ["audio_end_ms": .integer(milliseconds(at: position)), "item_id": .string(speech.itemID)])
    let turn = Array(pending[speech.start - pendingStart..<position - pendingStart])
    pending.removeFirst(position - pendingStart)
    pendingStart = position
    self.speech = nil
    add(turn: turn, itemID: speech.itemID, at: time)
    if case .automatic(_, _, _, let creates, _, _) = settings.turnDetection, creates, !settings.isTranscription {
      respondToTurn(at: time)
    }
  }

  func commit(at time: UInt64) throws(ServiceError) {
    let milliseconds = settings.inputFormat.milliseconds(ofBytes: pending.count)
    if milliseconds < 100 {
      throw ServiceError(
        code: "input_audio_buffer_commit_empty",
        message: "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer "
          + "only has \(Self.hundredths(milliseconds))ms of audio.")
    }
    let turn = pending
    let itemID = speech?.itemID ?? context.identifier("item")
    discardPending()
    add(turn: turn, itemID: itemID, at: time)
  }

  func clear() {
    discardPending()
    send("input_audio_buffer.cleared")
  }

  private func discardPending() {
    pendingStart += pending.count
    pending = []
    speech = nil
    detector?.end()
    // Half a sample of it does not shift what follows.
    detectedEnd = max(detectedEnd, pendingStart)
  }

  private static func hundredths(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
  }

  /// The user has said something: it is committed, and joins the conversation.
  func add(turn audio: [UInt8], itemID: String, at time: UInt64) {
    let format = settings.inputFormat
    let previous = items.last?.id
    let part = ConversationItem.Part(
      kind: .inputAudio, audio: audio, audioByteCount: audio.count, format: format)
    let item = ConversationItem(id: itemID, body: .message(role: "user", parts: [part]))
    items.append(item)
    boundConversation(after: item)
    let hearing = Hearing(audio, format)
    impression.hear(audio, format, hearing)
    context.recorder.ended(turn: audio, itemID: itemID, firstByteTime: firstByteTime ?? time, at: time)
    context.recorder.created(item: itemID, kind: "user")
    firstByteTime = nil
    context.log("turn of \(Self.hundredths(hearing.audio)) s, \(Self.hundredths(hearing.speech)) s of it speech")
    let transcribes = settings.transcribes
    context.acknowledge { [weak self] in
      guard let self else { return }
      send("input_audio_buffer.committed", ["item_id": .string(itemID), "previous_item_id": JSONValue(previous)])
      announce(item, after: previous)
      if transcribes { sendTranscription(of: itemID, hearing) }
    }
  }

  private func sendTranscription(of itemID: String, _ hearing: Hearing) {
    if let index = items.firstIndex(where: { $0.id == itemID }) { items[index].part?.text = hearing.transcript }
    let type = "conversation.item.input_audio_transcription"
    for piece in Hearing.pieces(hearing.transcript) {
      send("\(type).delta", ["item_id": .string(itemID), "content_index": 0, "delta": .string(piece)])
    }
    // Billed by whole seconds, silence included.
    let seconds = Int(hearing.audio.rounded(.up))
    send(
      "\(type).completed",
      [
        "item_id": .string(itemID), "content_index": 0, "transcript": .string(hearing.transcript),
        "usage": ["type": "duration", "seconds": .integer(seconds)],
      ])
  }

  /// Where that is wanted, the service goes on by itself when nobody speaks for so long after the model has been heard to
  /// its end: it tells so, commits what it got meanwhile, and answers.
  ///
  /// - Parameter playback: How long the answer lasts that has been sent, in ms.
  func awaitSpeech(after playback: Double) {
    guard case .automatic(_, _, _, let creates, _, let timeout?) = settings.turnDetection, creates else { return }
    stopAwaitingSpeech()
    idleTimer = context.link.schedule(after: .milliseconds(Int64(playback))) { [weak self] in
      guard let self, speech == nil, active == nil else { return }
      idleStart = detectedEnd
      idleTimer = context.link.schedule(after: .milliseconds(timeout)) { [weak self] in self?.timeOut() }
    }
  }

  func stopAwaitingSpeech() {
    idleTimer?.cancel()
    idleTimer = nil
    idleStart = nil
  }

  private func timeOut() {
    guard speech == nil, active == nil, let idleStart else { return }
    let start = max(idleStart, pendingStart)
    let itemID = context.identifier("item")
    send(
      "input_audio_buffer.timeout_triggered",
      [
        "audio_start_ms": .integer(milliseconds(at: start)), "audio_end_ms": .integer(milliseconds(at: detectedEnd)),
        "item_id": .string(itemID),
      ])
    let turn = Array(pending[start - pendingStart..<detectedEnd - pendingStart])
    discardPending()
    add(turn: turn, itemID: itemID, at: context.now)
    respondToTurn(at: context.now)
  }
}
