import ArgumentParser

/// How many inputs are worked on: shared by the commands that take several.
struct ArchiveOptions: ParsableArguments {
  @Option(help: "How many recordings to work on at once, 1 to 256; default: one for each core.")
  var jobs: Int?

  @Flag(help: "Pass over recordings whose outputs are there already, as after an interruption.")
  var skipExisting = false

  @Flag(name: .shortAndLong, help: "Say nothing on standard error but warnings.")
  var quiet = false

  func validate() throws {
    if let jobs, !(1...256).contains(jobs) { throw Misuse("--jobs \(jobs) is outside of 1 to 256") }
  }

  /// - Throws: ``Misuse`` where what is passed over would be missing in an output of all recordings.
  func check(_ places: [(place: OutputPlace, option: String)]) throws {
    guard skipExisting else { return }
    for (place, option) in places {
      if case .standardOutput = place.kind {
        throw Misuse("--skip-existing needs \(option): what is passed over would be missing on standard output")
      }
    }
  }
}
