import AudioDSP
import AudioFiles
import Foundation
import NIOPosix
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO

/// A recording as one question of chat completions.
struct ChatRun {
  private let command: StreamCommand

  init(_ command: StreamCommand) {
    self.command = command
  }

  func run() throws {
    let inputs = try InputFiles([command.recording], takesAll: command.input.raw != nil)
    let task = InputTask(
      inputs.files[0], progress: ArchiveProgress(inputs.files, isShown: !command.quiet), isAlone: true,
      isCancelled: { false })
    do {
      let samples = try samples(Recording(task, command.input))
      Diagnostics.eraseBar()
      try ask(samples)
    } catch let misuse as Misuse {
      Diagnostics.eraseBar()
      throw misuse
    } catch {
      Diagnostics.eraseBar()
      throw Failure(error, of: task.name)
    }
  }

  private func samples(_ recording: consuming Recording) throws -> [Int16] {
    var recording = recording
    var resampler = try MonoResampler(
      Resampler(from: recording.sampleRate, to: .hz24000), channelCount: recording.channelCount,
      downmix: command.channel.downmix, cleaning: command.clean.configuration)
    var samples: [Int16] = []
    // As text, four bytes for three.
    let limit = ChatCompletionRequest.maximumByteCount / 4 * 3 / 2
    func add(_ output: Span<Float>) throws {
      guard samples.count + output.count <= limit else {
        throw Failure("is too long for one request: the most is \(limit / 24_000) s")
      }
      var block = [Int16](repeating: 0, count: output.count)
      var target = block.mutableSpan
      PCM16.convert(output, into: &target)
      samples += block
    }
    try recording.forEachBlock { block in try resampler.process(block) { _, output in try add(output) } }
    try resampler.finish { output in try add(output) }
    try recording.tellDamage(nonFiniteCount: resampler.nonFiniteCount)
    guard !samples.isEmpty else { throw Failure("holds no audio") }
    return samples
  }

  private func ask(_ samples: [Int16]) throws {
    let choice = command.service
    let simulator: Simulator?
    let endpoint: ServiceEndpoint
    do {
      let key = try choice.key(StreamDialect.chat.keyVariables)
      if key == nil, !choice.namesPlace {
        let started = try Blocking.run { try await Simulator.start() }
        simulator = started
        endpoint = try ServiceEndpoint(.openAI, url: started.chatCompletionsURL)
        Diagnostics.warn(
          "no key (OPENAI_API_KEY) and no --url: a simulator in this process answers; no model is behind it")
      } else {
        simulator = nil
        let base = choice.baseURL ?? "https://api.openai.com/v1"
        let url = choice.url ?? base + (base.hasSuffix("/") ? "" : "/") + "chat/completions"
        endpoint = try ServiceChoice.authorize(ServiceEndpoint(.openAI, url: url, headers: choice.headers), with: key)
      }
    } catch let error as ServiceEndpointError {
      throw Misuse("\(error)")
    }
    defer { if let simulator { try? Blocking.run { try await simulator.stop() } } }

    var messages: [ChatCompletionRequest.Message] = []
    if let instructions = command.instructions { messages.append(.system(instructions)) }
    messages.append(.user([.samples(samples, rate: .hz24000)]))
    let request = ChatCompletionRequest(
      model: choice.model ?? "gpt-audio-1.5", messages: messages, voice: command.voice ?? "alloy")
    let body = try request.body()
    var configuration = TransportConfiguration()
    // An answer comes when it is spoken to its end; a minute of speech is 4 MB as text.
    configuration.requestTimeout = .seconds(120)
    configuration.maximumResponseSize = ChatCompletionRequest.maximumByteCount
    let start = ContinuousClock.now
    let response = try Blocking.run { [configuration] in
      try await HTTPExchange.post(
        HTTPPostRequest(
          isSecure: endpoint.isSecure, host: endpoint.host, port: endpoint.port, target: endpoint.target,
          headers: endpoint.headers.map { ($0.name, $0.value) }, body: body),
        configuration: configuration, on: MultiThreadedEventLoopGroup.singleton.any()
      ).get()
    }
    let elapsed = ContinuousClock.now - start
    guard (200..<300).contains(response.status) else {
      throw Failure("the service answers HTTP \(response.status): \(response.excerpt)")
    }
    try tell(try ChatCompletionResponse.decode(response.body, format: .wav), after: elapsed)
  }

  private func tell(_ answer: ChatCompletionResponse, after elapsed: Duration) throws {
    if answer.audio != nil, answer.audio?.samples == nil { throw Failure("the answer's audio cannot be read") }
    if let refusal = answer.refusal { throw Failure("the model refuses: \(refusal.onOneLine)") }
    let line = "answer: \((answer.audio?.transcript ?? answer.text ?? "").onOneLine)"
    if command.answers == "-" {
      if !command.quiet { Diagnostics.write(line) }
    } else {
      let words = try Output("-")
      try words.write(line)
      try words.endRecord()
      try words.finish()
    }
    let rate = answer.audio?.sampleRate ?? .hz24000
    if let path = command.answers {
      var writer = try SampleWriter(path, rate: rate, encoding: .pcm16, ditherSeed: nil)
      let samples = answer.audio?.samples ?? []
      try writer.write(samples.span)
      try writer.finish()
    }
    if let path = command.timeline {
      let timeline = try Timeline(path, model: answer.model ?? command.service.model)
      if let usage = answer.usage {
        try timeline.write(SessionEvent.usage(usage).fields(model: answer.model), at: elapsed)
      }
      try timeline.finish()
    }
    if !command.quiet {
      let seconds = rate.seconds(of: answer.audio?.samples?.count ?? 0)
      Diagnostics.write(
        "the answer of \(String(format: "%.2f", seconds)) s came \(Int(elapsed.milliseconds)) ms after the question")
    }
  }
}
