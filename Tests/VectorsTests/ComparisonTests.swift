import Failures
import Kernels
import Testing
import Vectors

@Suite struct ComparisonTests {
  private let x = SparseVector(indices: [1, 4, 7], values: [3, 1, 2])
  private let y = SparseVector(indices: [0, 4, 7, 9], values: [5, 2, 4, 2])

  /// Common terms 4 and 7: 1·2 + 2·4 = 10; |x|² = 14, |y|² = 49; differences 5, 3, 1, 2, 2: 43.
  @Test func sparse() {
    #expect(SparseComparison(.dot).score(x, y) == 10)
    #expect(SparseComparison(.cosine).score(x, y) == 10 / (Float(14).squareRoot() * 7))
    #expect(SparseComparison(.l2).score(x, y) == -Float(43).squareRoot())
    #expect(SparseComparison(.cosine).score(x, SparseVector()) == 0)
  }

  @Test func topTermsOfEqualWeight() {
    let vector = SparseVector(indices: [2, 3, 5, 8], values: [1, 4, 1, 1])
    #expect(vector.top(2) == SparseVector(indices: [2, 3], values: [1, 4]))
    #expect(vector.top(4) == vector)
  }

  /// MaxSim by hand: (1,0)·: max(1, 0.5) = 1; (0,2): max(0, 3) = 3.
  @Test(arguments: [(Aggregation.sum, Float(4)), (.mean, 2), (.max, 3)])
  func severalVectors(query: Aggregation, expected: Float) throws {
    let comparison = EmbeddingComparison(
      .dot, aggregations: (query, .max), place: "model", Kernels())
    var q = VectorSet()
    q.values = [1, 0, 0, 2]
    var d = VectorSet()
    d.values = [1, 0, 0.5, 1.5]
    let shape = VectorShape(width: 2, hasTokens: false)
    let scores = try comparison.scores(
      .vectors([q], shape), 0, .vectors([VectorSet(), d], shape), [1, 1])
    #expect(scores == [expected, expected])
  }

  /// COIL: the texts' own vectors, 2·3, and MaxSim among equal tokens: token 5 alone, 1·4.
  @Test func equalTokensAlone() throws {
    let comparison = EmbeddingComparison(
      .dot, aggregations: (.sum, .max), place: "model", Kernels())
    var q = VectorSet()
    (q.cls, q.ids, q.values) = ([2], [5, 6], [1, 10])
    var d = VectorSet()
    (d.cls, d.ids, d.values) = ([3], [5, 9], [4, 7])
    let shape = VectorShape(cls: 1, width: 1, hasTokens: true)
    #expect(
      try comparison.scores(.vectors([q], shape), 0, .vectors([d], shape), [0]) == [10])
  }

  @Test(arguments: Similarity.allCases)
  func dense(similarity: Similarity) throws {
    let comparison = EmbeddingComparison(
      similarity, aggregations: nil, place: "model", Kernels())
    let scores = try comparison.scores(
      .dense([9, 9, 3, 4], dimension: 2), 1, .dense([0, 5, 6, 8], dimension: 2), [1, 0])
    switch similarity {
    case .dot: #expect(scores == [50, 20])
    // (3,4) and (6,8) have one direction; (0,5)·(0.6,0.8)/5.
    case .cosine: #expect(zip(scores, [1, 0.8]).allSatisfy { abs($0 - $1) < 1e-6 })
    case .l2: #expect(scores == [-5, -Float(10).squareRoot()])
    }
  }

  @Test func formsThatDoNotFit() {
    let comparison = EmbeddingComparison(
      .dot, aggregations: nil, place: "model", Kernels())
    let pairs: [(Embeddings, Embeddings)] = [
      (.dense([1], dimension: 1), .dense([1, 2], dimension: 2)),
      (.sparse([x]), .dense([1], dimension: 1)), (.texts([[]]), .texts([[]])),
      (
        .vectors([VectorSet()], VectorShape(width: 1, hasTokens: true)),
        .vectors([VectorSet()], VectorShape(width: 1, hasTokens: true))
      ),
    ]
    for (q, d) in pairs {
      #expect(throws: Failure.self) { try comparison.scores(q, 0, d, [0]) }
    }
  }

  @Test func partsOfEmbeddings() {
    guard case .dense(let values, 2) = Embeddings.dense([1, 2, 3, 4, 5, 6], dimension: 2)[1..<3]
    else {
      Issue.record("a part of dense vectors is dense")
      return
    }
    #expect(values == [3, 4, 5, 6])
    #expect(Embeddings.sparse([x, y])[1..<2].count == 1)
    #expect(Embeddings.texts([[1], [2], [3]])[0..<2].count == 2)
  }
}
