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

  /// - Parameter places: Where outputs go, and what to ask for in a message.
  /// - Throws: ``Misuse`` where what is passed over would be missing in an output of all recordings.
  func check(_ places: [(place: OutputPlace, option: String)], of inputs: InputFiles) throws {
    guard skipExisting else { return }
    for (place, option) in places where !place.isPerInput {
      if case .file = place.kind, !inputs.isMultiple { continue }
      throw Misuse("--skip-existing needs \(option): what is passed over would be missing in an output of all")
    }
  }

  /// Whether all that was asked for is there. What is made of a single input need not be a folder's.
  func passesOver(_ inputs: InputFiles, outputs: [OutputPlace]) -> Bool {
    inputs.files.allSatisfy { passesOver($0, outputs: outputs) }
  }

  func tellAllPassedOver(_ inputs: InputFiles) {
    if !quiet { Diagnostics.write("\(counted(inputs.files.count, "file")), all there already") }
  }

  /// Whether a recording is to be passed over, because its outputs are there.
  func passesOver(_ file: InputFiles.File, outputs: [OutputPlace]) -> Bool {
    skipExisting && outputs.allSatisfy { $0.holdsOutput(for: file) }
  }
}
