import Autograd
import Foundation
import JSON
import Kernels
import Models
import TestSupport
import Testing
import Training
import Workers

/// A training run of the reference: texts as tokens, losses, optimiser, and what came out.
struct TrainingCase: CustomStringConvertible {
  let name: String
  let folder: String
  let inputs: JSON
  let expected: JSON

  var description: String { name }

  init(_ folder: String) throws {
    self.folder = folder
    name = URL(fileURLWithPath: folder).lastPathComponent
    func read(_ file: String) throws -> JSON {
      try JSONParser.parse([UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"))))
    }
    inputs = try read("inputs.json")
    expected = try read("expected.json")
  }

  /// Folders of `Tests/Fixtures/training` and of the folders that `LIR_TEST_CASES` names.
  static var all: [String] {
    return Fixtures.folders("training").flatMap { root in
      ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).sorted()
        .map { "\(root)/\($0)" }
    }.filter { FileManager.default.fileExists(atPath: $0 + "/expected.json") }
  }

  var steps: [JSON] { expected["steps"]?.array ?? [] }
  var batchOrder: [Int] { (inputs["batch_order"]?.array ?? []).compactMap(\.integer) }

  func terms() throws -> [LossTerm] {
    try (inputs["losses"]?.array ?? []).map { loss in
      let name = try #require(loss["loss"]?.string)
      let params = loss["params"]
      let weight = loss["weight"]?.double ?? 1
      switch name {
      case "InBatchCrossEntropy":
        let sampling = InBatchSampling(
          positives: .init(rawValue: params?["pos_sampling_technique"]?.string ?? "all") ?? .all,
          negatives: .init(rawValue: params?["neg_sampling_technique"]?.string ?? "all") ?? .all)
        return LossTerm(name, .inBatch(InBatchCrossEntropy(sampling)), weight: weight)
      case "ContrastiveLocalLoss":
        return LossTerm(name, .views(ContrastiveLocalLoss()), weight: weight)
      case "FLOPSRegularization", "L1Regularization", "L2Regularization":
        let kind = try #require(Regularization.Kind(rawValue: name))
        return LossTerm(
          name,
          .regularization(
            Regularization(
              kind, queryWeight: params?["query_weight"]?.double ?? 1e-4,
              docWeight: params?["doc_weight"]?.double ?? 1e-4)), weight: weight)
      default:
        return LossTerm(name, .scoring(try LossTests.scoringLoss(name, params)), weight: weight)
      }
    }
  }

  /// Whether texts are filled up with tokens that are part of them, attended to or not.
  private func isFilled(_ role: String) -> Bool {
    // The fields of SPLADE have the same name and another meaning.
    config?["model_type"]?.string == "col" && config?["\(role)_expansion"]?.bool == true
  }

  func batch(_ index: Int) throws -> TrainingBatch {
    let json = try #require(inputs["batches"]?.array?[index])
    let rows = (json["targets"]?.array ?? []).map {
      ($0.array ?? []).compactMap { $0.double.map { Float($0) } }
    }
    let targets = ScoreTable(
      queries: rows.count, documents: rows[0].count, values: rows.flatMap { $0 })
    let tokens = json["token_ids"]
    if let pairs = tokens?["encoding"] {
      return TrainingBatch(.pairs(Self.packed(pairs)), targets: targets)
    }
    return TrainingBatch(
      .separate(
        queries: Self.packed(
          try #require(tokens?["query_encoding"]), isFilled: isFilled("query")),
        documents: Self.packed(
          try #require(tokens?["doc_encoding"]), isFilled: isFilled("doc"))), targets: targets)
  }

  /// Padded rows without their padding, unless that is what they were filled up with.
  private static func packed(_ encoding: JSON, isFilled: Bool = false) -> PackedBatch {
    func rows(_ key: String) -> [[Int]] {
      (encoding[key]?.array ?? []).map { ($0.array ?? []).compactMap(\.integer) }
    }
    let (ids, masks, types) = (rows("input_ids"), rows("attention_mask"), rows("token_type_ids"))
    var batch = PackedBatch()
    for (i, row) in ids.enumerated() {
      let count = isFilled ? row.count : masks[i].reduce(0, +)
      let segments = types.isEmpty ? row.map { _ in 0 } : types[i]
      batch.append(
        ids: row[..<count].map { Int32($0) }, typeIDs: segments[..<count].map { UInt8($0) },
        attended: masks[i][..<count].map { UInt8($0) })
    }
    return batch
  }

  private var config: JSON? {
    try? JSONParser.parse(
      [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/model/config.json"))))
  }

  /// Whether scores are linear: all losses of scores see nothing of them but their differences.
  var isOfDifferences: Bool {
    inputs["kind"]?.string == "cross" && config?["scoring_strategy"]?.string == "rank"
  }

  /// How far single precision took the reference from double precision at a step: 2 for its own
  /// error and as much for ours.
  func slack(_ step: Int, _ key: String) -> Double {
    guard let single = steps[step][key]?.double,
      let double = expected["fp64_steps"]?.array?[step][key]?.double
    else { return 0 }
    return 2 * abs(single - double)
  }

  /// A constant added to all keys changes no softmax, one added to what the scores are linear in no
  /// difference: the derivative is rounding noise, which the optimiser makes as large as any other.
  func hasNoDerivative(_ name: String) -> Bool {
    name.hasSuffix("key.bias") || name.hasSuffix("k_lin.bias")
      || isOfDifferences
        && (name.hasSuffix("layer.1.output.LayerNorm.bias") || name == "linear.bias")
  }

  func schedule() throws -> Schedule {
    let scheduler = try #require(inputs["scheduler"])
    #expect(scheduler["name"]?.string == "LinearLRSchedulerWithLinearWarmup")
    return try Schedule(
      .linear, steps: scheduler["num_training_steps"]?.integer ?? 0,
      warmup: scheduler["num_warmup_steps"]?.integer ?? 0)
  }

  func model() throws -> TrainedModel {
    try TrainedModel(ModelDescription(recognizing: ModelFolder(folder + "/model")))
  }
}

@Suite struct TrainingRunTests {
  /// Runs a case and calls `body` after every step.
  private func run(
    _ test: TrainingCase, threads: Int = 1, recomputes: Bool = false, isa: InstructionSet = .best,
    steps: Int = .max,
    _ body: (Int, BatchLoss, Double, ParameterStore) -> Void = { _, _, _, _ in }
  ) throws -> ParameterStore {
    let trained = try test.model()
    let terms = try test.terms()
    try trained.check(terms)
    let pool = WorkerPool(threads: threads)
    let tape = Tape(Kernels(isa), pool, recomputesLayers: recomputes)
    let optimizer = try #require(test.inputs["optimizer"])
    #expect(optimizer["name"]?.string == "AdamW")
    let decay = try #require(optimizer["weight_decay"]?.double)
    let update = WeightUpdate(
      .adamW(.init(betas: (0.9, 0.999), epsilon: 1e-8)), trained.store, pool
    ) { _ in decay }
    let schedule = try test.schedule()
    let rate = try #require(optimizer["lr"]?.double)
    var random = CounterRandom(seed: 1)
    for (step, batch) in test.batchOrder.prefix(steps).enumerated() {
      trained.store.clearGradients()
      let loss = trained.addGradients(try test.batch(batch), terms, on: tape, &random)
      let norm = update.gradientNorm()
      body(step, loss, norm, trained.store)
      update.step(
        learningRate: rate * schedule.factor(step), norm: norm,
        clip: test.inputs["clip_grad_norm"]?.double)
    }
    return trained.store
  }

  @Test(arguments: TrainingCase.all) func runIsThatOfTheReference(_ folder: String) throws {
    let test = try TrainingCase(folder)
    let expected = try SafeTensorsFile.load(folder + "/expected.safetensors")
    var noise: [String: Set<Int>] = [:]
    let store = try run(test) { step, loss, norm, store in
      for parameter in store.parameters {
        noise[parameter.name, default: []].formUnion(Self.noise(parameter))
      }
      let json = test.steps[step]
      let slack = test.slack(step, "total_loss")
      Self.near(
        loss.total, json["total_loss"]?.double, 1e-4 + slack, 1e-4, "\(test) \(step): loss")
      for (i, term) in loss.terms.enumerated() {
        Self.near(
          term, json["losses"]?.array?[i].double, 1e-4 + slack, 1e-4,
          "\(test) \(step): term \(i)")
      }
      // Rounding of single weights averages out in the norm: relative to it as losses are.
      let drift = test.slack(step, "grad_norm")
      Self.near(norm, json["grad_norm"]?.double, 1e-4 + drift, 1e-3, "\(test) \(step): norm")
      // Where the reference's two precisions differ so much, its scores are not known either.
      if drift > 2e-3 * norm { return }
      let scores = (json["scores"]?.array ?? []).compactMap { $0.double.map { Float($0) } }
      // What is added to all scores has no derivative in a loss of differences, and drifts.
      let shift = test.isOfDifferences ? loss.scores.values[0] - scores[0] : 0
      #expect(scores.count == loss.scores.values.count)
      for (score, expected) in zip(loss.scores.values, scores) {
        Self.near(
          Double(score - shift), Double(expected), 1e-3, 1e-4, "\(test) \(step): score")
      }
    }
    #expect(test.steps.count == test.batchOrder.count)
    for parameter in store.parameters where !test.hasNoDerivative(parameter.name) {
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

  @Test(arguments: TrainingCase.all) func runIsTheSameForAllThreads(_ folder: String) throws {
    let test = try TrainingCase(folder)
    func bits(_ store: ParameterStore) -> [[UInt32]] {
      store.parameters.map { parameter in
        (0..<parameter.count).map { parameter.values[$0].bitPattern }
      }
    }
    let one = bits(try run(test, steps: 3))
    for set in InstructionSet.supported {
      let other = bits(try run(test, threads: 3, recomputes: true, isa: set, steps: 3))
      #expect(other == one, "\(test) \(set.name)")
    }
  }
}
