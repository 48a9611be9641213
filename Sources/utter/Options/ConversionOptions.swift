import ArgumentParser
import AudioDSP
import AudioFiles

/// How samples are made: shared by the commands that write audio.
struct ConversionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The resampling engine.", discussion: ResamplingEngineName.discussion))
  var engine = ResamplingEngineName.utter

  @Option(help: "The channel to take, counted from 0, or 'mean' for the mean of all.")
  var channel = ChannelChoice.mean

  @Flag(help: "Add triangular (TPDF) dither before rounding to 16 bits.")
  var dither = false

  @Flag(help: "Fail where a file is truncated, instead of a warning.")
  var strict = false

  var ditherSeed: UInt64? { dither ? 0 : nil }
}

enum ResamplingEngineName: String, CaseIterable, ExpressibleByArgument {
  case utter
  case best = "libsamplerate-best"
  case medium = "libsamplerate-medium"
  case fastest = "libsamplerate-fastest"

  static let discussion = "libsamplerate's sinc converters are there to compare with."

  var quality: LibsamplerateResampler.Quality? {
    switch self {
    case .utter: nil
    case .best: .best
    case .medium: .medium
    case .fastest: .fastest
    }
  }
}

struct ChannelChoice: ExpressibleByArgument, CustomStringConvertible {
  static let mean = ChannelChoice(downmix: .mean)

  var downmix: Downmix

  init(downmix: Downmix) {
    self.downmix = downmix
  }

  init?(argument: String) {
    if argument == "mean" {
      downmix = .mean
    } else if let channel = Int(argument), channel >= 0 {
      downmix = .channel(channel)
    } else {
      return nil
    }
  }

  var description: String {
    switch downmix {
    case .mean: "mean"
    case .channel(let channel): "\(channel)"
    }
  }

  var defaultValueDescription: String { description }
}

extension SampleRate: ExpressibleByArgument {
  public init?(argument: String) {
    guard let hertz = Int(argument), let rate = try? SampleRate(hertz) else { return nil }
    self = rate
  }

  public var defaultValueDescription: String { "\(hertz)" }
}
