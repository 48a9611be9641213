import ArgumentParser
import AudioFiles

/// How recordings are read: shared by the commands that read some.
struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What bare samples are, as in s16le,48000,2: encoding, sample rate and channels (1 unless given).",
      discussion: """
        The encodings are \(RawSampleFormat.Encoding.allCases.map(\.rawValue).joined(separator: ", ")). All inputs are \
        then taken for bare samples, and all files of folders.
        """,
      valueName: "format"),
    transform: { text in
      do { return try RawSampleFormat(parsing: text) } catch { throw Misuse("\(error)") }
    })
  var raw: RawSampleFormat?

  @Flag(help: "Fail where a recording is damaged, instead of a warning.")
  var strict = false

  /// Opens an input: a path, or `-` for standard input, which has another name in messages.
  func reader(of path: String, name: String) throws(AudioFileError) -> AudioFileReader {
    switch (path, raw) {
    case ("-", nil): try AudioFileReader(fileDescriptor: 0, name: name)
    case ("-", let raw?): try AudioFileReader(fileDescriptor: 0, name: name, raw: raw)
    case (_, nil): try AudioFileReader(path: path)
    case (_, let raw?): try AudioFileReader(path: path, raw: raw)
    }
  }
}
