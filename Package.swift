// swift-tools-version: 6.3

import PackageDescription

// Only the command-line tool and what talks to a network have package dependencies. A consumer that names this package
// with `traits: []` therefore resolves and fetches nothing else.
let toolOnly: TargetDependencyCondition? = .when(traits: ["CommandLineTool"])
let networkOnly: TargetDependencyCondition? = .when(traits: ["Networking"])

func nio(_ name: String) -> Target.Dependency {
  .product(name: name, package: "swift-nio", condition: networkOnly)
}

let swiftSettings: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "Utter",
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [
    .library(name: "AudioDSP", targets: ["AudioDSP"]),
    .library(name: "AudioFiles", targets: ["AudioFiles"]),
    .library(name: "RealtimeVoice", targets: ["RealtimeVoice"]),
    .library(name: "RealtimeVoiceNIO", targets: ["RealtimeVoiceNIO"]),
    .library(name: "RealtimeSimulator", targets: ["RealtimeSimulator"]),
    .library(name: "AppleAudio", targets: ["AppleAudio"]),
    .executable(name: "utter", targets: ["utter"]),
    // For the Benchmarks package and the tests of this one; not API.
    .library(name: "_AudioTestSupport", targets: ["AudioTestSupport"]),
    // What `utter budget` and the benchmark of the same path share; not API.
    .library(name: "_LatencyBudget", targets: ["LatencyBudget"]),
  ],
  traits: [
    .trait(name: "Networking", description: "RealtimeVoiceNIO and RealtimeSimulator, with SwiftNIO."),
    .trait(
      name: "CommandLineTool", description: "The utter tool, with swift-argument-parser.",
      enabledTraits: ["Networking"]),
    .default(enabledTraits: ["CommandLineTool"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
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
    .target(
      name: "RealtimeVoice", dependencies: ["AudioDSP"], resources: [.embedInCode("Cost/prices.json")],
      swiftSettings: swiftSettings),
    .target(
      name: "RealtimeVoiceNIO",
      dependencies: [
        "AudioDSP", "RealtimeVoice",
        nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nio("NIOWebSocket"), nio("NIOTLS"),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: networkOnly),
        .product(name: "Logging", package: "swift-log", condition: networkOnly),
        .product(name: "Metrics", package: "swift-metrics", condition: networkOnly),
      ],
      swiftSettings: swiftSettings),
    // Imports nothing of this package: it judges the client.
    .target(
      name: "RealtimeSimulator",
      dependencies: [nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nio("NIOWebSocket")],
      swiftSettings: swiftSettings),
    // By itself, since AVFAudio brings Foundation, which AudioDSP does without; empty where there is no AVFAudio.
    .target(name: "AppleAudio", dependencies: ["AudioDSP"], swiftSettings: swiftSettings),
    .target(name: "LatencyBudget", dependencies: ["AudioDSP", "RealtimeVoice"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "utter",
      dependencies: [
        "AudioDSP", "AudioFiles", "RealtimeVoice", "RealtimeVoiceNIO", "RealtimeSimulator", "LatencyBudget",
        nio("NIOCore"), nio("NIOPosix"),
        .product(name: "Logging", package: "swift-log", condition: networkOnly),
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
    .testTarget(
      name: "RealtimeVoiceNIOTests",
      dependencies: [
        "RealtimeVoice", "RealtimeVoiceNIO", "RealtimeSimulator", "AudioTestSupport",
        nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nio("NIOWebSocket"),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: networkOnly),
        .product(name: "Logging", package: "swift-log", condition: networkOnly),
        .product(name: "Metrics", package: "swift-metrics", condition: networkOnly),
        .product(name: "MetricsTestKit", package: "swift-metrics", condition: networkOnly),
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "RealtimeSimulatorTests",
      dependencies: [
        "RealtimeSimulator", nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nio("NIOWebSocket"),
      ],
      exclude: ["VendorTypes"]),
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
