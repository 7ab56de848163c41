// swift-tools-version: 6.1
import PackageDescription

// The map of the house. A target may depend on targets of lower layers only; `scripts/check-layers`
// reads this file and the imports under Sources/ and says so.
//
//   L0  Failures, C* modules     what can go wrong; system libraries; C SIMD kernels
//   L1  JSON Streams Kernels UnicodeTables Workers LinearAlgebra
//   L2  Records Tensors
//   L3  Vectors Clustering Tokenizers Analysis Evaluation IndexFormat TrainingData
//   L4  Autograd Retrieval Remaking
//   L5  Models Indexes
//   L6  Training Encoding
//   L7  ToolSupport MessagePassing Reranking
//   L8  ModelSupport IndexSupport   what the tools that run a model, or open an index, share
//   L9  the tools

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

/// Links Swift's libraries into a released tool, which so starts faster and runs without Swift.
///
/// `--static-swift-stdlib` does the same, but tests cannot be built with it, and a build without it
/// compiles everything again. The libraries are those of Foundation, which Yams imports.
let standAlone: [LinkerSetting] = {
  let released = BuildSettingCondition.when(platforms: [.linux], configuration: .release)
  let ofFoundation = [
    "CoreFoundation", "_FoundationICU", "_FoundationCShims", "_FoundationCollections",
  ]
  return [.unsafeFlags(["-static-stdlib"], released)]
    + ofFoundation.map { .linkedLibrary($0, released) }
}()

/// One executable of the toolchain: a thin folder under `Sources/`.
func tool(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name,
    dependencies: ["ToolSupport", "Failures", "Streams", argumentParser] + dependencies,
    linkerSettings: standAlone)
}

/// The tests of one library target.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.target(name: name), "TestSupport", "Failures"] + dependencies)
}

let package = Package(
  name: "lir",
  traits: [.trait(name: "MPI", description: "lir-train over several processes, by MPI.")],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // L0: failures, system libraries, C kernels
    .target(name: "Failures"),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CLz4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    // Types alone, without a link: Streams loads these two when it meets such data.
    .systemLibrary(name: "CBzip2", providers: [.apt(["libbz2-dev"])]),
    .systemLibrary(name: "CLzma", providers: [.apt(["liblzma-dev"])]),
    .systemLibrary(name: "CSystem"),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(
      name: "COniguruma", pkgConfig: "oniguruma", providers: [.apt(["libonig-dev"])]),
    .systemLibrary(name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .target(
      name: "CKernels",
      exclude: ["README.md"],
      // At -O0 the kernels are fifty times slower and debug tests crawl.
      cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),

    // L1: bytes, numbers, characters, threads
    .target(name: "JSON", dependencies: ["Failures"]),
    .target(
      name: "Streams",
      dependencies: ["Failures", "CZstd", "CLz4", "CZlib", "CBzip2", "CLzma", "CSystem", "CXXHash"]),
    .target(name: "Kernels", dependencies: ["CKernels"]),
    .target(name: "UnicodeTables"),
    .target(name: "Workers", dependencies: ["Failures"]),
    .target(name: "LinearAlgebra", dependencies: ["Failures"]),

    // L2: records and tensors
    .target(name: "Records", dependencies: ["Failures", "JSON", "Streams", "Workers"]),
    .target(name: "Tensors", dependencies: ["Failures", "JSON", "Streams"]),

    // L3: the subjects
    .target(
      name: "Tokenizers",
      dependencies: ["Failures", "JSON", "Streams", "UnicodeTables", "COniguruma"]),
    .target(name: "Analysis", dependencies: ["Failures", "Streams", "UnicodeTables"]),
    .target(
      name: "Evaluation", dependencies: ["Failures", "JSON", "Streams", "Workers", "Records"]),
    .target(
      name: "IndexFormat", dependencies: ["Failures", "JSON", "Streams", "Records", "Tensors"]),
    .target(name: "Vectors", dependencies: ["Failures", "Kernels", "Tensors"]),
    .target(
      name: "Clustering", dependencies: ["Failures", "Kernels", "Workers", "LinearAlgebra"]),
    .target(
      name: "TrainingData",
      dependencies: ["Failures", "JSON", "Streams", "Kernels", "Workers", "Records"]),

    // L4: derivatives; what belongs to no single type of index; making files again
    .target(name: "Autograd", dependencies: ["Kernels", "Workers", "Vectors"]),
    .target(
      name: "Retrieval",
      dependencies: [
        "Failures", "JSON", "Streams", "Kernels", "Workers", "Records", "Tensors", "Vectors",
        "IndexFormat",
      ]),
    .target(
      name: "Remaking",
      dependencies: ["Failures", "JSON", "Streams", "Tensors", "IndexFormat"]),

    // L5: models; the types of indexes, a folder each
    .target(
      name: "Indexes",
      dependencies: [
        "Failures", "JSON", "Streams", "Kernels", "Workers", "Records", "Tensors", "Vectors",
        "Analysis", "Clustering", "LinearAlgebra", "IndexFormat", "Retrieval",
      ]),
    .target(
      name: "Models",
      dependencies: [
        "Failures", "JSON", "Streams", "Kernels", "Workers", "Tensors", "Vectors", "Tokenizers",
        "Autograd",
      ]),

    // L6: training; texts to streams of tokens and embeddings
    .target(
      name: "Training",
      dependencies: [
        "Failures", "JSON", "Streams", "Kernels", "Workers", "Records", "Tensors", "Tokenizers",
        "Vectors", "Evaluation", "TrainingData", "Autograd", "Models", "LinearAlgebra",
      ]),

    .target(
      name: "Encoding",
      dependencies: [
        "Failures", "JSON", "Streams", "Kernels", "Workers", "Records", "Tensors", "Vectors",
        "Tokenizers", "Models",
      ]),

    // L7: scores for the documents of a run; what the tools share, and what processes that train
    // together need
    .target(
      name: "Reranking",
      dependencies: [
        "Failures", "Streams", "Kernels", "Workers", "Records", "Tensors", "Vectors",
        "IndexFormat", "Retrieval", "Indexes", "Tokenizers", "Models", "Encoding",
      ]),
    .target(
      name: "MessagePassing",
      dependencies: [
        "Failures", "Training", .target(name: "CMPI", condition: .when(traits: ["MPI"])),
      ]),
    .target(
      name: "ToolSupport",
      dependencies: [
        "Failures", "JSON", "Streams", "Workers", "Records", "Tensors", argumentParser,
        .product(name: "Yams", package: "Yams"),
      ]),

    // L8: what the tools that run a model share besides, and those that open an index; apart, so that
    // the others do not link models and indexes.
    .target(
      name: "IndexSupport",
      dependencies: [
        "Failures", "JSON", "Workers", "Records", "Evaluation", "IndexFormat", "Retrieval",
        "Indexes",
        "ToolSupport", argumentParser,
      ]),
    .target(
      name: "ModelSupport",
      dependencies: [
        "Failures", "JSON", "Streams", "Kernels", "Workers", "Records", "Tensors", "Vectors",
        "Tokenizers", "Autograd", "Models", "Encoding", "ToolSupport",
      ]),

    // L9: the tools
    tool(
      "lir-tokenize",
      ["Records", "Tensors", "Tokenizers", "Models", "Encoding", "ModelSupport"]),
    tool(
      "lir-encode",
      [
        "Kernels", "Records", "Tensors", "Vectors", "Models", "Encoding", "ModelSupport",
      ]),
    tool(
      "lir-index",
      [
        "JSON", "Kernels", "Records", "Tensors", "IndexFormat", "Retrieval", "Indexes",
        "IndexSupport",
      ]
    ),
    tool(
      "lir-search",
      [
        "JSON", "Kernels", "Workers", "Records", "Tensors", "Vectors", "IndexFormat", "Retrieval",
        "Indexes", "IndexSupport", "Tokenizers", "Models", "Encoding", "ModelSupport",
      ]),
    tool(
      "lir-rerank",
      [
        "Kernels", "Records", "Tensors", "Vectors", "IndexFormat", "Retrieval", "Models",
        "Encoding", "Reranking", "ModelSupport", "IndexSupport",
      ]),
    tool(
      "lir-train",
      [
        "JSON", "Kernels", "Workers", "Records", "Tensors", "Tokenizers", "Evaluation",
        "TrainingData", "Autograd", "Models", "Training", "MessagePassing", "ModelSupport",
      ]),
    tool("lir-eval", ["JSON", "Workers", "Records", "Evaluation", "Remaking"]),

    // What scripts/reference/bench_training.py runs beside the reference
    .executableTarget(
      name: "bench-training",
      dependencies: ["Failures", "Kernels", "Workers", "Autograd", "Models", "Training"],
      path: "Benchmarks/bench-training"),
    // What scripts/bench measures the linear layers by
    .executableTarget(name: "bench-peak", path: "Benchmarks/bench-peak"),

    // Parsers that read what is left of fuzzing them; by Tests/fuzz/parsers/run, built apart from all
    // else, with libFuzzer.
    .executableTarget(
      name: "fuzz-parsers",
      dependencies: [
        "Failures", "JSON", "Streams", "Workers", "Records", "Tensors", "Tokenizers",
        "TrainingData", "IndexFormat", "Indexes", "Models", "ToolSupport",
      ],
      path: "Tests/fuzz/parsers", exclude: ["run", "seeds"],
      swiftSettings: Context.environment["LIR_FUZZ"] == "1" ? [.define("LIBFUZZER")] : []),

    // Tests: one target a library, `ToolTests` for the executables
    .target(name: "TestSupport", dependencies: ["JSON"], path: "Tests/TestSupport"),
    .target(name: "KernelReference", dependencies: ["Kernels"], path: "Tests/KernelReference"),
    .testTarget(name: "FailuresTests", dependencies: ["Failures"]),
    tests("JSON"),
    tests("Streams"),
    tests("Kernels", ["KernelReference"]),
    tests("UnicodeTables"),
    tests("Workers"),
    tests("Records", ["Streams", "Workers"]),
    tests("Tensors", ["Streams", "JSON"]),
    tests("Vectors", ["Kernels", "Streams", "Tensors"]),
    tests("Clustering", ["KernelReference", "Kernels", "Workers", "LinearAlgebra"]),
    tests("LinearAlgebra", ["Kernels"]),
    tests("Tokenizers", ["JSON", "Streams", "Tensors"]),
    tests("Analysis", ["JSON", "UnicodeTables"]),
    tests("Evaluation", ["Records", "Streams", "JSON"]),
    tests(
      "Retrieval",
      [
        "IndexFormat", "JSON", "Records", "Tensors", "Streams", "Kernels", "Workers", "Vectors",
      ]),
    tests(
      "Indexes",
      [
        "Retrieval", "IndexFormat", "JSON", "Records", "Tensors", "Streams", "Kernels", "Workers",
        "Vectors",
      ]),
    tests("Remaking", ["JSON", "Streams"]),
    tests("Autograd", ["KernelReference", "Kernels", "Workers", "Vectors"]),
    tests("TrainingData", ["Records", "Streams", "Kernels", "Workers"]),
    tests("Models", ["JSON", "Streams", "Tensors", "Vectors", "Tokenizers", "Kernels"]),
    tests(
      "Training",
      [
        "JSON", "Streams", "Kernels", "Workers", "Records", "Tensors", "Vectors", "Tokenizers",
        "TrainingData", "Autograd", "Models", "Evaluation",
      ]),
    tests("ToolSupport", ["JSON", "Records", "Streams", argumentParser]),
    tests("ModelSupport", ["Kernels", "Models", "ToolSupport", argumentParser]),
    tests(
      "Encoding",
      [
        "JSON", "Streams", "Kernels", "Workers", "Records", "Tensors", "Vectors", "Tokenizers",
        "Models",
      ]),
    tests(
      "Reranking",
      [
        "Streams", "Kernels", "Workers", "Records", "Tensors", "Vectors", "IndexFormat",
        "Retrieval", "Indexes", "Tokenizers", "Models", "Encoding",
      ]),
  ]
)
