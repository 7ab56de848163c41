/// One term of what training makes small.
package struct LossTerm: Sendable {
  package enum Kind: Sendable {
    /// Depends on the scores of each query's own documents.
    case scoring(any ScoringLoss)
    /// Depends on scores with documents of the whole batch.
    case inBatch(InBatchCrossEntropy)
    /// Depends on the embeddings.
    case regularization(Regularization)
    /// Depends on the similarities of a query with each vector of its documents.
    case views(ContrastiveLocalLoss)
    /// Depends on the scores and the vectors of two encoders, each by itself.
    case dual(DualEncoderLoss)
  }

  /// Name of the term in configurations and metrics.
  package var name: String
  package var kind: Kind
  package var weight: Double

  package init(_ name: String, _ kind: Kind, weight: Double = 1) {
    self.name = name
    self.kind = kind
    self.weight = weight
  }
}

// MARK: Numbers that schedules change

extension LossTerm {
  /// Names of the numbers that a schedule may change, as configurations have them.
  var numbers: [String] {
    switch kind {
    case .scoring(let loss): ["weight"] + [loss.numberName].compactMap { $0 }
    case .inBatch(let loss):
      ["weight", loss.scale.name.rawValue]
        + (loss.sampling.leastTargetDifference == nil ? [] : ["min_target_diff"])
    case .regularization: ["weight", "query_weight", "doc_weight"]
    case .views, .dual: ["weight"]
    }
  }

  /// Names of the whole numbers, which no schedule may change: the reference's make fractions of
  /// them, by which it cannot cut its list of documents.
  var counts: [String] {
    if case .inBatch = kind { ["max_num_neg_samples"] } else { [] }
  }

  /// Whether the loss divides by one of its numbers.
  func divides(by name: String) -> Bool {
    guard name == "temperature" else { return false }
    guard case .scoring(let loss) = kind else { return true }
    return !(loss is RankNet)
  }

  /// Whether terms are pruned by what the documents of these batches have.
  var countsTerms: Bool { dual.map { $0.pruning != nil && $0.part != 0 } ?? false }

  /// The loss of two encoders, if it is one.
  var dual: DualEncoderLoss? {
    if case .dual(let loss) = kind { loss } else { nil }
  }

  /// The term with one encoder's loss alone, of queries that were chosen for it.
  func only(_ part: Int) -> LossTerm {
    guard var loss = dual else { return self }
    loss.part = part
    return LossTerm(name, .dual(loss), weight: weight)
  }

  /// Tells a loss that changes by itself which step is taken, from 0.
  mutating func advance(to step: Int) {
    guard case .dual(var loss) = kind else { return }
    loss.step = step
    kind = .dual(loss)
  }

  /// Multiplies one of `numbers`.
  mutating func multiply(_ name: String, by factor: Double) {
    switch (name, kind) {
    case ("weight", _): weight *= factor
    case ("query_weight", .regularization(var regularization)):
      regularization.queryWeight *= factor
      kind = .regularization(regularization)
    case ("doc_weight", .regularization(var regularization)):
      regularization.docWeight *= factor
      kind = .regularization(regularization)
    case (_, .scoring(var loss)):
      loss.number *= factor
      kind = .scoring(loss)
    case ("temperature", .inBatch(var loss)), ("scale", .inBatch(var loss)):
      loss.scale.number *= factor
      kind = .inBatch(loss)
    case (_, .inBatch(var loss)):
      if let least = loss.sampling.leastTargetDifference {
        loss.sampling.leastTargetDifference = least * factor
      }
      kind = .inBatch(loss)
    default: break
    }
  }
}

/// Loss of a batch, term by term.
package struct BatchLoss: Sendable {
  /// Losses without their weights, in the order of the terms.
  package var terms: [Double]
  /// Places of terms that found no pair to compare, and count as 0.
  package var withoutPairs: [Int] = []
  /// Weighted sum of the terms.
  package var total: Double
  /// Scores of each query's own documents, [B,N].
  package var scores: ScoreTable
}
