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
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    .executableTarget(
      name: "chunk-latency",
      dependencies: [
        .product(name: "AudioDSP", package: "Utter"),
        .product(name: "AudioFiles", package: "Utter"),
        .product(name: "RealtimeVoice", package: "Utter"),
        .product(name: "_AudioTestSupport", package: "Utter"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      path: "Benchmarks/ChunkLatency")
  ],
  swiftLanguageModes: [.v6]
)
