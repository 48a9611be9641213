// swift-tools-version: 6.3

import PackageDescription

// The command-line tool is the only part with a package dependency. A consumer that names this package with
// `traits: []` therefore resolves and fetches nothing else.
let toolOnly: TargetDependencyCondition? = .when(traits: ["CommandLineTool"])

let swiftSettings: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "Utter",
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [
    .library(name: "AudioDSP", targets: ["AudioDSP"]),
    .library(name: "AudioFiles", targets: ["AudioFiles"]),
    .library(name: "RealtimeVoice", targets: ["RealtimeVoice"]),
    .library(name: "AppleAudio", targets: ["AppleAudio"]),
    .executable(name: "utter", targets: ["utter"]),
    // For the Benchmarks package and the tests of this one; not API.
    .library(name: "_AudioTestSupport", targets: ["AudioTestSupport"]),
    // What `utter budget` and the benchmark of the same path share; not API.
    .library(name: "_LatencyBudget", targets: ["LatencyBudget"]),
  ],
  traits: [
    .trait(name: "CommandLineTool", description: "The utter tool, with swift-argument-parser."),
    .default(enabledTraits: ["CommandLineTool"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // Arrows point up: a target imports only what stands above it.
    .target(name: "CAudioKernels", exclude: ["spectrum-tables.py"]),
    .target(
      name: "AudioDSP", dependencies: ["CAudioKernels"],
      exclude: [
        "Cleaning/NoiseSuppression/Training", "Resampling/design-filter-tables.py", "VoiceActivity/Training",
      ],
      swiftSettings: swiftSettings),
    .systemLibrary(
      name: "CSndFile", pkgConfig: "sndfile",
      providers: [.apt(["libsndfile1-dev"]), .brew(["libsndfile"])]),
    .systemLibrary(
      name: "CSampleRate", pkgConfig: "samplerate",
      providers: [.apt(["libsamplerate0-dev"]), .brew(["libsamplerate"])]),
    .target(
      name: "AudioFiles", dependencies: ["AudioDSP", "CSndFile", "CSampleRate"], swiftSettings: swiftSettings),
    .target(name: "RealtimeVoice", dependencies: ["AudioDSP"], swiftSettings: swiftSettings),
    // By itself, since AVFAudio brings Foundation, which AudioDSP does without; empty where there is no AVFAudio.
    .target(name: "AppleAudio", dependencies: ["AudioDSP"], swiftSettings: swiftSettings),
    .target(name: "LatencyBudget", dependencies: ["AudioDSP", "RealtimeVoice"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "utter",
      dependencies: [
        "AudioDSP", "AudioFiles", "RealtimeVoice", "LatencyBudget",
        .product(name: "ArgumentParser", package: "swift-argument-parser", condition: toolOnly),
      ],
      swiftSettings: swiftSettings),

    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
    .target(name: "AudioTestSupport", dependencies: ["CAllocationCounter"], path: "Tests/AudioTestSupport"),
    .testTarget(
      name: "AudioDSPTests", dependencies: ["AudioDSP", "AudioTestSupport"],
      exclude: ["NeuralReference", "Cleaning/SuppressionReference"]),
    .testTarget(name: "AudioFilesTests", dependencies: ["AudioDSP", "AudioFiles", "CSndFile", "AudioTestSupport"]),
    .testTarget(name: "RealtimeVoiceTests", dependencies: ["RealtimeVoice", "AudioTestSupport"]),
    // The fuzzer's own package, which has the rest of this folder, is Tests/Fuzzing/Package.swift.
    .testTarget(
      name: "FuzzReplayTests",
      dependencies: ["AudioDSP", "AudioFiles", "RealtimeVoice", "AudioTestSupport", "CSndFile", "utter"],
      path: "Tests/Fuzzing/Replay"),
    .testTarget(name: "UtterToolTests", dependencies: ["AudioTestSupport", "AudioFiles", "LatencyBudget", "utter"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
