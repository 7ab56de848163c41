import Autograd
import Failures
import Glibc
import Kernels
import Models
import Tensors

/// A model whose weights are in a store, with what makes its losses and their derivatives.
package struct TrainedModel {
  package let model: Model
  package let store: ParameterStore
  private let similarity: Similarity

  /// Backbones all of whose operations have adjoints.
  private static let backbones = [
    "bert", "distilbert", "electra", "modernbert", "roberta", "xlm-roberta",
  ]

  /// Reads the weights of a folder.
  ///
  /// - Throws: 78 where the model has parts that are not trained yet, and as `Model` does.
  package init(_ description: ModelDescription) throws(Failure) {
    try Self.check(description)
    store = ParameterStore()
    model = try Model(description, trainingIn: store)
    similarity = description.similarity
  }

  private static func check(_ description: ModelDescription) throws(Failure) {
    let place = description.folder.configPlace
    func refuse(_ what: String) -> Failure {
      .config(place, "training of \(what) is not supported")
    }
    guard backbones.contains(description.backboneType) else {
      throw refuse("backbone \(description.backboneType)")
    }
    switch description.architecture {
    case .dense: break
    case .splade(let settings):
      for role in [Role.query, .doc]
      where settings.weighting[role] != .contextualized || settings.expands[role] == false {
        throw refuse("\(role.rawValue) terms without a model or without expansion")
      }
    case .mono(let settings):
      if settings.set != nil { throw refuse("set-encoder models") }
    case .uniCoil, .multiVector, .viewers, .coil:
      throw refuse("\(description.architecture.name) models")
    }
    if !description.isCrossEncoder, description.similarity == .l2 {
      throw refuse("similarity l2")
    }
  }

  /// Refuses terms that the model cannot be trained with.
  ///
  /// - Throws: 78.
  package func check(_ terms: [LossTerm]) throws(Failure) {
    guard model.description.isCrossEncoder, let term = terms.first(where: \.needsEmbeddings) else {
      return
    }
    throw .config(
      model.description.folder.configPlace,
      "loss \(term.name) needs a bi-encoder, the model is a cross-encoder")
  }

  /// The losses of a batch.
  ///
  /// Derivatives by the weights, multiplied by `factor`, are added to those of the store.
  ///
  /// - Parameters:
  ///   - batch: Queries and documents.
  ///   - terms: As `check` let them pass.
  ///   - factor: Usually one over the number of batches of a step.
  ///   - tape: One that records into the store.
  ///   - dropout: What is dropped; nil for nothing.
  ///   - random: What in-batch losses draw their documents by.
  /// - Returns: The losses, before `factor`.
  package func addGradients(
    _ batch: TrainingBatch, _ terms: [LossTerm], factor: Double = 1, on tape: Tape,
    dropout: DropoutKey? = nil, _ random: inout CounterRandom
  ) -> BatchLoss {
    switch batch.texts {
    case .separate(let queries, let documents):
      return addGradients(
        queries, documents, batch, terms, factor, tape, dropout, &random)
    case .pairs(let pairs):
      return addGradients(pairs, batch, terms, factor, tape, dropout)
    }
  }

  /// What chooses the elements that dropout drops.
  package struct DropoutKey: Sendable {
    package var seed: UInt64
    package var step: Int

    package init(seed: UInt64, step: Int) {
      self.seed = seed
      self.step = step
    }

    /// Queries, documents and pairs of a step have masks of their own: records 3i, 3i + 1, 3i + 2.
    fileprivate func start(_ tape: Tape, _ kind: Int, first: Int, count: Int) {
      tape.startDropout(
        seed: seed, step: step, records: (first..<first + count).map { 3 * $0 + kind })
    }
  }
}

// MARK: Bi-encoders

extension TrainedModel {
  private func embed(_ batch: PackedBatch, _ tape: Tape) -> Recorded {
    let hidden = model.hidden(batch, tape)
    switch model.head {
    case .dense(let head): return head(hidden, batch, tape)
    case .splade(let roles):
      guard let head = roles.head else { preconditionFailure("SPLADE without a head") }
      return head(hidden, batch, tape)
    case .mono, .uniCoil, .multiVector, .viewers, .coil:
      preconditionFailure("a model that `init` refuses, or a cross-encoder")
    }
  }

  private func addGradients(
    _ queries: PackedBatch, _ documents: PackedBatch, _ batch: TrainingBatch,
    _ terms: [LossTerm], _ factor: Double, _ tape: Tape, _ dropout: DropoutKey?,
    _ random: inout CounterRandom
  ) -> BatchLoss {
    let n = batch.targets.documents
    dropout?.start(tape, 0, first: batch.firstQuery, count: queries.sequences)
    let q = embed(queries, tape)
    dropout?.start(tape, 1, first: batch.firstQuery * n, count: documents.sequences)
    let d = embed(documents, tape)
    tape.stopDropout()
    let own = (0..<queries.sequences).map { query in (0..<n).map { query * n + $0 } }
    // The columns of the score table of each term, the queries' own documents first.
    var tables = [own]
    for case .inBatch(let loss) in terms.map(\.kind) {
      tables.append(loss.sampling.columns(batch.targets, &random))
    }
    let pairs = tables.flatMap { table in
      table.enumerated().flatMap { query, columns in columns.map { (x: query, y: $0) } }
    }
    let cosine = similarity == .cosine
    let scores = tape.dotProducts(
      cosine ? tape.normalize(q) : q, cosine ? tape.normalize(d) : d, pairs)
    var sums = LossSums(scores.value.elements, batch.targets, tables)
    for term in terms { sums.add(term, factor: factor, queries: q.value, documents: d.value) }
    let slopes = tape.matrix(sums.byScores, rows: 1, columns: pairs.count)
    tape.backward(
      from: [(scores, slopes)]
        + zip([q, d], [sums.byQueries, sums.byDocuments]).compactMap { value, slopes in
          slopes.isEmpty
            ? nil
            : (
              value,
              tape.matrix(slopes, rows: value.value.rows, columns: value.value.columns)
            )
        })
    return sums.loss
  }
}

/// Losses and their derivatives, as they add up.
private struct LossSums {
  var loss: BatchLoss
  var byScores: [Float]
  /// Empty where no term depends on embeddings but through scores.
  var byQueries: [Float] = []
  var byDocuments: [Float] = []
  private let targets: ScoreTable
  /// Scores and the place of the first one in `byScores`: own documents, then each in-batch term's.
  private var tables: [(scores: ScoreTable, first: Int)] = []
  private var inBatchTerms = 0

  init(
    _ scores: UnsafeMutableBufferPointer<Float>, _ targets: ScoreTable, _ columns: [[[Int]]]
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
    loss = BatchLoss(terms: [], total: 0, scores: tables[0].scores)
  }

  mutating func add(
    _ term: LossTerm, factor: Double, queries: Matrix, documents: Matrix
  ) {
    let weight = term.weight * factor
    switch term.kind {
    case .scoring(let loss):
      add(loss(tables[0].scores, targets), term, weight, at: tables[0].first)
    case .inBatch(let loss):
      inBatchTerms += 1
      let table = tables[inBatchTerms]
      add(loss(table.scores), term, weight, at: table.first)
    case .regularization(let regularization):
      let q = regularization.penalty(
        Array(queries.elements), texts: queries.rows, dimension: queries.columns)
      let d = regularization.penalty(
        Array(documents.elements), texts: documents.rows, dimension: documents.columns)
      note(
        term, regularization.queryWeight * q.value + regularization.docWeight * d.value)
      Self.add(q.gradient, weight * regularization.queryWeight, to: &byQueries)
      Self.add(d.gradient, weight * regularization.docWeight, to: &byDocuments)
    }
  }

  private mutating func note(_ term: LossTerm, _ value: Double) {
    loss.terms.append(value)
    loss.total += term.weight * value
  }

  private mutating func add(
    _ value: LossValue, _ term: LossTerm, _ weight: Double, at first: Int
  ) {
    note(term, value.value)
    for (i, slope) in value.gradient.enumerated() { byScores[first + i] += Float(weight * slope) }
  }

  private static func add(_ slopes: [Double], _ weight: Double, to sums: inout [Float]) {
    if sums.isEmpty { sums = [Float](repeating: 0, count: slopes.count) }
    for (i, slope) in slopes.enumerated() { sums[i] += Float(weight * slope) }
  }
}

// MARK: Cross-encoders

extension TrainedModel {
  private func addGradients(
    _ pairs: PackedBatch, _ batch: TrainingBatch, _ terms: [LossTerm], _ factor: Double,
    _ tape: Tape, _ dropout: DropoutKey?
  ) -> BatchLoss {
    guard case .mono(let head) = model.head else { preconditionFailure("not a cross-encoder") }
    dropout?.start(
      tape, 2, first: batch.firstQuery * batch.targets.documents, count: pairs.sequences)
    let logits = head(model.hidden(pairs, tape), pairs, tape)
    tape.stopDropout()
    let scored = (0..<pairs.sequences).map { Self.score(logits.value.row($0), head.scoring) }
    let table = ScoreTable(
      queries: batch.targets.queries, documents: batch.targets.documents,
      values: scored.map(\.score))
    var loss = BatchLoss(terms: [], total: 0, scores: table)
    var slopes = [Double](repeating: 0, count: scored.count)
    for term in terms {
      guard case .scoring(let function) = term.kind else { continue }
      let value = function(table, batch.targets)
      loss.terms.append(value.value)
      loss.total += term.weight * value.value
      for i in slopes.indices { slopes[i] += term.weight * factor * value.gradient[i] }
    }
    let derivatives = zip(scored, slopes).flatMap { scored, slope in
      scored.slopes.map { Float($0 * slope) }
    }
    tape.backward(
      from: [
        (
          logits,
          tape.matrix(derivatives, rows: logits.value.rows, columns: logits.value.columns)
        )
      ])
    return loss
  }

  /// The score that logits stand for, and its derivative by them.
  private static func score(
    _ logits: UnsafeBufferPointer<Float>, _ scoring: MonoHead.Scoring
  ) -> (score: Float, slopes: [Double]) {
    switch scoring {
    case .rank: return (logits[0], [1])
    case .mono:
      // log softmax(l)[1] = -log(1 + e^(l0 - l1))
      let difference = Double(logits[0]) - Double(logits[1])
      let score = -(max(difference, 0) + log1p(exp(-abs(difference))))
      let other = 1 - exp(score)
      return (Float(score), [-other, other])
    }
  }
}
