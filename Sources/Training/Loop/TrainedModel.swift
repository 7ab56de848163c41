import Autograd
import Failures
import Kernels
import Models
import Tensors

/// A model whose weights are in a store, with what makes its losses and their derivatives.
package struct TrainedModel {
  package let model: Model
  package let store: ParameterStore
  private let scoring: VectorScoring

  /// Reads the weights of a folder.
  ///
  /// A head that the user asked for and the folder lacks is made.
  ///
  /// - Parameters:
  ///   - description: What the folder holds.
  ///   - seed: Seed of the weights of a head that is made.
  ///   - precision: Precision of the products of layers.
  /// - Throws: As `Model` does.
  package init(
    _ description: ModelDescription, seed: UInt64 = 0, precision: TrainingPrecision = .f32
  ) throws(Failure) {
    store = ParameterStore()
    let mayMakeHead = WeightNaming(description).isConverted
    model = try Model(
      description, precisions: precision.layers, trainingIn: store,
      fresh: mayMakeHead ? try FreshWeights(description.folder, seed: seed) : nil)
    scoring = VectorScoring(model)
  }

  /// Refuses terms that the model cannot be trained with.
  ///
  /// - Throws: 78.
  package func check(_ terms: [LossTerm]) throws(Failure) {
    if case .biEncoder(let head) = model.head, head.mergesVectors {
      throw .config(
        model.description.folder.path, "HierarchicalTokenPooling cannot be trained",
        hint: "take the module out of modules.json, and put it back afterwards")
    }
    for term in terms {
      func refuse(_ needed: String, _ found: String) -> Failure {
        .config(
          model.description.folder.configPlace,
          "loss \(term.name) needs \(needed), the model is \(found)")
      }
      if case .scoring = term.kind { continue }
      guard case .biEncoder(let head) = model.head else {
        throw refuse("a bi-encoder", "a cross-encoder")
      }
      switch (term.kind, head.form) {
      case (.dual, _) where !(head is DualDocumentHead):
        throw refuse("two encoders of documents (spade)", "another")
      case (.dual(let loss), _) where loss.pruning != nil && TermCounts(store) == nil:
        throw refuse("weights of terms that are pruned", "one without")
      case (.dual(let loss), _) where loss.masksFrom > 0 && !masksTerms:
        throw refuse("expand_method topk for its topk_start_step", "tokenwise_max")
      case (.dual(let loss), _) where loss.teachingPool != nil && terms.count > 1:
        throw .config(nil, "losses: teaching_pool of \(term.name) goes with no other loss")
      case (.regularization, _) where head is DualDocumentHead:
        throw refuse("one vector a text", "one with two encoders, which top-k masking makes sparse")
      case (.views, _) where !head.givesViews:
        throw refuse("several vectors a document and one a query", "another")
      case (.regularization, .vectors(let shape)) where shape.cls != nil:
        throw refuse("one kind of vectors", "a COIL model with two")
      default: break
      }
    }
  }

  private var masksTerms: Bool {
    guard case .biEncoder(let head) = model.head, let dual = head as? DualDocumentHead
    else { return false }
    return dual.expansion.kind == .topk
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
  ///   - options: How the work is divided.
  ///   - random: What in-batch losses draw their documents by.
  /// - Returns: The losses, before `factor`; those of all processes together.
  package func addGradients(
    _ batch: TrainingBatch, _ terms: [LossTerm], factor: Double = 1, on tape: Tape,
    dropout: DropoutKey? = nil, options: StepOptions = StepOptions(),
    _ random: inout CounterRandom
  ) -> BatchLoss {
    let texts = self.texts(batch, dropout, options.chunk)
    let isChunked = texts.count > batch.texts.groups
    tape.isRecording = !isChunked
    let parts = TrainedParts(terms)
    let recorded = texts.map { run($0, batch, tape, dropout, parts) }
    tape.isRecording = true
    let targets = options.ranks.map { $0.gather(batch.targets) } ?? batch.targets
    let losses = BatchLosses(
      terms: terms, factor: factor, targets: targets, tape: tape.apart)
    // All processes have all scores: one of them derives by what makes these.
    let isFirst = (options.ranks?.rank ?? 0) == 0
    let (loss, slopes) = freezingScorer(!isFirst) {
      evaluate(
        losses, texts.map(\.role), recorded.map { $0.map(\.value) }, options.ranks, counting: true,
        &random)
    }
    for (i, text) in texts.enumerated() where isChunked {
      let again = run(text, batch, tape, dropout, parts)
      backward(
        tape, zip(again.parts, slopes[i]).map { ($0.vectors, $1) },
        i == texts.count - 1 ? options : nil)
    }
    if !isChunked {
      backward(
        tape,
        zip(recorded, slopes).flatMap { recorded, slopes in
          zip(recorded.parts, slopes).map { ($0.vectors, $1) }
        }, options)
    }
    return loss
  }

  /// Runs backwards from the derivatives by some values; `options` come with the last part of a batch.
  private func backward(
    _ tape: Tape, _ derivatives: [(value: Recorded, derivative: Matrix)], _ options: StepOptions?
  ) {
    guard let options, options.sumsGradients, let ranks = options.ranks else {
      return tape.backward(from: derivatives)
    }
    // Which weights layers use that are computed again is known afterwards.
    if tape.recomputesLayers {
      tape.backward(from: derivatives)
      return GradientSum(store, ranks, partSize: options.partSize).finish()
    }
    let sum = GradientSum(store, ranks, partSize: options.partSize)
    tape.afterAdjoint = sum.advance
    tape.backward(from: derivatives)
    tape.afterAdjoint = nil
    sum.finish()
  }

  /// The losses of a batch as the model is outside of training, and no derivatives.
  ///
  /// - Parameters:
  ///   - batch: Queries and documents.
  ///   - terms: As `check` let them pass.
  ///   - tape: Any.
  ///   - random: What in-batch losses draw their documents by.
  /// - Returns: The losses.
  package func loss(
    _ batch: TrainingBatch, _ terms: [LossTerm], on tape: Tape, _ random: inout CounterRandom
  ) -> BatchLoss {
    tape.isRecording = false
    defer { tape.isRecording = true }
    let texts = self.texts(batch, nil, nil)
    let parts = TrainedParts(terms)
    let vectors = texts.map { run($0, batch, tape, nil, parts).map(\.value) }
    let losses = BatchLosses(
      terms: terms, factor: 1, targets: batch.targets, tape: tape.apart)
    return freezingScorer(true) {
      evaluate(losses, texts.map(\.role), vectors, nil, counting: false, &random).loss
    }
  }

  /// What each of several encoders gives the queries' own documents, as the model is outside of training.
  ///
  /// - Parameters:
  ///   - batch: Queries and documents.
  ///   - terms: What they are trained with.
  ///   - tape: Any.
  /// - Returns: A table for each encoder.
  func ownScores(_ batch: TrainingBatch, _ terms: [LossTerm], on tape: Tape) -> [ScoreTable] {
    tape.isRecording = false
    defer { tape.isRecording = true }
    let parts = TrainedParts(terms)
    let vectors = texts(batch, nil, nil).map {
      (role: $0.role, vectors: run($0, batch, tape, nil, parts).map(\.value))
    }
    let losses = BatchLosses(terms: terms, factor: 1, targets: batch.targets, tape: tape.apart)
    let sides = [Role.query, .doc].map { role in
      scoring.side(
        TextVectors(joining: vectors.filter { $0.role == role }.map(\.vectors), on: losses.tape),
        losses.tape)
    }
    return losses.ownScores(sides[0], sides[1], scoring)
  }

  /// Does what is due before a step, from 1: terms that too many documents have are pruned.
  package func prepare(_ step: Int, _ terms: [LossTerm]) {
    for case .dual(let loss) in terms.map(\.kind) {
      guard let pruning = loss.pruning else { continue }
      TermCounts(store)?.advance(to: step, pruning)
    }
  }

  /// Does something while nothing is derived by the weights of a learned scorer, if so it shall be.
  private func freezingScorer<Result>(_ freezes: Bool, _ body: () -> Result) -> Result {
    guard freezes, case .biEncoder(let head) = model.head, let scorer = head.scorer else {
      return body()
    }
    let weights = scorer.parameters.filter { $0.training?.isFrozen == false }
    for weight in weights { weight.training?.isFrozen = true }
    defer { for weight in weights { weight.training?.isFrozen = false } }
    return body()
  }

  /// Numbers that choose the elements that dropout drops.
  package struct DropoutKey: Sendable {
    package var seed: UInt64
    package var step: Int

    package init(seed: UInt64, step: Int) {
      self.seed = seed
      self.step = step
    }

    /// Queries, documents and pairs of a step have masks of their own: records 3i, 3i + 1, 3i + 2.
    fileprivate func start(_ tape: Tape, _ texts: Texts) {
      let kind =
        switch texts.role {
        case .query: 0
        case .doc: 1
        case .pair: 2
        }
      tape.startDropout(
        seed: seed, step: step,
        records: (0..<texts.batch.sequences).map { 3 * (texts.first + $0) + kind }, texts.batch)
    }
  }

  /// Division of the work of a step.
  package struct StepOptions {
    /// Most queries, documents or pairs that the model runs on at a time, with the same result: it
    /// then runs twice on each (GradCache, arXiv:2101.06983); nil for all at once.
    package var chunk: Int?
    /// Processes that have a part of the batch each; nil for this one alone.
    package var ranks: (any Ranks)?
    /// Whether the derivatives of the store then are summed over them: with the last batch of a step.
    package var sumsGradients: Bool
    /// Derivatives that are summed at a time: 16 MB.
    package var partSize = 1 << 22

    package init(chunk: Int? = nil, ranks: (any Ranks)? = nil, sumsGradients: Bool = true) {
      self.chunk = chunk
      self.ranks = ranks
      self.sumsGradients = sumsGradients
    }
  }
}

extension TrainedParts {
  /// What terms train of a head.
  fileprivate init(_ terms: [LossTerm]) {
    self = terms.compactMap(\.dual).first?.trainedParts ?? TrainedParts()
  }
}

extension TrainingBatch.Texts {
  /// Batches of one role.
  fileprivate var groups: Int {
    switch self {
    case .separate: 2
    case .pairs: 1
    }
  }
}

// MARK: Vectors

/// Texts of one role that the model runs on at a time.
private struct Texts {
  let batch: PackedBatch
  let role: Role
  /// Number of the first one within the step.
  let first: Int
}

extension TrainedModel {
  private func texts(
    _ batch: TrainingBatch, _ dropout: DropoutKey?, _ chunk: Int?
  ) -> [Texts] {
    let n = batch.targets.documents
    switch batch.texts {
    case .separate(let queries, let documents):
      return split(queries, .query, first: batch.firstQuery, chunk)
        + split(documents, .doc, first: batch.firstQuery * n, chunk)
    case .pairs(var pairs):
      let first = batch.firstQuery * n
      guard let set = model.description.head.pairs?.set else {
        return split(pairs, .pair, first: first, chunk)
      }
      makeSets(&pairs, batch, set, dropout)
      // Documents of a query cannot be run apart.
      return split(pairs, .pair, first: first, chunk.map { max(n, $0 / n * n) })
    }
  }

  private func split(
    _ batch: PackedBatch, _ role: Role, first: Int, _ chunk: Int?
  ) -> [Texts] {
    let chunk = max(1, chunk ?? batch.sequences)
    return stride(from: 0, to: batch.sequences, by: chunk).map { start in
      let range = start..<min(start + chunk, batch.sequences)
      return Texts(
        batch: range.count == batch.sequences ? batch : batch.sequences(range), role: role,
        first: first + start)
    }
  }

  /// The documents of each query attend to each other; what stands for missing ones is drawn anew
  /// in every step.
  private func makeSets(
    _ pairs: inout PackedBatch, _ batch: TrainingBatch, _ set: PairSettings.SetSettings,
    _ dropout: DropoutKey?
  ) {
    let n = batch.targets.documents
    let random = CounterRandom(
      seed: dropout?.seed ?? 0, stream: UInt64(dropout?.step ?? 0))
    let groups = (0..<batch.targets.queries).map { query in
      let index = UInt64(2 * (batch.firstQuery + query))
      let seed = UInt64(random.bits(at: index)) << 32 | UInt64(random.bits(at: index + 1))
      return PairGroup(pairs: query * n..<(query + 1) * n, seed: seed)
    }
    pairs.makeSets(
      PairGroup.sets(groups, depth: set.depth).map { group in
        let count = group.pairs.count
        return (
          count: count, drawn: set.drawsMissing ? set.depth - count : 0, seed: group.seed ?? 0
        )
      }, sharedToken: set.sharedToken)
  }

  private func run(
    _ texts: Texts, _ batch: TrainingBatch, _ tape: Tape, _ dropout: DropoutKey?,
    _ parts: TrainedParts
  ) -> TextVectors<Recorded> {
    dropout?.start(tape, texts)
    defer { tape.stopDropout() }
    return model.vectors(
      texts.batch, texts.role, promptTokens: batch.promptTokens[texts.role] ?? 0,
      forTraining: true, parts: parts, tape)
  }

  // MARK: Losses

  /// The losses of vectors, and for each of these the derivatives by its parts.
  private func evaluate(
    _ losses: BatchLosses, _ roles: [Role], _ vectors: [TextVectors<Matrix>],
    _ ranks: (any Ranks)?, counting counts: Bool, _ random: inout CounterRandom
  ) -> (loss: BatchLoss, slopes: [[Matrix]]) {
    /// Vectors of one role, of all processes, and where those of this one begin.
    func joined(_ role: Role) -> (vectors: TextVectors<Matrix>, firstRows: [Int]) {
      let own = TextVectors(
        joining: zip(roles, vectors).filter { $0.0 == role }.map(\.1), on: losses.tape)
      guard let ranks else { return (own, own.parts.map { _ in 0 }) }
      return ranks.gather(own, on: losses.tape)
    }
    var slopes: [Role: (all: [Matrix], firstRows: [Int])] = [:]
    let loss: BatchLoss
    if model.description.isCrossEncoder {
      let pairs = joined(.pair)
      let result = losses(scores: pairs.vectors.parts[0].vectors)
      loss = result.loss
      slopes[.pair] = ([result.scores], pairs.firstRows)
    } else {
      let (queries, documents) = (joined(.query), joined(.doc))
      let result = losses(
        queries: queries.vectors, documents: documents.vectors, scoring, &random)
      loss = result.loss
      if counts, losses.terms.contains(where: \.countsTerms) {
        TermCounts(store)?.add(documents.vectors.parts[1].vectors)
      }
      slopes[.query] = (result.queries, queries.firstRows)
      slopes[.doc] = (result.documents, documents.firstRows)
    }
    return (
      loss,
      zip(roles, vectors).map { role, vectors in
        vectors.parts.indices.map { part in
          let rows = vectors.parts[part].vectors.rows
          let first = slopes[role]?.firstRows[part] ?? 0
          slopes[role]?.firstRows[part] += rows
          guard let all = slopes[role]?.all[part] else { preconditionFailure("no derivatives") }
          return losses.tape.matrix(rows: first..<first + rows, of: all)
        }
      }
    )
  }
}
