// swift-tools-version: 6.3

import PackageDescription

// A package of its own, so that users of the libraries never fetch what only benchmarks need.
let package = Package(
  name: "Benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    // Named, because a path alone takes the name of the folder, which a clone may have chosen otherwise.
    .package(name: "Utter", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    .executableTarget(
      name: "chunk-latency",
      dependencies: [
        .product(name: "AudioDSP", package: "Utter"),
        .product(name: "AudioFiles", package: "Utter"),
        .product(name: "_LatencyBudget", package: "Utter"),
        .product(name: "_AudioTestSupport", package: "Utter"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      path: "Benchmarks/ChunkLatency"),

    .executableTarget(
      name: "session-load",
      dependencies: [
        .product(name: "AudioDSP", package: "Utter"),
        .product(name: "AudioFiles", package: "Utter"),
        .product(name: "RealtimeVoice", package: "Utter"),
        .product(name: "RealtimeVoiceNIO", package: "Utter"),
        .product(name: "RealtimeSimulator", package: "Utter"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      path: "Benchmarks/SessionLoad"),

    // Without _AudioTestSupport, whose allocation counter would slow down the peers that allocate.
    .executableTarget(
      name: "peers",
      dependencies: [
        .product(name: "AudioDSP", package: "Utter"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        "CMeasurement", "CCrypto", "CLibsamplerate", "CSoxr", "CSpeexDSP", "CSwresample",
      ],
      path: "Benchmarks/Peers"),
    .target(name: "CMeasurement", path: "Benchmarks/CPeers/CMeasurement"),
    .systemLibrary(
      name: "CCrypto", path: "Benchmarks/CPeers/CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
    // The main package's own module of this library is no product of it.
    .systemLibrary(
      name: "CLibsamplerate", path: "Benchmarks/CPeers/CLibsamplerate", pkgConfig: "samplerate",
      providers: [.apt(["libsamplerate0-dev"]), .brew(["libsamplerate"])]),
    .systemLibrary(
      name: "CSoxr", path: "Benchmarks/CPeers/CSoxr", pkgConfig: "soxr",
      providers: [.apt(["libsoxr-dev"]), .brew(["libsoxr"])]),
    .systemLibrary(
      name: "CSpeexDSP", path: "Benchmarks/CPeers/CSpeexDSP", pkgConfig: "speexdsp",
      providers: [.apt(["libspeexdsp-dev"]), .brew(["speexdsp"])]),
    .systemLibrary(
      name: "CSwresample", path: "Benchmarks/CPeers/CSwresample", pkgConfig: "libswresample",
      providers: [.apt(["libswresample-dev", "libavutil-dev"]), .brew(["ffmpeg"])]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
