import Failures
import IndexFormat
import Vectors

/// Numbers of terms, those that most documents have first: so the weights of a query that documents
/// ask for lie near each other.
struct TermNumbers: Sendable {
  /// The number of each term.
  let numbers: [Int32]
  /// How many documents have each term.
  let frequencies: [Int]

  /// - Parameter vectors: The documents.
  init(_ vectors: DocumentVectors) {
    var frequencies = [Int](repeating: 0, count: vectors.dimension)
    for document in 0..<vectors.count {
      for place in vectors.range(document) { frequencies[vectors.term(place)] += 1 }
      if document % (1 << 14) == (1 << 14) - 1 { vectors.discard() }
    }
    vectors.discard()
    let order = frequencies.indices.sorted { a, b in
      frequencies[a] != frequencies[b] ? frequencies[a] > frequencies[b] : a < b
    }
    var numbers = [Int32](repeating: 0, count: vectors.dimension)
    for (number, term) in order.enumerated() { numbers[term] = Int32(number) }
    self.numbers = numbers
    self.frequencies = frequencies
  }
}

/// What the weights of documents are divided by, so that sums of products with a query stand for
/// scores: their lengths where these are cosines.
struct DocumentFactors: Sendable {
  let vectors: DocumentVectors
  let isCosine: Bool

  /// What a document's weights are multiplied by; nil where nothing is known of a quotient.
  func factor(_ document: Int) -> Double? {
    if !isCosine { return 1 }
    let norm = max(vectors.norm(document), SparseComparison.epsilon)
    return norm <= WindowTurn.longest ? 1 / Double(norm) : nil
  }
}
