/// What an answer speaks of: the last that was said, written or told by a tool.
struct Impression {
  /// The user's last turn, which can be echoed.
  private(set) var turn: (audio: [UInt8], format: WireFormat)?
  private var hearing: Hearing?
  private var text: String?
  private var output: (tool: String, text: String)?

  mutating func hear(_ audio: [UInt8], _ format: WireFormat, _ hearing: Hearing) {
    (turn, self.hearing, text, output) = ((audio, format), hearing, nil, nil)
  }

  /// - Parameter tool: The name of the tool that a call was for.
  mutating func take(_ item: ConversationItem, tool: (_ callID: String) -> String?) {
    switch item.body {
    case .message("user", let parts):
      (text, hearing, output) = (nil, nil, nil)
      for part in parts {
        if part.kind == .inputAudio {
          turn = (part.audio, part.format)
          hearing = Hearing(part.audio, part.format)
        } else {
          text = (text ?? "") + (part.text ?? "")
        }
      }
    case .functionOutput(let callID, let output): self.output = (tool(callID) ?? "", output)
    default: break
    }
  }

  /// What the model says to it.
  var answer: String {
    if let output { return Hearing.answer(toOutput: output.text, of: output.tool) }
    if let text { return Hearing.answer(to: text) }
    return hearing?.answer ?? "I have heard nothing yet."
  }
}
