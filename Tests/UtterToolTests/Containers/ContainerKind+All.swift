extension ContainerKind {
  /// Plain samples, lossless codecs and codecs that libsndfile and ffmpeg decode alike.
  static let all = (plain + piped + adaptive + lossless + lossy + otherContainers).map { kind in
    var kind = kind
    kind.isCutToo = !notCut.contains(kind.name)
    if ["mulaw", "alaw"].contains(where: kind.name.hasPrefix) { kind.correlation = 0.9 }
    return kind
  }

  private static let notCut: Set = [
    "s32.wav", "f32.wav", "alaw.wav", "stereo.wav", "s24.w64", "fl32.aiff", "alaw.aiff", "mulaw.au", "alaw.caf",
    "f32.caf", "sox.aiff", "24-bit.flac", "stereo.flac", "surround.ogg", "surround.opus", "16k.opus", "16k.mp3",
    "16k.aac", "24-bit.m4a", "pcm.mov", "flac.mkv",
  ]

  private static func pcm(
    _ name: String, _ encoding: String, rate: Int = 16_000, channels: Int = 1, _ options: [String] = []
  ) -> ContainerKind {
    ContainerKind(name: name, options: ["-c:a", encoding] + options, rate: rate, channelCount: channels)
  }

  static let plain = [
    pcm("u8.wav", "pcm_u8"), pcm("s16.wav", "pcm_s16le", rate: 44_100), pcm("s24.wav", "pcm_s24le", rate: 22_050),
    pcm("s32.wav", "pcm_s32le", rate: 48_000), pcm("f32.wav", "pcm_f32le"), pcm("f64.wav", "pcm_f64le", rate: 8_000),
    pcm("mulaw.wav", "pcm_mulaw", rate: 8_000), pcm("alaw.wav", "pcm_alaw", rate: 8_000),
    pcm("stereo.wav", "pcm_s16le", rate: 96_000, channels: 2),
    pcm("surround.wav", "pcm_s24le", rate: 48_000, channels: 6),
    pcm("rf64.wav", "pcm_s16le", rate: 44_100, ["-rf64", "always"]),
    pcm("s16.w64", "pcm_s16le"), pcm("s24.w64", "pcm_s24le", rate: 22_050, channels: 2),
    pcm("s16.aiff", "pcm_s16be", rate: 44_100), pcm("s24.aiff", "pcm_s24be", rate: 48_000, channels: 2),
    pcm("sowt.aiff", "pcm_s16le"), pcm("fl32.aiff", "pcm_f32be", rate: 22_050),
    pcm("alaw.aiff", "pcm_alaw", rate: 8_000),
    pcm("s16.au", "pcm_s16be"), pcm("mulaw.au", "pcm_mulaw", rate: 8_000),
    pcm("f32.au", "pcm_f32be", rate: 96_000, channels: 2),
    pcm("s16.caf", "pcm_s16be", rate: 44_100), pcm("s24.caf", "pcm_s24le", rate: 22_050, channels: 2),
    pcm("alaw.caf", "pcm_alaw", rate: 8_000), pcm("f32.caf", "pcm_f32le", rate: 48_000),
  ]

  private static let noLength =
    "The header does not say how long it is; a cut between two sample frames is like an end."

  private static func piped(
    _ name: String, _ encoding: String, format: String, rate: Int = 16_000, channels: Int = 1,
    _ options: [String] = [], reason: String? = noLength
  ) -> ContainerKind {
    var kind = pcm(name, encoding, rate: rate, channels: channels, options)
    kind.maker = .pipedFFmpeg(format: format)
    kind.reasonForSilence = reason
    return kind
  }

  static let piped = [
    piped("s16.wav", "pcm_s16le", format: "wav"),
    piped("s24.wav", "pcm_s24le", format: "wav", rate: 48_000, channels: 2),
    piped("mulaw.wav", "pcm_mulaw", format: "wav", rate: 8_000),
    piped("s24-rf64.wav", "pcm_s24le", format: "wav", rate: 96_000, ["-rf64", "always"]),
    piped("s16.w64", "pcm_s16le", format: "w64", rate: 44_100), piped("s16.au", "pcm_s16be", format: "au"),
    piped("s16.caf", "pcm_s16le", format: "caf"), piped("s16.aiff", "pcm_s16be", format: "aiff"),
    piped("a.flac", "flac", format: "flac", ["-sample_fmt", "s16", "-frame_size", "1024"]),
    ContainerKind(name: "sox.wav", options: ["-b", "16"], rate: 22_050, maker: .sox),
    ContainerKind(name: "sox-24.wav", options: ["-b", "24"], rate: 48_000, channelCount: 2, maker: .sox),
    ContainerKind(
      name: "sox-pipe.wav", options: ["-b", "16"], maker: .pipedSox(format: "wav"), reasonForSilence: noLength),
    ContainerKind(
      name: "sox-pipe.au", options: ["-b", "16"], maker: .pipedSox(format: "au"), reasonForSilence: noLength),
    ContainerKind(name: "sox.aiff", options: ["-b", "16"], rate: 44_100, maker: .sox),
  ]

  static let adaptive = [
    pcm("ima.wav", "adpcm_ima_wav"), pcm("ima-stereo.wav", "adpcm_ima_wav", rate: 44_100, channels: 2),
    pcm("ms.wav", "adpcm_ms", rate: 22_050), pcm("ms-stereo.wav", "adpcm_ms", rate: 44_100, channels: 2),
    piped(
      "ima.wav", "adpcm_ima_wav", format: "wav",
      reason: "The header does not say how long it is; a cut between two blocks is like an end."),
    pcm("gsm.wav", "libgsm_ms", rate: 8_000), pcm("ima4.aiff", "adpcm_ima_qt", rate: 44_100),
  ].map { kind in
    var kind = kind
    kind.padding = 4_096
    // libsndfile and ffmpeg round the steps of IMA ADPCM in different places; and libsndfile starts each packet of ima4 with the rounded predictor in its header; ffmpeg goes on with the exact one.
    if kind.name.hasPrefix("ima") { kind.likeness = .within(5e-3) }
    if kind.name == "gsm.wav" { kind.correlation = 0.3 }
    return kind
  }

  /// ffmpeg makes a page of each second, which is all of the recording.
  private static let pages = ["-page_duration", "100000"]

  static let lossless = [
    pcm("8k.flac", "flac", rate: 8_000, ["-sample_fmt", "s16", "-frame_size", "1024"]),
    pcm("24-bit.flac", "flac", rate: 48_000, ["-sample_fmt", "s32"]),
    pcm("stereo.flac", "flac", rate: 44_100, channels: 2, ["-sample_fmt", "s16"]),
    pcm("stereo-24-bit.flac", "flac", rate: 96_000, channels: 2, ["-sample_fmt", "s32"]),
    pcm("surround.flac", "flac", rate: 48_000, channels: 6, ["-sample_fmt", "s16"]),
    pcm("16-bit.oga", "flac", rate: 44_100, ["-sample_fmt", "s16"] + pages),
    pcm("24-bit.oga", "flac", rate: 48_000, channels: 2, ["-sample_fmt", "s32"] + pages),
  ]

  private static func coded(
    _ name: String, _ codec: String, rate: Int, channels: Int = 1, _ options: [String] = [], delay: Int = 0,
    padding: Int = 0, within: Float = 1e-3, reason: String? = nil, isReadFromItsEnd: Bool = false
  ) -> ContainerKind {
    ContainerKind(
      name: name, options: ["-c:a", codec] + options, rate: rate, channelCount: channels, likeness: .within(within),
      delay: delay, padding: padding, isReadFromItsEnd: isReadFromItsEnd, reasonForSilence: reason)
  }

  private static let framesOnly = "The stream is nothing but frames: no header, no count, no end mark."

  static let lossy = [
    coded("44k1.ogg", "libvorbis", rate: 44_100, ["-q", "6"] + pages),
    coded("8k.ogg", "libvorbis", rate: 8_000, ["-q", "6"] + pages),
    coded("stereo.ogg", "libvorbis", rate: 48_000, channels: 2, ["-q", "6"] + pages),
    coded("48k.opus", "libopus", rate: 48_000, ["-b:a", "128k"] + pages),
    coded("16k.opus", "libopus", rate: 16_000, ["-b:a", "64k"] + pages),
    coded("surround.opus", "libopus", rate: 48_000, channels: 6, ["-b:a", "384k"] + pages),
    coded("surround.ogg", "libvorbis", rate: 48_000, channels: 6, ["-q", "6"] + pages),
    coded("stereo.opus", "libopus", rate: 48_000, channels: 2, ["-b:a", "160k"] + pages),
    coded("16k.spx", "libspeex", rate: 16_000, ["-q", "10"] + pages, delay: 223, padding: 640),
    coded("cbr.mp3", "libmp3lame", rate: 44_100, ["-b:a", "128k"]),
    coded("vbr.mp3", "libmp3lame", rate: 48_000, channels: 2, ["-q:a", "2"]),
    coded("16k.mp3", "libmp3lame", rate: 16_000, ["-q:a", "2"]),
    coded("8k.mp3", "libmp3lame", rate: 8_000, ["-b:a", "48k"]),
    coded(
      "no-xing.mp3", "libmp3lame", rate: 44_100, ["-b:a", "128k", "-write_xing", "0"], delay: 1_105, padding: 2_304,
      reason: framesOnly),
    coded(
      "no-xing-vbr.mp3", "libmp3lame", rate: 22_050, ["-q:a", "2", "-write_xing", "0"], delay: 1_105, padding: 2_304,
      reason: framesOnly),
    coded("a.mp2", "mp2", rate: 44_100, ["-b:a", "192k"], delay: 481, padding: 2_304, reason: framesOnly),
    coded("a.aac", "aac", rate: 44_100, ["-b:a", "160k"], delay: 1_024, padding: 2_048, reason: framesOnly),
    coded("16k.aac", "aac", rate: 16_000, ["-b:a", "64k"], delay: 1_024, padding: 2_048, reason: framesOnly),
    coded("a.ac3", "ac3", rate: 48_000, channels: 2, ["-b:a", "384k"], delay: 256, padding: 3_072, reason: framesOnly),
    coded("a.wma", "wmav2", rate: 44_100, ["-b:a", "160k"], delay: -2_048, padding: 4_096),
  ].map { kind in
    var kind = kind
    if kind.options.contains("libvorbis") { kind.ffmpegMiscount = 128 }
    if kind.name == "8k.ogg" { kind.correlation = 0.98 }
    if kind.name == "a.wma" { kind.correlation = 0.97 }
    if kind.name == "16k.spx" { kind.correlation = 0.9 }
    // libsndfile decodes Opus at the rate that the file names as its source's, ffmpeg at 48 kHz.
    if kind.name == "16k.opus" { kind.decodedRate = 48_000 }
    // libsndfile leaves the channels of Ogg in Vorbis' order, ffmpeg makes it that of WAV: left, right, centre, low
    // frequencies, surrounds.
    if kind.channelCount == 6 { kind.channelOrder = [0, 2, 1, 4, 5, 3] }
    // ffmpeg's own decoder of Opus is audibly another at low bit rates.
    if kind.options.contains("libopus") { kind.decoder = ["-c:a", "libopus"] }
    return kind
  }

  static let otherContainers: [ContainerKind] =
    [
      coded("aac.m4a", "aac", rate: 44_100, ["-b:a", "160k"], padding: 1_024, isReadFromItsEnd: true),
      coded(
        "fast.m4a", "aac", rate: 16_000, ["-b:a", "64k", "-movflags", "+faststart"], padding: 1_024),
      coded(
        "fragments.mp4", "aac", rate: 48_000,
        ["-b:a", "160k", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "150000"],
        delay: 1_024, padding: 2_048),
      coded("16k.webm", "libopus", rate: 48_000, ["-b:a", "128k"]),
      coded("vorbis.webm", "libvorbis", rate: 44_100, padding: 2_048),
      coded("a.ts", "aac", rate: 48_000, ["-b:a", "160k"], delay: 1_024, padding: 2_048, reason: framesOnly),
    ]
    + [
      pcm("alac.m4a", "alac", rate: 48_000, channels: 2),
      pcm("24-bit.m4a", "alac", rate: 96_000, ["-sample_fmt", "s32p"]),
      pcm("pcm.mov", "pcm_s24le", rate: 48_000), pcm("alac.caf", "alac", rate: 44_100),
    ].map { kind in
      var kind = kind
      kind.isReadFromItsEnd = true
      return kind
    } + [
      pcm("s24.mkv", "pcm_s24le", rate: 48_000, channels: 2), pcm("f32.mkv", "pcm_f32le"),
      pcm("flac.mkv", "flac", rate: 44_100),
      piped(
        "piped.mkv", "pcm_s16le", format: "matroska", reason: "Neither the segment nor the cluster says how long it is."
      ),
      pcm("a.wv", "wavpack", rate: 44_100, channels: 2), pcm("a.tta", "tta"),
      ContainerKind(
        name: "pictures.mp4", options: ["-c:a", "aac", "-b:a", "160k"], rate: 48_000, likeness: .within(1e-3),
        padding: 1_024, isReadFromItsEnd: true, hasPictures: true),
    ]
}
