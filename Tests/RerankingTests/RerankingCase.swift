import Encoding
import Failures
import JSON
import Kernels
import Models
import Records
import Reranking
import Tensors
import TestSupport
import Testing
import Tokenizers
import Workers

/// A folder of `Tests/Fixtures/models`: a checkpoint, queries with documents, and the scores that the
/// reference gave them.
struct RerankingCase {
  let loaded: LoadedModel
  let window: PairWindow
  /// The reference's scores, by query.
  let expected: [[Float]]

  init(_ name: String) throws {
    let folder = fixture("models/native/\(name)")
    let tokenizer = try Tokenizer.load(folder: folder + "/model")
    loaded = try LoadedModel(
      Model(ModelDescription(recognizing: ModelFolder(folder + "/model")), tokenizer: tokenizer),
      tokenizer)
    let inputs = try Fixtures.json("models/native/\(name)/inputs.json")
    let queries = (inputs["queries"]?.array ?? []).compactMap(\.string)
    let docs = (inputs["docs"]?.array ?? []).map { ($0.array ?? []).compactMap(\.string) }
    var window = PairWindow()
    for (i, (query, docs)) in zip(queries, docs).enumerated() {
      window.append(
        query: RecordID("q\(i)"), text: Array(query.utf8),
        docIDs: docs.indices.map { RecordID("d\(i).\($0)") }, docs: docs.map { Array($0.utf8) })
    }
    self.window = window
    let scores = try Fixtures.tensors("models/native/\(name)/expected.safetensors")
      .floats("scores")
    var left = scores[...]
    expected = window.docIDs.map { docs in
      defer { left = left.dropFirst(docs.count) }
      return Array(left.prefix(docs.count))
    }
  }

  /// The scores, as far from the reference's as README.md of the fixtures allows.
  func check(_ scorer: any PairScorer) throws {
    let scores = try scorer.score(window).scores
    #expect(scores.map(\.count) == expected.map(\.count))
    #expect(expected.joined().contains { $0 != 0 })
    for (found, wanted) in zip(scores.joined(), expected.joined()) {
      #expect(abs(found - wanted) <= 1e-4 + 2e-5 * abs(wanted))
    }
  }
}

/// What a body throws.
func failure(_ body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch { return error as? Failure }
}

/// A run that is read from its lines.
func run(_ lines: String, _ folder: TemporaryFolder, _ details: RunDetails = []) throws -> Run {
  try RunReader.read(try folder.write("run", lines), keeping: details)
}
