import Failures
import JSON
import Kernels
import Retrieval
import Vectors

extension MultiVectorIndex {
  /// The similarities of all vectors of the query, a row each, with those of the document, and what each
  /// row gives; with the tokens that the query's vectors belong to, where its stream says them.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    let own = try checked(queries[query..<query + 1]) { _ in "the query" }[0]
    guard case .vectors(let documents, _) = try vectors(of: ordinals) else { return [] }
    let matrix = SimilarityMatrix(own.values, width: width, scoring.similarity, kernels)
    return documents.map { document in
      let rows = matrix.rows(document.values)
      var members = [
        JSON.Member("aggregation", .string(scoring.aggregations.text)),
        JSON.Member(
          "scores", .array(rows.map { .number(scoring.aggregations.doc.value(of: $0)) })),
        JSON.Member("matrix", .array(rows.map { .array($0.map { .number($0) }) })),
      ]
      if !own.ids.isEmpty {
        members.insert(
          JSON.Member("tokens", .array(own.ids.map { .token($0, name($0)) })), at: 1)
      }
      return members
    }
  }
}

extension CodedMultiVectorIndex {
  /// What the vectors' own scores are made of.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    try reference.explanations(queries, query, of: ordinals, naming: name)
  }

  func vectors(of ordinals: [Int]) throws(Failure) -> Embeddings {
    try reference.vectors(of: ordinals)
  }
}

/// The similarities of some vectors of a query with those of documents.
struct SimilarityMatrix {
  private let comparison: DenseComparison?
  private let width: Int

  /// - Parameters:
  ///   - values: The query's vectors[count, width].
  ///   - width: Numbers of a vector.
  ///   - similarity: What the score of two vectors is.
  ///   - kernels: What compares.
  init(_ values: [Float], width: Int, _ similarity: Similarity, _ kernels: Kernels) {
    self.width = width
    comparison =
      values.isEmpty
      ? nil : DenseComparison(values, count: values.count / width, similarity, kernels)
  }

  /// A row for each vector of the query: its similarities with vectors[count, width].
  func rows(_ values: [Float]) -> [[Float]] {
    guard let comparison else { return [] }
    let count = values.count / width
    if count == 0 { return Array(repeating: [], count: comparison.count) }
    let similarities = AlignedBuffer(count: count * comparison.count)
    let scratch = AlignedBuffer(count: values.count)
    values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      comparison.score(
        MatrixView(base, rows: count, columns: width), scratch: scratch,
        into: similarities.matrix(rows: count, columns: comparison.count))
    }
    return (0..<comparison.count).map { vector in
      (0..<count).map { similarities.pointer[$0 * comparison.count + vector] }
    }
  }
}

extension JSON {
  /// A token by its text, or by its number where nobody knows that.
  static func token(_ token: Int32, _ text: String?) -> JSON {
    text.map { .string($0) } ?? .integer(Int(token))
  }
}
