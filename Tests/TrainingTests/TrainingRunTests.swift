import Autograd
import Failures
import JSON
import Kernels
import TestSupport
import Testing
import Training
import Workers

/// The loop of lir-train, from texts to weights.
@Suite struct TrainingRunTests {
  @Test(arguments: TrainingCase.all) func runIsThatOfTheReference(_ folder: String) throws {
    let test = try TrainingCase(folder)
    let expected = try SafeTensorsFile.load(folder + "/expected.safetensors")
    let scratch = try TemporaryFolder()
    let run = try test.run(in: scratch)
    #expect(run.steps == test.batchOrder.count && test.steps.count == run.steps)
    var noise: [String: Set<Int>] = [:]
    for (step, json) in test.steps.enumerated() {
      #expect(!run.isDone && run.step == step)
      let report = try run.advance()
      for parameter in run.trained.store.parameters {
        noise[parameter.name, default: []].formUnion(Self.noise(parameter))
      }
      #expect(report.step == step + 1 && report.epoch == 0 && report.queries == 2)
      let slack = test.slack(step, "total_loss")
      Self.near(
        report.loss, json["total_loss"]?.double, 1e-4 + slack, 1e-4, "\(test) \(step): loss")
      #expect(report.terms.count == json["losses"]?.array?.count)
      for (i, term) in report.terms.enumerated() {
        Self.near(
          term, json["losses"]?.array?[i].double, 1e-4 + slack, 1e-4,
          "\(test) \(step): term \(i)")
      }
      // Rounding of single weights averages out in the norm: relative to it as losses are.
      let drift = test.slack(step, "grad_norm")
      Self.near(
        report.gradientNorm, json["grad_norm"]?.double, 1e-4 + drift, 1e-3,
        "\(test) \(step): norm")
    }
    #expect(run.isDone && run.step == run.steps)
    for parameter in run.trained.store.parameters where !test.hasNoDerivative(parameter.name) {
      let reference = try expected.floats(parameter.name)
      let bound = max(
        2e-5,
        4 * (test.expected["final_weight_fp64_max_abs_diff"]?[parameter.name]?.double ?? 0))
      try #require(reference.count == parameter.count)
      let far = reference.indices.filter {
        !(Double(abs(reference[$0] - parameter.values[$0])) <= bound)
      }
      #expect(noise[parameter.name]?.isSuperset(of: far) == true, "\(parameter.name): \(far)")
      let allowed = 1 + parameter.count / 4096
      #expect(far.count <= allowed, "\(parameter.name): \(far.count) of \(parameter.count)")
    }
  }

  /// Elements whose derivative is below the rounding of sums as large as the largest one.
  ///
  /// AdamW makes steps of such derivatives that are as large as any other; the reference ends
  /// elsewhere, too, when its first weights change by their rounding.
  private static func noise(_ parameter: Parameter) -> [Int] {
    guard let training = parameter.training, training.hasGradient else { return [] }
    let gradient = UnsafeBufferPointer(
      start: training.gradient.pointer, count: parameter.count)
    let largest = gradient.lazy.map(abs).max() ?? 0
    return gradient.indices.filter { gradient[$0] != 0 && abs(gradient[$0]) <= 0x1p-20 * largest }
  }

  private static func near(
    _ found: Double, _ expected: Double?, _ absolute: Double, _ relative: Double, _ name: String
  ) {
    guard let expected else {
      Issue.record("\(name) is missing")
      return
    }
    #expect(
      abs(found - expected) <= absolute + relative * abs(expected), "\(name): \(found), \(expected)"
    )
  }

  /// The weights before the first step give the scores of the reference's first batch.
  @Test(arguments: TrainingCase.all) func firstScoresAreThoseOfTheReference(_ folder: String) throws
  {
    let test = try TrainingCase(folder)
    let trained = try test.model()
    var random = CounterRandom(seed: 1)
    let loss = trained.loss(
      try test.batch(test.batchOrder[0]), try test.terms(),
      on: Tape(Kernels(), WorkerPool(threads: 1)), &random)
    let scores = try #require(test.steps[0]["scores"]?.array)
    #expect(scores.count == loss.scores.values.count)
    for (score, expected) in zip(loss.scores.values, scores) {
      Self.near(Double(score), expected.double, 1e-4, 1e-5, "\(test): score")
    }
  }

  private static func bits(_ run: TrainingRun) -> [[UInt32]] {
    run.trained.store.parameters.map { parameter in
      (0..<parameter.count).map { parameter.values[$0].bitPattern }
    }
  }

  @Test(arguments: TrainingCase.all) func runIsTheSameForAllThreads(_ folder: String) throws {
    let test = try TrainingCase(folder)
    let scratch = try TemporaryFolder()
    func bits(_ more: [JSON.Member], threads: Int, _ isa: InstructionSet) throws -> [[UInt32]] {
      let run = try test.run(
        in: scratch, [.init("max_steps", 3)] + more, threads: threads, isa: isa)
      while !run.isDone { _ = try run.advance() }
      #expect(run.step == 3)
      return Self.bits(run)
    }
    let one = try bits([], threads: 1, .best)
    for set in InstructionSet.supported {
      let other = try bits([.init("gradient_checkpointing", true)], threads: 3, set)
      #expect(other == one, "\(test) \(set.name)")
    }
  }

  /// Two batches of one query are a step as one of two is, where a loss is a mean over queries.
  @Test func batchesOfAStepAreAccumulated() throws {
    let test = try TrainingCase(fixture("training/coil_bert"))
    let scratch = try TemporaryFolder()
    let whole = try test.run(in: scratch)
    let parts = try test.run(in: scratch, [.init("batch_size", 1), .init("accumulate", 2)])
    #expect(parts.steps == whole.steps)
    let (expected, found) = (try whole.advance(), try parts.advance())
    #expect(found.queries == 2 && found.tokens == expected.tokens)
    // Sums in another order.
    #expect(abs(found.loss - expected.loss) < 1e-6 * expected.loss)
    #expect(abs(found.gradientNorm - expected.gradientNorm) < 1e-5 * expected.gradientNorm)
  }

  /// The order of tuples and the random documents of in-batch losses belong to a seed and a step.
  @Test func whatIsRandomBelongsToASeedAndAStep() throws {
    let test = try TrainingCase(fixture("training/coil_bert"))
    let scratch = try TemporaryFolder()
    func losses(_ more: [JSON.Member]) throws -> [Double] {
      let members = more + [.init("schedule", ["name": "constant"])]
      let run = try test.run(in: scratch, members)
      var losses: [Double] = []
      while !run.isDone { losses.append(try run.advance().loss) }
      return losses
    }
    let sampled: JSON.Member = .init(
      "losses", [["name": "InBatchCrossEntropy", "max_num_neg_samples": 1]])
    let shuffled: JSON.Member = .init(
      "data",
      ["tuples": .string(scratch("tuples.jsonl")), "targets": "score", "shuffle": true])
    for member in [sampled, shuffled] {
      let members: [JSON.Member] = [member, .init("batch_size", 4)]
      let first = try losses(members + [.init("seed", 1)])
      #expect(try losses(members + [.init("seed", 1)]) == first)
      #expect(try losses(members + [.init("seed", 2)]) != first)
    }
    // One batch of all tuples and weights that stay as they are: what is drawn alone differs.
    let drawn = try losses([
      sampled, .init("batch_size", 20), .init("epochs", 3),
      .init("optimizer", ["lr": .integer(0)]),
    ])
    #expect(drawn.count == 3 && Set(drawn).count == 3)
  }

  /// A step that cannot be done names its texts and leaves the weights of the one before.
  @Test func lossThatIsNotFinite() throws {
    let test = try TrainingCase(fixture("training/coil_bert"))
    let scratch = try TemporaryFolder()
    let run = try test.run(
      in: scratch,
      [
        .init("optimizer", ["lr": .double(1e30)]), .init("schedule", ["name": "constant"]),
        .init("clip", .null),
      ])
    _ = try run.advance()
    let before = Self.bits(run)
    let failure = #expect(throws: Failure.self) { try run.advance() }
    #expect(failure?.status == .refused && failure?.place == "step 2")
    #expect(failure?.message.contains("is nan in the batch of ") == true)
    #expect(failure?.message.contains("tuples.jsonl:3, ") == true)
    #expect(run.step == 1 && Self.bits(run) == before)
  }

  @Test func frozenWeightsStay() throws {
    let test = try TrainingCase(fixture("training/coil_bert"))
    let scratch = try TemporaryFolder()
    let run = try test.run(
      in: scratch,
      [.init("freeze", ["embeddings", "layer.0"]), .init("schedule", ["name": "constant"])])
    let before = Self.bits(run)
    _ = try run.advance()
    let after = Self.bits(run)
    for (i, parameter) in run.trained.store.parameters.enumerated() {
      let isFrozen = parameter.name.contains("embeddings") || parameter.name.contains("layer.0")
      #expect((after[i] == before[i]) == isFrozen, "\(parameter.name)")
    }

    for (parts, message) in [
      (["no_such"], "freeze: no weight has no_such in its name"),
      ([""], "freeze: nothing is left to train"),
    ] {
      let failure = #expect(throws: Failure.self) {
        try test.run(in: scratch, [.init("freeze", .array(parts.map { .string($0) }))])
      }
      #expect(failure?.status == .config && failure?.message == message)
    }
  }
}
