import ArgumentParser

/// How recordings are read: shared by the commands that read some.
struct InputOptions: ParsableArguments {
  @Flag(help: "Fail where a recording is damaged, instead of a warning.")
  var strict = false
}
