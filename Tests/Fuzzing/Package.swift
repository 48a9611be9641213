// swift-tools-version: 6.3

import PackageDescription

// A package of its own, because what libFuzzer is linked with has its main function. Build it with .ci/fuzz.
let package = Package(
  name: "Fuzzing",
  platforms: [.macOS(.v15)],
  dependencies: [
    // Named, because a path alone takes the name of the folder, which a clone may have chosen otherwise.
    .package(name: "Utter", path: "../.."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  ],
  targets: [
    // Borrowed/ has links to what is in no library product: parts of the tool and of the tests.
    .executableTarget(
      name: "fuzz",
      dependencies: [
        .product(name: "AudioDSP", package: "Utter"),
        .product(name: "AudioFiles", package: "Utter"),
        .product(name: "RealtimeVoice", package: "Utter"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: ".",
      exclude: ["README.md", "Corpus", "Crashes", "Dictionaries", "Replay/FuzzReplayTests.swift", "make-seeds.py"],
      sources: ["Replay/Harness", "Borrowed", "Entry"])
  ],
  swiftLanguageModes: [.v6])
