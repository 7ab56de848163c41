import Glibc

/// Terms with weights: a query, or a document as feedback sees it.
///
/// Source: FeatureVector of Anserini 0.22.1, whose weights are in single precision and whose norms are
/// in double precision.
struct TermWeights: Sendable, Equatable {
  private(set) var values: [[UInt8]: Float] = [:]

  init() {}

  /// Adds to a term's weight.
  mutating func add(_ weight: Float, to term: [UInt8]) { values[term, default: 0] += weight }

  func weight(_ term: [UInt8]) -> Float { values[term] ?? 0 }

  var terms: some Collection<[UInt8]> { values.keys }

  /// Terms in bytewise order, with their weights.
  var sorted: [(term: [UInt8], weight: Float)] {
    values.map { (term: $0.key, weight: $0.value) }
      .sorted { $0.term.lexicographicallyPrecedes($1.term) }
  }

  /// The largest `count` weights; of equal ones those of the terms that come first in the order of
  /// UTF-16.
  func pruned(to count: Int) -> TermWeights {
    let largest = values.sorted { a, b in
      if a.value != b.value { return a.value > b.value }
      return String(decoding: a.key, as: UTF8.self).utf16
        .lexicographicallyPrecedes(String(decoding: b.key, as: UTF8.self).utf16)
    }
    var pruned = TermWeights()
    for (term, weight) in largest.prefix(count) { pruned.values[term] = weight }
    return pruned
  }

  /// The sum of the weights' absolute values.
  var sum: Double { sorted.reduce(0) { $0 + Double($1.weight.magnitude) } }

  /// The weights' length.
  var length: Double {
    sorted.reduce(0) { $0 + Double($1.weight) * Double($1.weight) }.squareRoot()
  }

  /// All weights divided by a number; without one as they are.
  func divided(by norm: Double) -> TermWeights {
    if norm == 0 { return self }
    var scaled = self
    for (term, weight) in values { scaled.values[term] = Float(Double(weight) / norm) }
    return scaled
  }
}
