extension SimulatorConfiguration {
  func validate() throws(SimulatorError) {
    guard (0...65_535).contains(port) else { throw SimulatorError("port \(port) is not within 0...65535") }
    guard answerDuration >= .zero, answerDuration <= .seconds(600) else {
      throw SimulatorError("an answer lasts 0 to 600 s, not \(answerDuration)")
    }
    guard deltaDuration >= .milliseconds(10), deltaDuration <= .seconds(10) else {
      throw SimulatorError("a delta lasts 10 ms to 10 s, not \(deltaDuration)")
    }
    guard firstAudioDelay >= .zero else { throw SimulatorError("a delay is not negative") }
    if let sessionLimit, sessionLimit <= .zero { throw SimulatorError("a session's limit is more than 0 s") }
    guard pingInterval > .zero else { throw SimulatorError("the interval of pings is more than 0 s") }
    guard elevenLabsReceiveTimeout > .zero else { throw SimulatorError("a timeout is more than 0 s") }
    for name in [elevenLabsInputFormat, elevenLabsOutputFormat] where ElevenLabsFormat.format(named: name) == nil {
      throw SimulatorError("there is no format '\(name)'")
    }
    if let toolCall, (try? JSONParser.parse(Array(toolCall.arguments.utf8)))?.object == nil {
      throw SimulatorError("a tool's arguments are a JSON object, not '\(toolCall.arguments)'")
    }
  }
}
