import Failures
import Foundation
import Kernels
import ModelSupport
import Models
import TestSupport
import Testing
import ToolSupport

@Suite struct ModelOptionsTests {
  private static let diagnostics = Diagnostics(tool: "t", level: .quiet, format: .text)
  private let plain = fixture("models/native/dpr_bert_01/model")
  private let other = fixture("models/native/splade_bert_02/model")

  private func options(_ arguments: [String]) throws -> ModelOptions {
    try ModelOptions.parse(arguments)
  }

  @Test func folders() throws {
    let both = try options(["--model", plain, "--query-model", other])
    #expect(try both.folder(for: .doc).path == plain)
    #expect(try both.folder(for: .query).path == other)
    let one = try options(["--model", plain])
    #expect(try one.folder(for: .query).path == plain)
    let failure = #expect(throws: Failure.self) { try options([]).folder(for: .doc) }
    #expect(failure?.status == .usage)
  }

  /// A pair of models is another model than either, and depends on which one is for queries.
  @Test func digests() throws {
    let digests = try [
      [plain], [other], [plain, "--query-model", other], [other, "--query-model", plain],
      [plain, "--model-config", #"{"query_length": 7}"#],
    ].map { try options(["--model"] + $0).digest() }
    #expect(Set(digests).count == digests.count)
    #expect(digests.allSatisfy { $0.utf8.count == 32 })
    #expect(try options(["--model", plain]).digest() == digests[0])
  }

  @Test func overrides() throws {
    let folder = try TemporaryFolder()
    try folder.write("o.json", #"{"query_length": 7}"#)
    let inline = try options(["--model", plain, "--model-config", #"{"query_length": 7}"#])
    let file = try options(["--model", plain, "--model-config", folder("o.json")])
    for options in [inline, file] {
      let loaded = try options.load(for: .query, LayerPrecisions(.f32), Self.diagnostics)
      #expect(loaded.description.roles[.query]?.maximumLength == 7)
    }
    #expect(try inline.digest() == file.digest())
    let broken = #expect(throws: Failure.self) {
      try options(["--model", plain, "--model-config", "{"]).digest()
    }
    #expect(broken?.status == .usage)
  }

  @Test func instructions() throws {
    #expect(try InstructionOptions.parse([]).kernels().instructionSet == .best)
    let portable = try InstructionOptions.parse(["--isa", "portable"]).kernels()
    #expect(portable.instructionSet == .portable)
  }

  @Test func precisions() throws {
    for precision in Precision.allCases {
      let options = try PrecisionOptions.parse(["--precision", "\(precision)"])
      #expect(options.kernelPrecision == precision)
      let kernels = Kernels(.portable)
      // In single precision results do not depend on the instruction set.
      #expect(
        options.recordedInstructionSet(kernels) == (precision == .f32 ? nil : "portable"))
    }
  }
}

/// Weights packed once, and mapped by the next start.
@Suite struct ModelCacheTests {
  private static let diagnostics = Diagnostics(tool: "t", level: .quiet, format: .text)
  private let folder: TemporaryFolder
  private let options: ModelOptions

  init() throws {
    folder = try TemporaryFolder()
    options = try ModelOptions.parse(["--model", fixture("models/native/dpr_bert_01/model")])
  }

  private func entries() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder("cache"))
      .filter { $0.hasSuffix(".safetensors") }.sorted()
  }

  private func load(_ precision: Precision = .f32) throws {
    _ = try options.load(
      for: .doc, LayerPrecisions(precision), Self.diagnostics, ModelCache(folder("cache")))
  }

  @Test func oneFileAPrecision() throws {
    try load()
    let first = try entries()
    #expect(first.count == 1 && first[0].hasPrefix("lir-packed-"))
    let bytes = try folder.read("cache/\(first[0])")
    try load()
    #expect(try entries() == first && folder.read("cache/\(first[0])") == bytes)
    try load(.bf16)
    #expect(try entries().count == 2)
  }

  /// A damaged file is written anew.
  @Test func damage() throws {
    try load()
    let name = try entries()[0]
    let bytes = try folder.read("cache/\(name)")
    for place in [bytes.count / 2, bytes.count - 1] {
      var damaged = bytes
      damaged[place] ^= 1
      try folder.write("cache/\(name)", damaged)
      try load()
      #expect(try folder.read("cache/\(name)") == bytes, "byte \(place)")
    }
    try folder.write("cache/\(name)", Array(bytes.dropLast()))
    try load()
    #expect(try folder.read("cache/\(name)") == bytes)
  }

  @Test func whereItCannotBe() throws {
    try folder.write("file", "")
    for path in [folder("file"), folder("file/cache")] {
      let failure = #expect(throws: Failure.self) { try ModelCache(path) }
      #expect(failure?.status == .cannotCreate, "\(path)")
    }
  }
}
