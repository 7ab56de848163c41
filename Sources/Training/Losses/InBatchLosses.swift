import Kernels

/// Documents of a batch that a query is compared with: its own as positives, others as negatives.
///
/// Lightning IR `loss/base.py`, `InBatchLossFunction`, and `loss/in_batch.py`,
/// `ScoreBasedInBatchLossFunction`.
package struct InBatchSampling: Sendable, Equatable {
  package enum Positives: String, Sendable, CaseIterable {
    /// All documents of the query. Only the first is taken to be right: the others count as wrong.
    case all
    /// The first document of the query.
    case first
  }

  package enum Negatives: String, Sendable, CaseIterable {
    /// All documents of the other queries.
    case all
    /// The first documents of the other queries.
    case first
    /// All documents but the query's first.
    case allAndNonFirst = "all_and_non_first"
  }

  package var positives: Positives
  package var negatives: Negatives
  /// Most negatives of a query, drawn anew for every batch; nil for all.
  package var maximumNegatives: Int?
  /// Least difference of targets between the positive document, which then is the query's one with
  /// the largest target, and those of its others that are negative; nil where targets do not decide.
  package var leastTargetDifference: Double?

  /// - Precondition: `allAndNonFirst` goes with `first`: else documents would be both.
  package init(
    positives: Positives = .all, negatives: Negatives = .all, maximumNegatives: Int? = nil
  ) {
    precondition(
      negatives != .allAndNonFirst || positives == .first,
      "all_and_non_first needs the first document as the positive one")
    self.positives = positives
    self.negatives = negatives
    self.maximumNegatives = maximumNegatives
  }

  /// Sampling by targets.
  package init(leastTargetDifference: Double, maximumNegatives: Int? = nil) {
    self.init(positives: .first, negatives: .allAndNonFirst, maximumNegatives: maximumNegatives)
    self.leastTargetDifference = leastTargetDifference
  }

  /// The documents of the batch, query by query, that each query is compared with.
  ///
  /// As many for each, positives first. A document is numbered query · N + place. `random` is the
  /// batch's own sequence of random numbers.
  package func columns(_ targets: ScoreTable, _ random: inout CounterRandom) -> [[Int]] {
    let positives = (0..<targets.queries).map { self.positives(of: $0, targets) }
    var negatives = (0..<targets.queries).map { self.negatives(of: $0, targets) }
    let fewest = negatives.map(\.count).min() ?? 0
    for query in negatives.indices where negatives[query].count > fewest {
      // Targets leave some queries more negatives than others: as many as the fewest are kept.
      let kept = random.permutation(negatives[query].count).prefix(fewest).sorted()
      negatives[query] = kept.map { negatives[query][$0] }
    }
    if let maximumNegatives {
      let order = random.permutation(fewest).prefix(maximumNegatives)
      negatives = negatives.map { row in order.map { row[$0] } }
    }
    return zip(positives, negatives).map { $0 + $1 }
  }

  private func positives(of query: Int, _ targets: ScoreTable) -> [Int] {
    let own = query * targets.documents
    if leastTargetDifference != nil { return [own + firstLargest(targets.row(query))] }
    return positives == .first ? [own] : Array(own..<own + targets.documents)
  }

  private func negatives(of query: Int, _ targets: ScoreTable) -> [Int] {
    let n = targets.documents
    let own = query * n..<(query + 1) * n
    let all = 0..<targets.queries * n
    if let leastTargetDifference {
      let row = targets.row(query)
      let largest = Double(row.reduce(-.infinity, max))
      return all.filter {
        !own.contains($0) || largest - Double(targets.values[$0]) >= leastTargetDifference
      }
    }
    switch negatives {
    case .all: return all.filter { !own.contains($0) }
    case .first: return all.filter { $0 % n == 0 && $0 != own.lowerBound }
    case .allAndNonFirst: return all.filter { $0 != own.lowerBound }
    }
  }
}

/// The cross entropy of a query's scores with documents of the whole batch, the first of which is
/// right.
///
/// Lightning IR `loss/in_batch.py`, which has no temperature.
package struct InBatchCrossEntropy: Sendable, Equatable {
  package var sampling: InBatchSampling
  package var scale: LogitScale

  package init(_ sampling: InBatchSampling = InBatchSampling(), scale: LogitScale = LogitScale()) {
    self.sampling = sampling
    self.scale = scale
  }

  /// The loss and its derivative by the scores.
  ///
  /// - Parameter scores: [B,C], of the columns that `sampling` chose.
  /// - Returns: The mean over the queries.
  package func callAsFunction(_ scores: ScoreTable) -> LossValue {
    meanOverQueries(scores) { query in scale.crossEntropy(scores.row(query), right: 0) }
  }
}

extension CounterRandom {
  /// The numbers below `count` in random order (Durstenfeld's shuffle).
  package mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, index(below: last + 1))
    }
    return order
  }

  /// A number below `bound`, each as likely as the others.
  package mutating func index(below bound: Int) -> Int {
    precondition(bound > 0, "an index below \(bound)")
    // Numbers from the last, incomplete run of `bound` are drawn again.
    let bound = UInt64(bound)
    let end = UInt64.max - (UInt64.max % bound + 1) % bound
    var bits = next()
    while bits > end { bits = next() }
    return Int(bits % bound)
  }
}
