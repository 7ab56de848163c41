import Kernels

/// Scores of texts that are several vectors each: the similarities of all pairs, aggregated over the
/// document's vectors, then over the query's (ColBERT's MaxSim, arXiv:2004.12832; Lightning IR
/// `bi_encoder/bi_encoder_model.py`).
///
/// Sums run in order in single precision: the same bits wherever a pair is scored.
package struct VectorInteraction: Sendable {
  private let kernels: Kernels
  private let similarity: Similarity
  private let queryAggregation: Aggregation
  private let docAggregation: Aggregation

  package init(
    _ similarity: Similarity, query: Aggregation, doc: Aggregation, _ kernels: Kernels
  ) {
    self.similarity = similarity
    queryAggregation = query
    docAggregation = doc
    self.kernels = kernels
  }

  /// A query's vectors, ready to be compared.
  package struct Query: Sendable {
    fileprivate let comparison: DenseComparison?
    fileprivate let width: Int
    fileprivate let ids: [Int32]
  }

  /// Makes a query of vectors[count, width]; `ids` has the token of each, where only equal tokens
  /// are compared.
  package func query(_ values: [Float], width: Int, ids: [Int32] = []) -> Query {
    Query(
      comparison: values.isEmpty
        ? nil : DenseComparison(values, count: values.count / width, similarity, kernels),
      width: width, ids: ids)
  }

  /// The score of a document; -∞ where a maximum runs over nothing.
  ///
  /// `ids` has the token of each vector; where the query has them too, vectors of different tokens
  /// have the similarity 0 (COIL, arXiv:2104.07186).
  package func score(_ query: Query, _ values: [Float], ids: [Int32] = []) -> Float {
    guard let comparison = query.comparison else { return queryAggregation.value(of: []) }
    let count = values.count / query.width
    if count == 0 {
      return queryAggregation.value(
        of: Array(repeating: docAggregation.value(of: []), count: comparison.count))
    }
    let similarities = AlignedBuffer(count: count * comparison.count)
    let scratch = AlignedBuffer(count: values.count)
    values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      comparison.score(
        MatrixView(base, rows: count, columns: query.width), scratch: scratch,
        into: similarities.matrix(rows: count, columns: comparison.count))
    }
    let matches = !query.ids.isEmpty && !ids.isEmpty
    var perVector: [Float] = []
    for vector in 0..<comparison.count {
      let column = (0..<count).map { doc in
        matches && query.ids[vector] != ids[doc]
          ? 0 : similarities.pointer[doc * comparison.count + vector]
      }
      perVector.append(docAggregation.value(of: column))
    }
    return queryAggregation.value(of: perVector)
  }
}
