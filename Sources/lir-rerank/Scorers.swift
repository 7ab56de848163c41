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
import Workers

/// Some pairs to score: texts of queries, and for each the texts of its documents.
struct PairWindow: Sendable {
  var queries: [[UInt8]] = []
  /// docs[query][document]; empty texts where stored vectors are used.
  var docs: [[[UInt8]]] = []
  var docIDs: [[RecordID]] = []

  var pairs: Int { docIDs.reduce(0) { $0 + $1.count } }
}

/// Gives every pair of a window its score.
protocol PairScorer {
  /// scores[query][document], and how many texts were cut.
  func score(_ window: PairWindow) throws(Failure) -> (scores: [[Float]], truncated: Int)
}

/// Query and document read together.
struct CrossEncoderScorer: PairScorer {
  private let encoder: BatchEncoder
  private let pairs: PairTokenizer
  private let windowTokenizer: WindowTokenizer
  private let activation: ScoreActivation

  init(
    _ model: Model, _ tokenizer: Tokenizer, _ encoder: BatchEncoder, _ pool: WorkerPool,
    _ form: ScoreForm
  ) throws(Failure) {
    guard case .mono(let settings) = model.description.architecture else {
      preconditionFailure("not a cross-encoder")
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
    self.encoder = encoder
    pairs = PairTokenizer(
      tokenizer, model.description, maximumTokens: model.backbone.maximumTokens)
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
      var counts = EncodedCounts(tokens: 0, removed: 0)
      try docs[query][doc].withUnsafeBufferPointer { text throws(Failure) in
        counts = try pairs.append(
          query: queries[query], document: UnsafeRawBufferPointer(text), to: &buffer, &scratch)
      }
      return counts
    }
    let flat = try encoder.score(tokens, activation)
    var scores: [[Float]] = []
    var start = 0
    for docs in window.docs {
      scores.append(Array(flat[start..<start + docs.count]))
      start += docs.count
    }
    return (scores, tokens.truncated)
  }
}

/// Query and document embedded apart, their texts both at hand.
struct BiEncoderScorer: PairScorer {
  private let encoder: BatchEncoder
  private let queryTokenizer: RoleTokenizer
  private let docTokenizer: RoleTokenizer
  private let windowTokenizer: WindowTokenizer
  private let similarity: Similarity
  private let kernels: Kernels

  init(
    _ model: Model, _ tokenizer: Tokenizer, _ encoder: BatchEncoder, _ pool: WorkerPool,
    _ kernels: Kernels
  ) throws(Failure) {
    self.encoder = encoder
    self.kernels = kernels
    similarity = model.description.similarity
    queryTokenizer = try RoleSetup.tokenizer(
      tokenizer, model.description, .query, maxLength: nil, prompt: nil)
    docTokenizer = try RoleSetup.tokenizer(
      tokenizer, model.description, .doc, maxLength: nil, prompt: nil)
    windowTokenizer = WindowTokenizer(pool)
  }

  func score(_ window: PairWindow) throws(Failure) -> (scores: [[Float]], truncated: Int) {
    // A document that several queries share is embedded once.
    var places: [[UInt8]: Int] = [:]
    var texts: [[UInt8]] = []
    for id in 0..<window.docs.count {
      for text in window.docs[id] where places[text] == nil {
        places[text] = texts.count
        texts.append(text)
      }
    }
    let (queries, cutQueries) = try encode(window.queries, queryTokenizer, .query)
    let (docs, cutDocs) = try encode(texts, docTokenizer, .doc)
    var scores: [[Float]] = []
    for (query, members) in window.docs.enumerated() {
      let wanted = members.map { places[$0] ?? 0 }
      scores.append(similarities(queries, query, docs, wanted))
    }
    return (scores, cutQueries + cutDocs)
  }

  private func encode(
    _ texts: [[UInt8]], _ tokenizer: RoleTokenizer, _ role: Role
  ) throws(Failure) -> (EmbeddingWindow, truncated: Int) {
    let tokens = try windowTokenizer.tokenize(texts.count) {
      index, buffer, scratch throws(Failure) in
      var counts = EncodedCounts(tokens: 0, removed: 0)
      try texts[index].withUnsafeBufferPointer { text throws(Failure) in
        counts = try tokenizer.append(UnsafeRawBufferPointer(text), to: &buffer, &scratch)
      }
      return counts
    }
    return (try encoder.encode(tokens, role: role), tokens.truncated)
  }

  private func similarities(
    _ queries: EmbeddingWindow, _ query: Int, _ docs: EmbeddingWindow, _ wanted: [Int]
  ) -> [Float] {
    switch (queries, docs) {
    case (.dense(let q, let dimension), .dense(let d, _)):
      let measure = FlatIndex.Measure(rawValue: similarity.rawValue) ?? .dot
      let comparison = DenseComparison(
        Array(q[query * dimension..<(query + 1) * dimension]), count: 1, measure, kernels)
      let rows = AlignedBuffer(count: dimension)
      let score = AlignedBuffer(count: 1)
      return wanted.map { doc in
        d.withUnsafeBufferPointer { values in
          guard let base = values.baseAddress else { return 0 }
          let row = MatrixView(base + doc * dimension, rows: 1, columns: dimension)
          comparison.score(row, scratch: rows, into: score.matrix(rows: 1, columns: 1))
          return score.pointer[0]
        }
      }
    case (.sparse(let q), .sparse(let d)):
      return wanted.map { Self.dot(q[query], d[$0]) }
    default: preconditionFailure("embeddings of two kinds")
    }
  }

  /// Σ over the common terms, ascending, fused: the bits of a search.
  private static func dot(_ a: SparseVector, _ b: SparseVector) -> Float {
    var sum: Float = 0
    var (i, j) = (0, 0)
    while i < a.indices.count, j < b.indices.count {
      if a.indices[i] == b.indices[j] {
        sum.addProduct(a.values[i], b.values[j])
        i += 1
        j += 1
      } else if a.indices[i] < b.indices[j] {
        i += 1
      } else {
        j += 1
      }
    }
    return sum
  }
}
