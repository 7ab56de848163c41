import Failures
import Kernels
import Models
import Retrieval

/// The score of a query's and a document's embeddings, as the model has it.
struct EmbeddingComparison {
  private let place: String
  private let measure: FlatIndex.Measure
  private let interaction: VectorInteraction?
  /// Compares the texts' own vectors of models that have one beside those of the tokens.
  private let cls: VectorInteraction
  private let kernels: Kernels

  init(_ description: ModelDescription, _ kernels: Kernels) {
    place = description.folder.path
    let measure = FlatIndex.Measure(rawValue: description.similarity.rawValue) ?? .dot
    self.measure = measure
    self.kernels = kernels
    func aggregation(_ name: LateInteraction.Aggregation) -> VectorInteraction.Aggregation {
      switch name {
      case .sum: .sum
      case .mean: .mean
      case .max: .max
      }
    }
    interaction = description.lateInteraction.map {
      VectorInteraction(
        measure, query: aggregation($0.queryAggregation), doc: aggregation($0.docAggregation),
        kernels)
    }
    cls = VectorInteraction(measure, query: .sum, doc: .sum, kernels)
  }

  /// Scores of one query with some documents.
  ///
  /// - Throws: 78 where the embeddings are of different kinds.
  func scores(
    _ queries: EmbeddingWindow, _ query: Int, _ docs: EmbeddingWindow, _ wanted: ArraySlice<Int>
  ) throws(Failure) -> [Float] {
    switch (queries, docs) {
    case (.dense(let q, let width), .dense(let d, let other)) where width == other:
      return dense(q[query * width..<(query + 1) * width], d, wanted)
    case (.sparse(let q), .sparse(let d)): return wanted.map { sparse(q[query], d[$0]) }
    case (.vectors(let q, let shape), .vectors(let d, let other))
    where shape == other && interaction != nil:
      return vectors(q[query], d, wanted, shape)
    default:
      throw .config(place, "the embeddings of queries and documents are of different kinds")
    }
  }

  private func dense(
    _ query: ArraySlice<Float>, _ docs: [Float], _ wanted: ArraySlice<Int>
  ) -> [Float] {
    let dimension = query.count
    let comparison = DenseComparison(Array(query), count: 1, measure, kernels)
    let rows = AlignedBuffer(count: dimension)
    let score = AlignedBuffer(count: 1)
    return wanted.map { doc in
      docs.withUnsafeBufferPointer { values in
        guard let base = values.baseAddress else { return 0 }
        let row = MatrixView(base + doc * dimension, rows: 1, columns: dimension)
        comparison.score(row, scratch: rows, into: score.matrix(rows: 1, columns: 1))
        return score.pointer[0]
      }
    }
  }

  private func vectors(
    _ query: VectorSet, _ docs: [VectorSet], _ wanted: ArraySlice<Int>, _ shape: VectorShape
  ) -> [Float] {
    guard let interaction else { return [] }
    // Only COIL compares equal tokens alone.
    let ids = shape.cls == nil ? [] : query.ids
    let tokens = interaction.query(query.values, width: shape.width, ids: ids)
    let own = shape.cls.map { cls.query(query.cls, width: $0) }
    return wanted.map { doc in
      let score = interaction.score(tokens, docs[doc].values, ids: docs[doc].ids)
      return own.map { cls.score($0, docs[doc].cls) + score } ?? score
    }
  }

  private func sparse(_ a: SparseVector, _ b: SparseVector) -> Float {
    switch measure {
    case .dot: return Self.dot(a, b)
    case .cosine:
      return Self.dot(a, b) / (max(Self.norm(a), Self.epsilon) * max(Self.norm(b), Self.epsilon))
    case .l2: return -Self.distance(a, b)
    }
  }

  /// As torch.nn.functional.cosine_similarity has it for each of the two vectors.
  private static let epsilon: Float = 1e-8

  private static func norm(_ vector: SparseVector) -> Float { dot(vector, vector).squareRoot() }

  /// Euclidean distance, the squares summed in double precision in order.
  private static func distance(_ a: SparseVector, _ b: SparseVector) -> Float {
    var sum = 0.0
    walk(a, b) { x, y in
      let difference = Double(x) - Double(y)
      sum += difference * difference
    }
    return Float(sum.squareRoot())
  }

  /// Σ over the common terms, ascending, fused: the bits of a search.
  private static func dot(_ a: SparseVector, _ b: SparseVector) -> Float {
    var sum: Float = 0
    walk(a, b) { x, y in sum.addProduct(x, y) }
    return sum
  }

  /// Calls `body` with the two weights of every term of either, ascending; 0 where one lacks it.
  private static func walk(
    _ a: SparseVector, _ b: SparseVector, _ body: (Float, Float) -> Void
  ) {
    var (i, j) = (0, 0)
    while i < a.indices.count || j < b.indices.count {
      let x = i < a.indices.count ? a.indices[i] : .max
      let y = j < b.indices.count ? b.indices[j] : .max
      body(x <= y ? a.values[i] : 0, y <= x ? b.values[j] : 0)
      if x <= y { i += 1 }
      if y <= x { j += 1 }
    }
  }
}
