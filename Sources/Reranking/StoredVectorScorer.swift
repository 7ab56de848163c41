import Encoding
import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Vectors
import Workers

/// Scores queries, embedded, with the vectors of an index.
package struct StoredVectorScorer: PairScorer {
  private let path: String
  private let queries: EmbeddingSource
  private let index: any RescoringIndex

  package var needs: NeededTexts { NeededTexts(queries: queries.readsTexts, docs: false) }

  /// Opens an index.
  ///
  /// - Parameters:
  ///   - path: Its folder.
  ///   - queries: Embeds the queries.
  ///   - modelDigest: Digest of the model.
  ///   - learned: What makes scores of the vectors; nil for the index's own.
  ///   - pool: Searches.
  ///   - kernels: Compute.
  /// - Throws: 78 where the index was made by another model, or is of a type that scores no documents
  ///   that are given; as opening an index does.
  package init(
    _ path: String, _ queries: TextEmbedder, modelDigest: String,
    learned: (any LearnedInteraction)? = nil, _ pool: WorkerPool, _ kernels: Kernels
  ) throws(Failure) {
    let folder = try IndexFolder(path)
    let model = folder.manifest.source.description.model
    guard model == modelDigest else {
      throw .config(
        path,
        "the index was made by \(folder.manifest.source.words) (\(model ?? "unknown")), --model is "
          + "\(queries.model.words) (\(modelDigest))")
    }
    try self.init(folder, .texts(queries), learned, pool, kernels)
  }

  /// Opens an index for queries whose vectors are there.
  ///
  /// - Parameters:
  ///   - path: Its folder.
  ///   - stored: The queries' vectors.
  ///   - learned: What makes scores of the vectors; nil for the index's own.
  ///   - pool: Searches.
  ///   - kernels: Compute.
  /// - Throws: 78 where the index is of another model, similarity, kind or dimension, or of a type that
  ///   scores no documents that are given; as opening an index does.
  package init(
    _ path: String, stored: StoredEmbeddings, learned: (any LearnedInteraction)? = nil,
    _ pool: WorkerPool, _ kernels: Kernels
  ) throws(Failure) {
    let folder = try IndexFolder(path)
    if let (description, schema) = stored.origin {
      try folder.manifest.source.check(queries: description, schema, stored.files)
    }
    try self.init(folder, .stored(stored), learned, pool, kernels)
  }

  private init(
    _ folder: IndexFolder, _ queries: EmbeddingSource, _ learned: (any LearnedInteraction)?,
    _ pool: WorkerPool, _ kernels: Kernels
  ) throws(Failure) {
    var (index, _) = try IndexTypes.open(folder, [], IndexWork(kernels, pool))
    if let learned {
      guard let source = index as? any VectorSource else {
        throw .config(
          folder.path, "an index of type \(folder.manifest.type) has no vectors to score")
      }
      index = source.scored(by: learned, place: folder.path)
    }
    guard let index = index as? any RescoringIndex else {
      throw .config(
        folder.path,
        "an index of type \(folder.manifest.type) cannot score documents that are given")
    }
    path = folder.path
    self.index = index
    self.queries = queries
  }

  package func score(
    _ window: PairWindow
  ) throws(Failure) -> WindowScores {
    let found = try queries.embeddings(window.queryIDs, texts: window.queries) {
      window.place(query: $0)
    }
    var scores: [[Float]] = []
    for (query, ids) in window.docIDs.enumerated() {
      var ordinals: [Int] = []
      for id in ids {
        guard let ordinal = index.documents.ordinal(id.bytes) else {
          throw .data(path, "document \(id) of the run is not in the index")
        }
        ordinals.append(ordinal)
      }
      scores.append(try index.scores(found.embeddings, found.places[query], of: ordinals))
    }
    return WindowScores(scores: scores, truncated: found.truncated)
  }
}
