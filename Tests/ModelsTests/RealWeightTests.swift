import Foundation
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Models that people use, from the folder that `LIR_TEST_MODELS` names: `minilm/` is
/// sentence-transformers/all-MiniLM-L6-v2, `splade/` a SPLADE model of BERT-tiny's size.
struct RealWeightTests {
  static let folder = ProcessInfo.processInfo.environment["LIR_TEST_MODELS"]

  static func has(_ name: String) -> Bool {
    guard let folder else { return false }
    return FileManager.default.fileExists(atPath: "\(folder)/\(name)/config.json")
  }

  private func texts(_ name: String) throws -> [String] {
    (try Fixtures.json("real/\(name)/inputs.json")["texts"]?.array ?? []).compactMap(\.string)
  }

  private func model(_ name: String, _ overrides: JSON? = nil) throws -> (Model, Tokenizer) {
    let path = "\(Self.folder ?? "")/\(name)"
    let model = try Model(ModelDescription(recognizing: ModelFolder(path, overrides: overrides)))
    return (model, try Tokenizer.load(folder: path))
  }

  @Test(.enabled(if: has("minilm"), "LIR_TEST_MODELS names no folder with minilm/"))
  func miniLM() throws {
    let expected = try Fixtures.tensors("real/all_minilm_l6_v2/expected.safetensors")
    let (model, tokenizer) = try model("minilm")
    #expect(model.maximumTokens(.doc) == 256)
    let window = try model.window(try texts("all_minilm_l6_v2"), .doc, tokenizer)
    #expect(window.rows == (try expected.ragged("ids", offsets: "offsets")))
    let rows = try model.embed(window, .doc, threads: 2)
    expectClose(
      rows.flatMap { $0 }, try expected.floats("embeddings"), Self.tolerance, "real MiniLM")
    var similarities: [Float] = []
    for x in rows {
      for y in rows { similarities.append(zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }) }
    }
    expectClose(
      similarities, try expected.floats("similarity"), Self.tolerance, "real MiniLM similarity")
  }

  @Test(.enabled(if: has("splade"), "LIR_TEST_MODELS names no folder with splade/"))
  func splade() throws {
    let expected = try Fixtures.tensors("real/tiny_splade/expected.safetensors")
    let (model, tokenizer) = try model(
      "splade", ["model_type": "splade", "query_length": 256, "doc_length": 256])
    let window = try model.window(try texts("tiny_splade"), .doc, tokenizer)
    let rows = try model.embed(window, .doc, threads: 2)
    var spread: [Float] = []
    let offsets = try expected.integers("offsets").map { Int($0) }
    let indices = try expected.integers("indices")
    let values = try expected.floats("values")
    for (start, end) in zip(offsets, offsets.dropFirst()) {
      var row = [Float](repeating: 0, count: model.backbone.vocabularySize)
      for i in start..<end { row[Int(indices[i])] = values[i] }
      spread += row
    }
    expectClose(rows.flatMap { $0 }, spread, Self.tolerance, "real SPLADE")
    var scores: [Float] = []
    for x in rows {
      for y in rows {
        scores.append(Float(zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }))
      }
    }
    expectClose(scores, try expected.floats("scores"), .scores, "real SPLADE scores")
  }

  private static let tolerance = Tolerance(absolute: 1e-4, relative: 0)
}
