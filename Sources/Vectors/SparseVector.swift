/// A vector over the vocabulary, of which only the terms with a weight other than zero are kept.
package struct SparseVector: Sendable, Equatable {
  /// Terms of the vocabulary, ascending.
  package var indices: [Int32] = []
  /// Weight of each term.
  package var values: [Float] = []

  package init() {}

  package init(indices: [Int32], values: [Float]) {
    precondition(indices.count == values.count, "\(indices.count) terms, \(values.count) weights")
    self.indices = indices
    self.values = values
  }

  /// Keeps what is not zero of a dense row.
  package init(_ row: UnsafeBufferPointer<Float>) {
    for (i, value) in row.enumerated() where value != 0 {
      indices.append(Int32(i))
      values.append(value)
    }
  }

  /// The `count` terms of the largest weights; of equal ones those with the lower index.
  package func top(_ count: Int) -> SparseVector {
    if indices.count <= count { return self }
    let order = indices.indices.sorted {
      values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1
    }
    var kept = SparseVector()
    for i in order.prefix(count).sorted() {
      kept.indices.append(indices[i])
      kept.values.append(values[i])
    }
    return kept
  }
}
