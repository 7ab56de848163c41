import Autograd
import Failures
import Kernels
import Models
import Tokenizers
import TrainingData
import Workers

/// Report of a step of training.
package struct StepReport: Sendable {
  /// From 1.
  package var step: Int
  package var epoch: Int
  package var loss: Double
  /// Before weights, in the order of the losses.
  package var terms: [Double]
  /// Places of losses that found no pair to compare in a batch, where they count as 0.
  package var withoutPairs: Set<Int> = []
  package var learningRate: Double
  package var gradientNorm: Double
  package var queries: Int
  package var tokens: Int

  package init(
    step: Int, epoch: Int, loss: Double, terms: [Double], learningRate: Double,
    gradientNorm: Double, queries: Int, tokens: Int
  ) {
    self.step = step
    self.epoch = epoch
    self.loss = loss
    self.terms = terms
    self.learningRate = learningRate
    self.gradientNorm = gradientNorm
    self.queries = queries
    self.tokens = tokens
  }
}

/// Numbers of what an epoch has.
package struct Extent: Sendable {
  package var tuples: Int
  /// Documents of each tuple.
  package var documents: Int
  package var batches: Int
  /// Batches that as many tuples would need if any of them could be in one batch.
  package var fewestBatches: Int
}

/// A model in training: step by step, each a function of the weights, the optimiser's memory and the
/// number of the step.
package final class TrainingRun {
  package let configuration: TrainingConfiguration
  package let trained: TrainedModel
  package let tokenizer: Tokenizer
  /// Nil where weights are trained as they are.
  package let lowRank: LowRankUpdates?
  package let steps: Int
  /// What the first epoch has.
  package let firstEpoch: Extent
  /// Steps that are done.
  package internal(set) var step = 0
  let update: WeightUpdate
  let tape: Tape
  let tuples: TupleTokenizer
  private let ranks: (any Ranks)?
  private let source: any TupleSource
  private let pool: WorkerPool
  private let plan: StepPlan
  /// Pools of tuples of which two encoders choose for each other; nil where they do not.
  let pools: TeachingPools?
  /// What they chose of the pool that was begun last.
  var choice: TeachingPools.Choice?
  private let schedule: Schedule
  private let valueSchedules: [(configuration: ValueScheduleConfiguration, schedule: Schedule)]

  /// Purposes that random numbers are drawn for, each from a seed of its own.
  private enum Purpose: UInt64 {
    case order = 0x6F72_6465_72
    case sampling = 0x7361_6D70_6C65
    case inBatch = 0x6E65_6761_7469_76
    case weights = 0x77_6569_6768_7473
    case lowRank = 0x6C_6F72_61
  }

  private static func seed(_ seed: UInt64, _ purpose: Purpose) -> UInt64 {
    CounterRandom(seed: seed, stream: purpose.rawValue).block(at: 0).low
  }

  /// Prepares to train.
  ///
  /// - Parameters:
  ///   - configuration: What to do.
  ///   - description: Its model.
  ///   - kernels: Compute.
  ///   - pool: Works.
  ///   - ranks: Processes that take a part of each batch; nil for this one alone.
  ///   - opener: Makes the opener of the data from the seed of what is sampled.
  /// - Throws: 78 where the model, the losses and the rest do not go together; as reading the model
  ///   and the data does.
  package init(
    _ configuration: TrainingConfiguration, _ description: ModelDescription,
    _ kernels: Kernels, _ pool: WorkerPool, ranks: (any Ranks)?, opener: (UInt64) -> DataOpener
  ) throws(Failure) {
    self.configuration = configuration
    self.pool = pool
    self.ranks = ranks
    if let ranks, configuration.batchSize < ranks.count {
      throw .config(
        "batch_size", "\(configuration.batchSize) queries for \(ranks.count) processes",
        hint: "each takes a part of the batch")
    }
    tokenizer = try Tokenizer.load(folder: description.folder.modelPath)
    trained = try TrainedModel(
      description, seed: Self.seed(configuration.seed, .weights),
      precision: configuration.precision)
    try trained.check(configuration.losses)
    let trained = trained
    lowRank = try configuration.lora.map { lora throws(Failure) in
      try LowRankUpdates(lora, trained, seed: Self.seed(configuration.seed, .lowRank))
    }
    tuples = try TupleTokenizer(tokenizer, trained.model, pool)
    source = try opener(Self.seed(configuration.seed, .sampling)).tuples(configuration.data)
    let batches = Self.batches(
      source, configuration.batchSize,
      shuffleSeed: configuration.data.shuffles ? Self.seed(configuration.seed, .order) : nil,
      areDistinct: configuration.data.noDuplicates)
    let plan = StepPlan(batches, accumulate: configuration.accumulate)
    self.plan = plan
    pools = try TeachingPools(configuration, tuples: source.count) { [seed = configuration.seed] in
      Self.seed(seed, .order)
    }
    let pools = pools
    firstEpoch = Extent(
      tuples: source.count, documents: source.documents, batches: batches.count(0),
      fewestBatches: (source.count - 1) / configuration.batchSize + 1)
    let most = configuration.maxSteps ?? .max
    let steps =
      configuration.epochs.map {
        pools?.steps(ofEpochs: $0, atMost: most) ?? plan.steps(ofEpochs: $0, atMost: most)
      } ?? most
    self.steps = steps
    schedule = try configuration.schedule.schedule(steps: steps)
    var schedules: [(ValueScheduleConfiguration, Schedule)] = []
    for value in configuration.valueSchedules {
      schedules.append((value, try value.schedule.schedule(steps: steps)))
    }
    valueSchedules = schedules
    tape = Tape(kernels, pool, recomputesLayers: configuration.recomputesLayers)
    let optimizer = configuration.optimizer
    update = WeightUpdate(
      optimizer.kind, trained.store, pool, weightDecay: optimizer.weightDecay,
      rate: optimizer.rateFactor)
    try freeze()
  }

  /// The batches of tuples.
  ///
  /// - Parameters:
  ///   - source: The tuples.
  ///   - size: Tuples of a batch.
  ///   - shuffleSeed: Seed of their orders; nil where they stay in their own.
  ///   - areDistinct: Whether no query and no document may be in a batch twice.
  /// - Returns: The batches.
  static func batches(
    _ source: any TupleSource, _ size: Int, shuffleSeed: UInt64?, areDistinct: Bool
  ) -> any EpochBatches {
    if areDistinct { return DistinctBatches(source, batchSize: size, shuffleSeed: shuffleSeed) }
    return ConsecutiveBatches(tuples: source.count, batchSize: size, shuffleSeed: shuffleSeed)
  }

  private func freeze() throws(Failure) {
    for part in configuration.freeze {
      let matching = trained.store.parameters.filter { $0.name.contains(part) }
      guard !matching.isEmpty else {
        throw .config(
          trained.model.description.folder.path, "freeze: no weight has \(part) in its name")
      }
      for parameter in matching { parameter.training?.isFrozen = true }
    }
    guard trained.store.parameters.contains(where: { $0.training?.isFrozen == false }) else {
      throw .config(
        trained.model.description.folder.path,
        "\(configuration.lora == nil ? "freeze" : "lora"): nothing is left to train")
    }
  }

  package var isDone: Bool { step >= steps }

  /// The losses as they are at the next step.
  var currentTerms: [LossTerm] { terms(step) }

  /// The losses as they are at a step, from 0.
  private func terms(_ step: Int) -> [LossTerm] {
    var terms = configuration.losses
    for (value, schedule) in valueSchedules {
      // The reference steps these before the first batch.
      value.apply(schedule.factor(step + 1), to: &terms)
    }
    for i in terms.indices { terms[i].advance(to: step) }
    return terms
  }

  /// Takes the next step.
  ///
  /// - Throws: 1 where the loss or the gradient is not finite: then the weights are those of the step
  ///   before.
  package func advance() throws(Failure) -> StepReport {
    let terms = terms(step)
    let (epoch, batches) = try batches(terms)
    trained.prepare(step + 1, terms)
    trained.store.clearGradients()
    var report = StepReport(
      step: step + 1, epoch: epoch, loss: 0, terms: terms.map { _ in 0 },
      learningRate: configuration.optimizer.learningRate * schedule.factor(step), gradientNorm: 0,
      queries: 0, tokens: 0)
    var random = CounterRandom(
      seed: Self.seed(configuration.seed, .inBatch), stream: UInt64(step))
    // An encoder that is trained apart has batches of its own, of the same sizes as the other one's.
    let sizes = batches.filter { $0.part == batches[0].part }.map(\.tuples.count)
    let mean = configuration.accumulateMean
    let factors = mean.factors(sizes, accumulate: configuration.accumulate)
    for (i, batch) in batches.enumerated() {
      let place = i % sizes.count
      let tuples = try read(batch.tuples, epoch)
      let tokens = try self.tuples.batch(tuples, firstQuery: report.queries)
      let loss = trained.addGradients(
        ranks.map { tokens.part($0.rank, of: $0.count) } ?? tokens,
        batch.part.map { part in terms.map { $0.only(part) } } ?? terms,
        factor: factors[place], on: tape, dropout: dropout,
        options: .init(
          chunk: configuration.chunk, ranks: ranks, sumsGradients: i == batches.count - 1),
        &random)
      guard loss.total.isFinite else { throw notFinite("the loss", loss.total, tuples) }
      report.withoutPairs.formUnion(loss.withoutPairs)
      report.loss += mean.share(of: loss.total, place, sizes)
      for (j, term) in loss.terms.enumerated() {
        report.terms[j] += mean.share(of: term, place, sizes)
      }
      report.queries += tuples.count
      report.tokens += tokens.tokens
    }
    report.gradientNorm = update.gradientNorm()
    guard report.gradientNorm.isFinite else {
      throw notFinite(
        "the norm of the gradient", report.gradientNorm,
        try read(batches.flatMap(\.tuples), epoch))
    }
    update.step(
      learningRate: report.learningRate, norm: report.gradientNorm, clip: configuration.clip)
    step += 1
    return report
  }

  /// The batches of the next step, with the encoder that each of them trains alone.
  private func batches(
    _ terms: [LossTerm]
  ) throws(Failure) -> (epoch: Int, [(tuples: [Int], part: Int?)]) {
    guard let pools else {
      let (epoch, batches) = plan.batches(step)
      return (epoch, batches.map { ($0, nil) })
    }
    let pool = pools.pool(at: step)
    guard pool.isTaught else {
      return (pool.epoch, pools.batches(of: pools.tuples(pool), step, pool).map { ($0, nil) })
    }
    if choice?.firstStep != pool.firstStep {
      choice = try choose(pools.tuples(pool), pool, pools, terms)
    }
    return (
      pool.epoch,
      (choice?.tuples ?? []).enumerated().flatMap { part, tuples in
        pools.batches(of: tuples, step, pool).map { ($0, part) }
      }
    )
  }

  /// Has the encoders choose for each other, each what it is worst at.
  private func choose(
    _ all: [Int], _ pool: TeachingPools.Pool, _ pools: TeachingPools, _ terms: [LossTerm]
  ) throws(Failure) -> TeachingPools.Choice {
    var losses: [[Double]] = [[], []]
    for start in stride(from: 0, to: all.count, by: configuration.batchSize) {
      let some = Array(all[start..<min(start + configuration.batchSize, all.count)])
      let batch = try tuples.batch(try read(some, pool.epoch))
      for (part, table) in trained.ownScores(batch, terms, on: tape).enumerated() {
        losses[part] += DualEncoderLoss.losses(table, batch.targets)
      }
    }
    return TeachingPools.Choice(
      firstStep: pool.firstStep,
      tuples: [1, 0].map { part in pools.loss.chosen(losses[part]).map { all[$0] } })
  }

  /// Refuses weights that no model may have: the last step may have gone too far.
  ///
  /// - Throws: 1 where a weight is not finite.
  package func checkWeights() throws(Failure) {
    for parameter in trained.store.parameters where parameter.training?.isFrozen != true {
      let values = UnsafeBufferPointer(start: parameter.values, count: parameter.count)
      guard let value = values.first(where: { !$0.isFinite }) else { continue }
      throw Failure(
        .refused, at: "step \(step)",
        "\(parameter.name) has become \(value.isNaN ? "nan" : "\(value)")",
        hint: "a smaller learning rate or clip may help, in another folder")
    }
  }

  private var dropout: TrainedModel.DropoutKey? {
    configuration.drops ? .init(seed: configuration.seed, step: step) : nil
  }

  private func read(_ batch: [Int], _ epoch: Int) throws(Failure) -> [TrainingTuple] {
    var tuples: [TrainingTuple] = []
    for index in batch { tuples.append(try source.tuple(index, epoch: epoch)) }
    return tuples
  }

  private func notFinite(
    _ what: String, _ value: Double, _ tuples: [TrainingTuple]
  ) -> Failure {
    // Of a NaN the sign means nothing.
    let what = "\(what) is \(value.isNaN ? "nan" : "\(value)")"
    let places = tuples.prefix(8).map(\.place).joined(separator: ", ")
    return Failure(
      .refused, at: "step \(step + 1)",
      "\(what) in the batch of \(places)\(tuples.count > 8 ? ", …" : "")",
      hint: "a smaller learning rate or clip may help, in another folder: --resume takes no others")
  }
}

extension SIMD4<UInt32> {
  /// The first two words as one.
  fileprivate var low: UInt64 { UInt64(self[0]) | UInt64(self[1]) << 32 }
}
