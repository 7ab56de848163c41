import Failures
import Vectors

/// The weights of a query by term, for one query after the other; memory that is used again.
///
/// Not `Sendable`: a worker has its own.
final class QueryTerms {
  private let weights: UnsafeMutablePointer<Float>
  private let dimension: Int
  private var terms: [Int32] = []

  init(_ dimension: Int) {
    self.dimension = dimension
    weights = .allocate(capacity: dimension)
    // What is no number is no term of the query: the weights of those are finite.
    weights.initialize(repeating: .nan, count: dimension)
  }

  deinit { weights.deallocate() }

  /// Takes a query whose terms are of the vocabulary and whose weights are finite.
  func set(_ query: SparseVector) {
    for term in terms { weights[Int(term)] = .nan }
    terms = query.indices
    for (term, weight) in zip(query.indices, query.values) {
      precondition(term >= 0 && term < dimension, "term \(term) of \(dimension)")
      weights[Int(term)] = weight
    }
  }

  /// The sum over the terms that both have, ascending, one fused multiply-add each; nil where there
  /// is none.
  func product(_ vectors: DocumentVectors, _ document: Int) -> Float? {
    var sum: Float = 0
    var isFound = false
    for place in vectors.range(document) {
      let term = vectors.term(place)
      guard term >= 0, term < dimension else { continue }
      let weight = weights[term]
      if weight == weight {
        sum.addProduct(weight, vectors.weight(place))
        isFound = true
      }
    }
    return isFound ? sum : nil
  }
}
