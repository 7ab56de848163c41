import Encoding
import Failures
import Foundation
import Kernels
import Models
import Records
import Reranking
import Tensors
import TestSupport
import Testing
import Vectors
import Workers

/// Scorers give the reference's scores, each in its own way.
struct ScorerTests {
  private let pool = WorkerPool(threads: 2)
  private let kernels = Kernels(.best)

  @Test(arguments: ["mono_bert_00", "set_bert_2"])
  func crossEncoders(_ name: String) throws {
    let golden = try RerankingCase(name)
    let scorer = try CrossEncoderScorer(
      golden.loaded, BatchEncoder(golden.loaded.model, pool, kernels), pool,
      CrossEncoderScoring(golden.loaded.description, .model, samplingSeed: nil))
    #expect(scorer.needs == NeededTexts(queries: true, docs: true))
    try golden.check(scorer)
  }

  @Test(arguments: ["dpr_bert_00", "splade_bert_00", "col_bert_03"])
  func biEncoders(_ name: String) throws {
    let golden = try RerankingCase(name)
    func source(_ role: Role) throws -> EmbeddingSource {
      .texts(try TextEmbedder(golden.loaded, role, pool, kernels, batchTokens: 192))
    }
    let scorer = BiEncoderScorer(
      try source(.query), try source(.doc),
      EmbeddingComparison(golden.loaded.model, kernels))
    #expect(scorer.needs == NeededTexts(queries: true, docs: true))
    try golden.check(scorer)
  }

  /// q·d by hand; the embeddings are found by id, in whatever order the streams have them.
  @Test func storedEmbeddings() throws {
    let folder = try TemporaryFolder()
    let queries = try StreamFile(.query, [("q1", [1, 2]), ("q0", [3, 0])]).write(folder, "q")
    let docs = try StreamFile(.doc, [("a", [1, 0]), ("b", [0, 1]), ("c", [2, 2])])
      .write(folder, "d")
    func stored(_ file: String, _ ids: [String], _ role: Role) throws -> EmbeddingSource {
      var table = IDTable()
      for id in ids { _ = table.insert(RecordID(id)) }
      return .stored(
        try StoredEmbeddings(
          VectorInputs([file], as: role), table, role: role, model: ("m", "a model"), kernels))
    }
    let scorer = BiEncoderScorer(
      try stored(queries, ["q0", "q1"], .query), try stored(docs, ["a", "b", "c"], .doc),
      EmbeddingComparison(.dot, aggregations: nil, place: "model", kernels))
    #expect(scorer.needs == NeededTexts(queries: false, docs: false))
    var window = PairWindow()
    window.append(
      query: RecordID("q0"), text: nil, docIDs: ["c", "a"].map { RecordID($0) }, docs: [])
    window.append(
      query: RecordID("q1"), text: nil, docIDs: ["a", "b", "c"].map { RecordID($0) }, docs: [])
    #expect(try scorer.score(window).scores == [[6, 3], [1, 2, 6]])
  }

  @Test func scoreForms() throws {
    let rank = try RerankingCase("mono_bert_00").loaded.description
    for form in [ScoreForm.model, .logit, .sigmoid] {
      _ = try CrossEncoderScoring(rank, form, samplingSeed: nil)
    }
    let softmax = failure { _ = try CrossEncoderScoring(rank, .softmax, samplingSeed: nil) }
    #expect(softmax?.status == .usage)
    let sampling = failure { _ = try CrossEncoderScoring(rank, .model, samplingSeed: 1) }
    #expect(sampling?.status == .usage)
    let set = try RerankingCase("set_bert_2").loaded.description
    _ = try CrossEncoderScoring(set, .model, samplingSeed: 1)
  }

  /// The sigmoid of the logit, which is the model's own score.
  @Test func sigmoid() throws {
    let golden = try RerankingCase("mono_bert_00")
    func scores(_ form: ScoreForm) throws -> [Float] {
      let scoring = try CrossEncoderScoring(golden.loaded.description, form, samplingSeed: nil)
      let encoder = BatchEncoder(golden.loaded.model, pool, kernels)
      return try CrossEncoderScorer(golden.loaded, encoder, pool, scoring).score(golden.window)
        .scores.flatMap { $0 }
    }
    let logits = try scores(.logit)
    #expect(try scores(.model) == logits)
    for (x, y) in zip(logits, try scores(.sigmoid)) {
      #expect(abs(y * (1 + exp(-x)) - 1) < 1e-5)
    }
  }

  /// With a seed, what stands for missing documents changes the scores of a query, whatever other
  /// queries are scored with it, and not without one.
  @Test func missingDocuments() throws {
    let golden = try RerankingCase("set_bert_2")
    func scores(_ seed: UInt64?, _ queries: Range<Int>) throws -> [[Float]] {
      var window = PairWindow()
      for i in queries {
        window.append(
          query: golden.window.queryIDs[i], text: golden.window.queries[i],
          docIDs: golden.window.docIDs[i], docs: golden.window.docs[i])
      }
      let scoring = try CrossEncoderScoring(
        golden.loaded.description, .model, samplingSeed: seed)
      let encoder = BatchEncoder(golden.loaded.model, pool, kernels)
      return try CrossEncoderScorer(golden.loaded, encoder, pool, scoring).score(window).scores
    }
    let seeded = try scores(7, 0..<3)
    #expect(try scores(7, 0..<3) == seeded)
    #expect(try scores(7, 2..<3)[0] == seeded[2])
    #expect(try scores(8, 0..<3) != seeded)
    #expect(try scores(nil, 0..<3) != seeded)
  }
}
