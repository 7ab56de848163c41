import Failures
import Kernels
import ModelSupport
import Models
import Records
import Retrieval
import Streams
import Tensors
import Tokenizers
import ToolSupport
import Vectors
import Workers

/// Some pairs to score: texts of queries, and for each the texts of its documents.
struct PairWindow: Sendable {
  var queries: [[UInt8]] = []
  var queryIDs: [RecordID] = []
  /// docs[query][document]; none where stored vectors are used.
  var docs: [[[UInt8]]] = []
  var docIDs: [[RecordID]] = []

  var pairs: Int { docIDs.reduce(0) { $0 + $1.count } }
}

/// Gives every pair of a window its score.
protocol PairScorer {
  /// scores[query][document], and how many texts were cut.
  func score(_ window: PairWindow) throws(Failure) -> (scores: [[Float]], truncated: Int)
}

/// Scores of flat pairs, by query again.
func grouped(_ flat: [Float], like lists: [[RecordID]]) -> [[Float]] {
  var start = 0
  return lists.map { list in
    defer { start += list.count }
    return Array(flat[start..<start + list.count])
  }
}

/// Query and document read together.
struct CrossEncoderScorer: PairScorer {
  private let encoder: BatchEncoder
  private let pairs: PairTokenizer
  private let windowTokenizer: WindowTokenizer
  private let scoring: PairScoring

  init(
    _ loaded: LoadedModel, _ encoder: BatchEncoder, _ pool: WorkerPool, _ scoring: PairScoring
  ) throws(Failure) {
    self.encoder = encoder
    self.scoring = scoring
    pairs = try PairTokenizer(
      loaded.tokenizer, loaded.description, maximumTokens: loaded.model.backbone.maximumTokens)
    windowTokenizer = WindowTokenizer(pool)
  }

  func score(_ window: PairWindow) throws(Failure) -> (scores: [[Float]], truncated: Int) {
    var prepared: [[UInt8]] = []
    var scratch = TokenizerScratch()
    for query in window.queries {
      try query.withUnsafeBufferPointer { bytes throws(Failure) in
        prepared.append(
          try self.pairs.prepared(query: UnsafeRawBufferPointer(bytes), &scratch).text)
      }
    }
    let members = window.docs.enumerated().flatMap { query, docs in
      docs.indices.map { (query: query, doc: $0) }
    }
    let (pairs, docs, queries) = (pairs, window.docs, prepared)
    let tokens = try windowTokenizer.tokenize(members.count) {
      index, buffer, scratch throws(Failure) in
      let (query, doc) = members[index]
      var counts = TokenCounts(removed: 0)
      try docs[query][doc].withUnsafeBufferPointer { text throws(Failure) in
        counts = try pairs.append(
          query: queries[query], document: UnsafeRawBufferPointer(text), to: &buffer, &scratch)
      }
      return counts
    }
    let flat = try scoring.score(
      tokens, queries: window.queryIDs, counts: window.docIDs.map(\.count), encoder)
    return (grouped(flat, like: window.docIDs), tokens.truncated)
  }
}

/// How the pairs of queries become scores.
struct PairScoring {
  let activation: ScoreActivation
  /// Seed of the states that stand for missing documents; nil where none are drawn.
  let samplingSeed: UInt64?

  /// - Throws: 64 for a form that the model cannot have.
  init(_ description: ModelDescription, _ form: ScoreForm, samplingSeed: UInt64?) throws(Failure) {
    guard case .mono(let settings) = description.architecture else {
      preconditionFailure("not a cross-encoder")
    }
    self.samplingSeed = samplingSeed
    if samplingSeed != nil, settings.set == nil {
      throw .usage("--sample-missing-docs is for set-encoders")
    }
    switch form {
    case .model: activation = settings.activation
    case .logit: activation = .logit
    case .sigmoid: activation = .sigmoid
    case .softmax:
      guard settings.scoring == .mono else {
        throw .usage("--score softmax: the model has one logit, whose softmax is always 1")
      }
      activation = .softmax
    }
  }

  /// Scores of the pairs of queries, `counts` of each, in their order.
  func score(
    _ tokens: TokenWindow, queries: [RecordID], counts: [Int], _ encoder: BatchEncoder
  ) throws(Failure) -> [Float] {
    var groups: [PairGroup] = []
    var start = 0
    for (query, count) in zip(queries, counts) {
      groups.append(
        PairGroup(
          pairs: start..<start + count, seed: samplingSeed.map { Self.seed($0, query.bytes) }))
      start += count
    }
    return try encoder.score(tokens, groups, activation)
  }

  /// One stream of random numbers a query, whatever the others are.
  private static func seed(_ seed: UInt64, _ query: [UInt8]) -> UInt64 {
    seed ^ Checksum.xxh3(query)
  }
}

/// Query and document embedded apart.
struct BiEncoderScorer: PairScorer {
  private let queries: EmbeddingSource
  private let docs: EmbeddingSource
  private let comparison: EmbeddingComparison

  init(_ queries: EmbeddingSource, _ docs: EmbeddingSource, _ comparison: EmbeddingComparison) {
    self.queries = queries
    self.docs = docs
    self.comparison = comparison
  }

  func score(_ window: PairWindow) throws(Failure) -> (scores: [[Float]], truncated: Int) {
    let queries = try self.queries.embeddings(window.queryIDs, texts: window.queries)
    let docs = try self.docs.embeddings(
      window.docIDs.flatMap { $0 }, texts: window.docs.flatMap { $0 })
    var scores: [[Float]] = []
    var start = 0
    for (query, list) in window.docIDs.enumerated() {
      let places = docs.places[start..<start + list.count]
      scores.append(
        try comparison.scores(queries.window, queries.places[query], docs.window, places))
      start += list.count
    }
    return (scores, queries.truncated + docs.truncated)
  }
}
