import Failures
import IndexFormat
import Kernels
import ModelSupport
import Models
import Records
import Retrieval
import Tensors
import Tokenizers
import ToolSupport
import Vectors
import Workers

/// Queries embedded, documents' vectors taken from an index.
struct StoredVectorScorer: PairScorer {
  private let queries: TextEmbedder
  private let index: any SearchableIndex

  init(
    _ path: String, _ queries: TextEmbedder, modelDigest: String, _ pool: WorkerPool,
    _ kernels: Kernels
  ) throws(Failure) {
    let folder = try IndexFolder(path)
    guard folder.manifest.stream.model == modelDigest else {
      throw .config(
        path,
        "the index was made by model \(folder.manifest.stream.model ?? "unknown"), "
          + "--model is \(modelDigest)")
    }
    index = try SearchableIndexes.open(folder, kernels, pool)
    self.queries = queries
  }

  func score(_ window: PairWindow) throws(Failure) -> (scores: [[Float]], truncated: Int) {
    let (embeddings, truncated) = try queries.embed(window.queries)
    var scores: [[Float]] = []
    for (query, ids) in window.docIDs.enumerated() {
      var ordinals: [Int] = []
      for id in ids {
        guard let ordinal = index.documents.ordinal(id.bytes) else {
          throw .data(index.folder.path, "document \(id) of the run is not in the index")
        }
        ordinals.append(ordinal)
      }
      scores.append(try self.scores(embeddings, query, ordinals))
    }
    return (scores, truncated)
  }

  private func scores(
    _ embeddings: Embeddings, _ query: Int, _ ordinals: [Int]
  ) throws(Failure) -> [Float] {
    switch (embeddings, index) {
    case (.dense(let values, let dimension), let flat as FlatIndex):
      return flat.scores(
        Array(values[query * dimension..<(query + 1) * dimension]), ordinals: ordinals)
    case (.sparse(let vectors), let sparse as SparseIndex):
      return try sparse.scores(
        vectors[query], ordinals: ordinals)
    default:
      throw .config(index.folder.path, "the index is of another kind than the model's vectors")
    }
  }
}
