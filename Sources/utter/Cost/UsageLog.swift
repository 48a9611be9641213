import RealtimeVoice

/// Reads the record of sessions, line by line: what is malformed is told, counted and passed over.
struct UsageLog {
  /// How many malformed lines are told one by one.
  private static let toldCount = 5
  /// An event with 15 MiB of audio, the most that a service takes, is shorter.
  private static let longestLine = 32 << 20

  let name: String
  private(set) var recorded = RecordedUsage()
  private(set) var lineCount = 0
  private(set) var malformedCount = 0

  /// - Parameters:
  ///   - path: A path, or `-` for standard input.
  ///   - isStrict: Whether a malformed line is a failure.
  /// - Throws: ``Failure``, also where no line tells of usage.
  init(_ path: String, isStrict: Bool) throws {
    var reader = try LineReader(path, limit: Self.longestLine)
    name = reader.name
    while let line = try reader.next() {
      lineCount = line.number
      let isBlank = !line.isTooLong && line.bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      guard !isBlank else { continue }
      do throws(UsageLogError) {
        if line.isTooLong { throw .notJSON }
        try recorded.add(line: line.bytes)
      } catch {
        malformedCount += 1
        let isCut = !line.isTerminated && error == .notJSON
        let complaint =
          isCut
          ? "\(name): the log is cut off inside of line \(line.number), which is left out"
          : "\(name): line \(line.number): \(error)"
        if isStrict { throw Failure(complaint) }
        if malformedCount <= Self.toldCount { Diagnostics.warn(complaint) }
      }
    }
    if malformedCount > Self.toldCount {
      Diagnostics.warn("\(name): \(counted(malformedCount, "malformed line")) in all, of \(lineCount)")
    }
    guard !recorded.isEmpty else {
      throw Failure(
        "\(name): no line of \(lineCount) tells of usage, as OpenAI's response.done or Gemini's usageMetadata")
    }
  }
}
