import Encoding
import Failures
import Indexes
import Kernels
import Models
import Records
import Reranking
import Retrieval
import Streams
import Tensors
import TestSupport
import Testing
import Workers

/// An index of the documents' vectors gives the reference's scores.
struct StoredVectorScorerTests {
  private let pool = WorkerPool(threads: 2)
  private let kernels = Kernels(.best)
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func embedder(_ golden: RerankingCase, _ role: Role) throws -> TextEmbedder {
    try TextEmbedder(golden.loaded, role, pool, kernels, batchTokens: 192)
  }

  /// Builds an index of a case's documents, all but the last few.
  private func index(_ golden: RerankingCase, without missing: Int = 0) throws -> String {
    let docs = try embedder(golden, .doc)
    let ids = golden.window.docIDs.flatMap { $0 }.dropLast(missing)
    let texts = golden.window.docs.flatMap { $0 }.dropLast(missing)
    var description = StreamDescription(role: .doc)
    description.model = "m"
    description.similarity = golden.loaded.description.similarity.rawValue
    let output = try ByteWriter(folder("docs.lirt"), compression: Compression.none)
    let shaper = try EmbeddingShaper(
      EmbeddingOutput(golden.loaded.model), EmbeddingForm(), kernels)
    var sink = EmbeddingStreamSink(output, shaper, description)
    try sink.append(ids: ids.map(\.bytes), try docs.embed(Array(texts)).embeddings)
    try sink.finish()
    let build = IndexBuild(
      folder("index"), type: nil, of: IndexTypes.all, IndexWork(kernels, pool))
    _ = try build.run(.streams([folder("docs.lirt")]))
    return folder("index")
  }

  @Test(arguments: ["dpr_bert_00", "splade_bert_00"])
  func scores(_ name: String) throws {
    let golden = try RerankingCase(name)
    let scorer = try StoredVectorScorer(
      index(golden), embedder(golden, .query), modelDigest: "m", pool, kernels)
    #expect(scorer.needs == NeededTexts(queries: true, docs: false))
    try golden.check(scorer)
  }

  @Test func whatTheIndexLacks() throws {
    let golden = try RerankingCase("dpr_bert_00")
    let scorer = try StoredVectorScorer(
      index(golden, without: 1), embedder(golden, .query), modelDigest: "m", pool, kernels)
    let missing = failure { _ = try scorer.score(golden.window) }
    #expect(missing?.status == .data)
    #expect(missing?.message.contains(golden.window.docIDs[2][3].description) == true)
  }

  @Test func anIndexOfAnotherModel() throws {
    let golden = try RerankingCase("dpr_bert_00")
    let path = try index(golden)
    let other = failure {
      _ = try StoredVectorScorer(
        path, embedder(golden, .query), modelDigest: "n", pool, kernels)
    }
    #expect(other?.status == .config)
  }
}
