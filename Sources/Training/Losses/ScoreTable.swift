/// Scores or targets of B queries with N documents each, [B,N].
package struct ScoreTable: Sendable, Equatable {
  /// B.
  package let queries: Int
  /// N.
  package let documents: Int
  /// Row by row.
  package var values: [Float]

  /// - Precondition: there is one value a query and document, and at least one document.
  package init(queries: Int, documents: Int, values: [Float]) {
    precondition(
      queries >= 0 && documents > 0 && values.count == queries * documents,
      "\(values.count) values for \(queries) queries with \(documents) documents each")
    self.queries = queries
    self.documents = documents
    self.values = values
  }

  /// The values of one query.
  package func row(_ query: Int) -> ArraySlice<Float> {
    values[query * documents..<(query + 1) * documents]
  }

  /// Ranks from 1 by descending value; of equal values the first comes first.
  ///
  /// The reference sorts by `torch.argsort`, which promises no order of ties and keeps this one.
  func ranks(_ query: Int) -> [Int] {
    let row = Array(self.row(query))
    let order = row.indices.sorted { row[$0] != row[$1] ? row[$0] > row[$1] : $0 < $1 }
    var ranks = [Int](repeating: 0, count: row.count)
    for (place, index) in order.enumerated() { ranks[index] = place + 1 }
    return ranks
  }
}

/// A loss with its derivative by everything that it was computed from.
package struct LossValue: Sendable {
  /// The mean over the batch; NaN where the batch gives no value.
  package var value: Double
  /// Derivatives in the layout of the scores or embeddings.
  package var gradient: [Double]
  /// Whether there was nothing to take a mean of: the value is NaN then, as torch has it.
  package private(set) var isEmpty = false

  /// Nothing yet.
  init(count: Int) {
    value = 0
    gradient = [Double](repeating: 0, count: count)
  }

  /// The mean of what was summed up over `count` parts; NaN where there were none.
  mutating func average(over count: Int) {
    isEmpty = count == 0
    value /= Double(count)
    // Without parts nothing was added to the gradient, and nothing is to be learnt.
    if count > 0 { for i in gradient.indices { gradient[i] /= Double(count) } }
  }
}

/// A loss of scores that compares them with targets.
package protocol ScoringLoss: Sendable {
  /// The loss and its derivative by the scores.
  ///
  /// - Precondition: scores and targets have one shape.
  func callAsFunction(_ scores: ScoreTable, _ targets: ScoreTable) -> LossValue

  /// Name of `number` in the configuration; nil where the loss has none.
  var numberName: String? { get }
  /// The number of the loss that schedules may change.
  var number: Double { get set }
}

extension ScoringLoss {
  package var numberName: String? { nil }
  package var number: Double {
    get { 1 }
    set {}
  }
}

/// A loss whose number is a temperature.
package protocol TemperedLoss: ScoringLoss { var temperature: Double { get set } }

extension TemperedLoss {
  package var numberName: String? { "temperature" }
  package var number: Double {
    get { temperature }
    set { temperature = newValue }
  }
}
