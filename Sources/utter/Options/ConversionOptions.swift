import ArgumentParser
import AudioDSP
import AudioFiles

/// How samples are made: shared by the commands that write audio.
struct ConversionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The resampling engine.", discussion: ResamplingEngineName.discussion))
  var engine = ResamplingEngineName.utter

  @Option(
    help: ArgumentHelp(
      "What the resampler keeps (voice unless given).",
      discussion: """
        Of the lower Nyquist frequency, voice is flat to 0.915 and stops by 120 dB what is above 1 (going up, images of \
        tones up to 0.95); sharp, for what is kept, to 0.931 and by 130 dB at 1.3 times the cost and delay; fast has the \
        least of both and lets what is around 1 fold to above 0.905.
        """))
  var quality: ResamplingQuality?

  @Option(
    help: ArgumentHelp(
      "The resampler's phase (linear unless given).",
      discussion:
        "minimum has the same magnitudes and the least delay: from 48 kHz, 0.1 ms at 1 kHz and 1 ms near the edge."))
  var phase: ResamplingPhase?

  @Option(help: ChannelChoice.help)
  var channel = ChannelChoice.mean

  @Option(
    name: .customLong("clean"), help: CleaningChoice.help, transform: { try CleaningChoice(parsing: $0) })
  var cleaningChoices: [CleaningChoice] = []

  @Flag(help: "Add triangular (TPDF) dither before rounding to 16 bits.")
  var dither = false

  var ditherSeed: UInt64? { dither ? 0 : nil }

  var clean: CleaningChoice { cleaningChoices.first ?? .off }

  func validate() throws {
    // Which of them counts would be a guess.
    if cleaningChoices.count > 1 { throw Misuse("--clean is there twice; parts go together with commas between") }
    if engine != .utter, quality != nil || phase != nil {
      throw Misuse("--quality and --phase are for this package's own engine, not for \(engine.rawValue)")
    }
  }

  /// This package's engine, for which `engine` names no other.
  func resampler(from inputRate: SampleRate, to outputRate: SampleRate) -> Resampler {
    Resampler(from: inputRate, to: outputRate, quality: quality ?? .voice, phase: phase ?? .linear)
  }
}

extension ResamplingQuality: ExpressibleByArgument {}
extension ResamplingPhase: ExpressibleByArgument {}

enum ResamplingEngineName: String, CaseIterable, ExpressibleByArgument {
  case utter
  case best = "libsamplerate-best"
  case medium = "libsamplerate-medium"
  case fastest = "libsamplerate-fastest"

  static let discussion = "libsamplerate's sinc converters are there to compare with."

  var libsamplerateQuality: LibsamplerateResampler.Quality? {
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
  static let help = ArgumentHelp(
    "The channel to take, counted from 0, 'mean' for the mean of all, or 'auto'.",
    discussion: "auto leaves out channels with nothing on them and copies of another, turns inverted ones over, and "
      + "takes the mean of the rest.")

  var downmix: Downmix

  init(downmix: Downmix) {
    self.downmix = downmix
  }

  init?(argument: String) {
    if argument == "mean" {
      downmix = .mean
    } else if argument == "auto" {
      downmix = .automatic
    } else if let channel = Int(argument), channel >= 0 {
      downmix = .channel(channel)
    } else {
      return nil
    }
  }

  /// The one channel that is taken, counted from 0; `nil` for the mean, and where their sound decides.
  var index: Int? {
    switch downmix {
    case .mean, .automatic: nil
    case .channel(let channel): channel
    }
  }

  var description: String {
    switch downmix {
    case .mean: "mean"
    case .automatic: "auto"
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
