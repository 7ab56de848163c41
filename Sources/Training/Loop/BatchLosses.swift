import Autograd
import Kernels
import Models

/// The losses of vectors that a model made of a whole batch, and their derivatives by these.
///
/// It knows nothing of how they were made: all at once, a few texts at a time, or by other processes.
struct BatchLosses {
  let terms: [LossTerm]
  /// Factor of the derivatives.
  let factor: Double
  let targets: ScoreTable
  let tape: Tape

  // MARK: Bi-encoders

  /// Losses, and the derivatives by every part of the vectors of queries and of documents.
  func callAsFunction(
    queries: TextVectors<Matrix>, documents: TextVectors<Matrix>, _ scoring: VectorScoring,
    _ random: inout CounterRandom
  ) -> (loss: BatchLoss, queries: [Matrix], documents: [Matrix]) {
    let q = scoring.side(queries, tape)
    let d = scoring.side(documents, tape)
    let n = targets.documents
    let own = (0..<targets.queries).map { query in (0..<n).map { query * n + $0 } }
    // The queries' own documents first, then the columns that each in-batch term compares.
    var tables = [own]
    for case .inBatch(let loss) in terms.map(\.kind) {
      tables.append(loss.sampling.columns(targets, &random))
    }
    let scores = scoring.scores(q, d, tables, tape)
    let views = terms.contains { if case .views = $0.kind { true } else { false } }
    let similarities = views ? scoring.similarities(q, d, own, tape) : nil
    var sums = LossSums(
      scores.value.elements, similarities?.value.elements, targets, tables)
    var others: [(value: Recorded, derivative: Matrix)] = []
    for term in terms {
      if case .dual(let loss) = term.kind {
        let found = dual(
          loss, weight: term.weight * factor, queries: queries, documents: documents, q, d, scoring)
        sums.note(term, found.value)
        others += found.derivatives
        continue
      }
      sums.add(term, factor: factor, queries: queries.parts[0], documents: documents.parts[0])
    }
    tape.backward(
      from: others + row(scores, sums.byScores)
        + (similarities.map { row($0, sums.bySimilarities) } ?? [])
        + row(q.variables[0], sums.byQueries) + row(d.variables[0], sums.byDocuments))
    return (sums.loss, gradients(q), gradients(d))
  }

  /// A value with the derivatives by its elements; nothing where there are none.
  private func row(
    _ value: Recorded, _ slopes: [Float]
  ) -> [(value: Recorded, derivative: Matrix)] {
    if slopes.isEmpty { return [] }
    return [
      (value, tape.matrix(slopes, rows: value.value.rows, columns: value.value.columns))
    ]
  }

  private func gradients(_ side: VectorScoring.Side) -> [Matrix] {
    side.variables.map { variable in
      let (rows, columns) = (variable.value.rows, variable.value.columns)
      return tape.gradient(of: variable)
        ?? tape.matrix(
          repeatElement(0, count: rows * columns), rows: rows, columns: columns)
    }
  }

  // MARK: Cross-encoders

  /// Losses, and the derivatives by the scores of pairs, [B·N,1].
  func callAsFunction(scores: Matrix) -> (loss: BatchLoss, scores: Matrix) {
    let table = ScoreTable(
      queries: targets.queries, documents: targets.documents, values: Array(scores.elements))
    var loss = BatchLoss(terms: [], total: 0, scores: table)
    var slopes = [Double](repeating: 0, count: table.values.count)
    for term in terms {
      guard case .scoring(let function) = term.kind else { continue }
      let value = function(table, targets)
      if value.isEmpty { loss.withoutPairs.append(loss.terms.count) }
      loss.terms.append(value.isEmpty ? 0 : value.value)
      loss.total += value.isEmpty ? 0 : term.weight * value.value
      for i in slopes.indices { slopes[i] += term.weight * factor * value.gradient[i] }
    }
    return (
      loss, tape.matrix(slopes.map { Float($0) }, rows: scores.rows, columns: scores.columns)
    )
  }
}

/// Losses and their derivatives, as they add up.
private struct LossSums {
  var loss: BatchLoss
  var byScores: [Float]
  var bySimilarities: [Float] = []
  /// Empty where no term depends on vectors but through scores.
  var byQueries: [Float] = []
  var byDocuments: [Float] = []
  private let targets: ScoreTable
  private let similarities: ScoreTable?
  /// Scores and the place of the first one in `byScores`: own documents, then each in-batch term's.
  private var tables: [(scores: ScoreTable, first: Int)] = []
  private var inBatchTerms = 0

  init(
    _ scores: UnsafeMutableBufferPointer<Float>,
    _ similarities: UnsafeMutableBufferPointer<Float>?, _ targets: ScoreTable,
    _ columns: [[[Int]]]
  ) {
    self.targets = targets
    var first = 0
    for table in columns {
      let width = table[0].count
      let count = table.count * width
      tables.append(
        (
          ScoreTable(
            queries: table.count, documents: width,
            values: Array(scores[first..<first + count])), first
        ))
      first += count
    }
    byScores = [Float](repeating: 0, count: first)
    self.similarities = similarities.map { values in
      let documents = targets.queries * targets.documents
      return ScoreTable(
        queries: documents, documents: values.count / documents, values: Array(values))
    }
    loss = BatchLoss(terms: [], total: 0, scores: tables[0].scores)
  }

  mutating func add(
    _ term: LossTerm, factor: Double, queries: TextVectors<Matrix>.Part,
    documents: TextVectors<Matrix>.Part
  ) {
    let weight = term.weight * factor
    switch term.kind {
    case .scoring(let loss):
      let value = loss(tables[0].scores, targets)
      let isEmpty = value.isEmpty
      if isEmpty { self.loss.withoutPairs.append(self.loss.terms.count) }
      let sum = add(value, weight, at: tables[0].first, &byScores)
      note(term, isEmpty ? 0 : sum)
    case .inBatch(let loss):
      inBatchTerms += 1
      let table = tables[inBatchTerms]
      note(term, add(loss(table.scores), weight, at: table.first, &byScores))
    case .dual: preconditionFailure("a loss of two encoders")
    case .views(let loss):
      guard let similarities else { preconditionFailure("similarities of no vectors") }
      note(term, add(loss(similarities), weight, at: 0, &bySimilarities))
    case .regularization(let regularization):
      let q = Self.penalty(regularization, queries)
      let d = Self.penalty(regularization, documents)
      note(
        term,
        regularization.queryWeight
          * add(q, weight * regularization.queryWeight, at: 0, &byQueries)
          + regularization.docWeight
          * add(d, weight * regularization.docWeight, at: 0, &byDocuments))
    }
  }

  /// The penalty on the vectors that count, with derivatives by all of them.
  private static func penalty(
    _ regularization: Regularization, _ part: TextVectors<Matrix>.Part
  ) -> LossValue {
    let (vectors, rows) = (part.vectors, part.groups.rows)
    let isOneEach = rows.count == vectors.rows && rows.allSatisfy { $0.count == 1 }
    if isOneEach {
      return regularization.penalty(
        Array(vectors.elements), texts: vectors.rows, dimension: vectors.columns)
    }
    // Texts with fewer vectors than others have zeros in their place, which only FLOPS sees.
    let longest = regularization.kind == .flops ? rows.map(\.count).max() ?? 0 : 0
    var (values, places): ([Float], [Int]) = ([], [])
    for text in rows {
      for row in text { values += vectors.row(row) }
      places += text
      let missing = max(0, longest - text.count)
      values += repeatElement(0, count: missing * vectors.columns)
      places += repeatElement(-1, count: missing)
    }
    let padded = regularization.penalty(
      values, texts: regularization.kind == .flops ? rows.count : 1, dimension: vectors.columns)
    var penalty = LossValue(count: vectors.elements.count)
    penalty.value = padded.value
    for (i, row) in places.enumerated() where row >= 0 {
      for column in 0..<vectors.columns {
        penalty.gradient[row * vectors.columns + column] =
          padded.gradient[i * vectors.columns + column]
      }
    }
    return penalty
  }

  mutating func note(_ term: LossTerm, _ value: Double) {
    loss.terms.append(value)
    loss.total += term.weight * value
  }

  /// Adds derivatives to those from `first` on, and returns the loss.
  private func add(
    _ value: LossValue, _ weight: Double, at first: Int, _ sums: inout [Float]
  ) -> Double {
    if sums.isEmpty { sums = [Float](repeating: 0, count: value.gradient.count) }
    for (i, slope) in value.gradient.enumerated() { sums[first + i] += Float(weight * slope) }
    return value.value
  }
}
