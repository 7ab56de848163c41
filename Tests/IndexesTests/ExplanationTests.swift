import Indexes
import JSON
import Kernels
import Retrieval
import TestSupport
import Testing
import Vectors

/// The matrices and parts that explanations of several vectors have give the score, bit for bit, by the
/// aggregation that they name.
@Suite struct ExplanationTests {
  private static let pairs = Aggregation.allCases.flatMap { query in
    Aggregation.allCases.map { Aggregations(query: query, doc: $0) }
  }

  @Test(arguments: pairs, [0, 1])
  func matricesOfVectors(aggregations: Aggregations, code: Int) throws {
    let shape = VectorShape(width: 6, hasTokens: false)
    let docs = VectorSample.grid.sets(30, 6, seed: 5)
    let queries = VectorSample.grid.sets(4, 6, seed: 6)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, shape, aggregation: aggregations.recorded)
    let hasCodes = code == 1 && aggregations.doc == .max
    try buildIndex(
      folder("i"), streams: [folder("s")], given: hasCodes ? [("codes", "int8")] : [])
    let index = try #require(openIndex(folder("i")) as? any ExplainingIndex & RescoringIndex)
    let ordinals = docs.indices.filter { !docs[$0].values.isEmpty }
    for query in queries.indices where !queries[query].values.isEmpty {
      let embedded = Embeddings.vectors(queries, shape)
      let scores = try index.scores(embedded, query, of: ordinals)
      let parts = try index.explanations(embedded, query, of: ordinals) { _ in nil }
      for (score, part) in zip(scores, parts) {
        let explained = JSON.object(part)
        #expect(explained["aggregation"]?.string == aggregations.text)
        let matrix = (explained["matrix"]?.array ?? []).map(Self.numbers)
        #expect(matrix.count == queries[query].values.count / 6)
        let rows = matrix.map { aggregations.doc.value(of: $0) }
        #expect(rows == Self.numbers(explained["scores"] ?? .null))
        #expect(aggregations.query.value(of: rows) == score)
      }
    }
  }

  @Test(arguments: pairs)
  func partsOfTokens(aggregations: Aggregations) throws {
    let shape = VectorShape(cls: 3, width: 4, hasTokens: true)
    let docs = VectorSample.grid.sets(40, 4, seed: 7, cls: 3)
    let queries = VectorSample.grid.sets(5, 4, seed: 8, cls: 3)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, shape, aggregation: aggregations.recorded)
    try buildIndex(folder("i"), streams: [folder("s")])
    let index = try #require(openIndex(folder("i")) as? any ExplainingIndex & RescoringIndex)
    let ordinals = docs.indices.filter { !docs[$0].values.isEmpty }
    var shared = 0
    for query in queries.indices where !queries[query].values.isEmpty {
      let embedded = Embeddings.vectors(queries, shape)
      let scores = try index.scores(embedded, query, of: ordinals)
      let parts = try index.explanations(embedded, query, of: ordinals) { "t\($0)" }
      for (score, part) in zip(scores, parts) {
        let explained = JSON.object(part)
        let terms = explained["terms"]?.array ?? []
        #expect(terms.map { $0["term"]?.string } == queries[query].ids.map { "t\($0)" })
        shared += terms.reduce(0) { $0 + ($1["similarities"]?.array?.count ?? 0) }
        let values = Self.numbers(.array(terms.compactMap { $0["score"] }))
        let cls = try #require(Self.numbers(.array([explained["cls"] ?? .null])).first)
        let sum = cls + aggregations.query.value(of: values)
        // Of a sum over documents the index adds in another order; numbers of the grid are exact.
        #expect((sum - score).magnitude <= 1e-5 * (1 + score.magnitude))
      }
    }
    #expect(shared > 0)
  }

  private static func numbers(_ json: JSON) -> [Float] {
    (json.array ?? []).map { value in
      switch value {
      case .integer(let number): Float(number)
      case .double(let number): Float(number)
      default: -.infinity
      }
    }
  }
}
