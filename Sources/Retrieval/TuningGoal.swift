import Failures

/// What settings of a search are to reach: so much of what exact search gives.
package struct TuningGoal: Sendable, Equatable {
  package enum Judge: Sendable, Equatable {
    /// The documents that exact search finds: recall of these.
    case exact
    /// Judgements of a file: nDCG, as a part of that of exact search.
    case qrels(String)
  }

  package let judge: Judge
  /// A part above 0, up to 1.
  package let least: Double
  /// How many documents a query count.
  package let depth: Int

  /// Reads `exact:0.95@10` or `qrels:FILE:0.95@10`.
  ///
  /// - Throws: 64 for another form.
  package init(parsing text: String) throws(Failure) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let numbers = (parts.last ?? "").split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count >= 2, numbers.count == 2, let least = Double(numbers[0]), least > 0,
      least <= 1, let depth = Int(numbers[1]), depth >= 1, depth <= 1_000_000
    else { throw Self.malformed(text) }
    switch parts[0] {
    case "exact" where parts.count == 2: judge = .exact
    case "qrels" where parts.count > 2:
      judge = .qrels(parts[1..<parts.count - 1].joined(separator: ":"))
    default: throw Self.malformed(text)
    }
    self.least = least
    self.depth = depth
  }

  private static func malformed(_ text: String) -> Failure {
    .usage("--tune: expected exact:R@K or qrels:FILE:R@K with R up to 1, found \(text)")
  }

  /// What is measured, in words.
  package var measure: String {
    switch judge {
    case .exact: "recall@\(depth)"
    case .qrels: "ndcg@\(depth)"
    }
  }
}
