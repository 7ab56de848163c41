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

  /// Allowance for single precision at a step: twice the distance that it took the reference from
  /// double precision, once for the reference's error and once for ours.
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

  func modelDescription() throws -> ModelDescription {
    try ModelDescription(recognizing: ModelFolder(folder + "/model"))
  }

  func model() throws -> TrainedModel { try TrainedModel(modelDescription()) }

  // MARK: The run of lir-train

  /// The tuples of all steps, in their order, as a file of lir-train's.
  func tuples() throws -> String {
    var lines = ""
    for batch in batchOrder {
      let json = try #require(inputs["batches"]?.array?[batch])
      let targets = try #require(json["targets"]?.array)
      for (i, query) in try #require(json["queries"]?.array).enumerated() {
        let scores = try #require(targets[i].array)
        let texts = try #require(json["docs"]?.array?[i].array)
        let documents = zip(texts, scores).map {
          JSON.object([.init("text", $0), .init("score", $1)])
        }
        lines += JSON.object([.init("query", query), .init("docs", .array(documents))]).serialized()
        lines += "\n"
      }
    }
    return lines
  }

  /// Configuration of lir-train for the case; members of `more` are added or replace others.
  func configuration(
    tuples: String, _ more: [JSON.Member] = []
  ) throws -> TrainingConfiguration {
    let optimizer = try #require(inputs["optimizer"])
    #expect(optimizer["name"]?.string == "AdamW")
    let scheduler = try #require(inputs["scheduler"])
    #expect(scheduler["name"]?.string == "LinearLRSchedulerWithLinearWarmup")
    #expect(scheduler["num_training_steps"]?.integer == batchOrder.count)
    let losses = try (inputs["losses"]?.array ?? []).map { loss in
      JSON.object(
        [.init("name", try #require(loss["loss"])), .init("weight", loss["weight"] ?? 1)]
          + (loss["params"]?.members ?? []))
    }
    let queries = try #require(inputs["batches"]?.array?[0]["queries"]?.array).count
    let members: [JSON.Member] = [
      .init("model", .string(folder + "/model")),
      .init("data", ["tuples": .string(tuples), "targets": "score", "shuffle": false]),
      .init("batch_size", .integer(queries)), .init("epochs", 1),
      .init("losses", .array(losses)),
      .init(
        "optimizer",
        [
          "name": "AdamW", "lr": try #require(optimizer["lr"]),
          "betas": try #require(optimizer["betas"]), "eps": try #require(optimizer["eps"]),
          "weight_decay": try #require(optimizer["weight_decay"]),
        ]),
      .init(
        "schedule",
        ["name": "linear", "warmup": try #require(scheduler["num_warmup_steps"])]),
      .init("clip", inputs["clip_grad_norm"] ?? .null), .init("dropout", .integer(0)),
    ]
    let keys = more.map(\.key)
    return try TrainingConfiguration(
      .object(members.filter { !keys.contains($0.key) } + more), file: nil)
  }

  /// The run that lir-train makes of the case.
  ///
  /// - Parameters:
  ///   - folder: Where the tuples go.
  ///   - more: Members of the configuration that differ from the reference's.
  ///   - threads: Threads that work.
  ///   - isa: What the kernels may use.
  ///   - model: Another model folder than the case's.
  /// - Returns: The run before its first step.
  /// - Throws: What opening the case and the run throws.
  func run(
    in folder: TemporaryFolder, _ more: [JSON.Member] = [], threads: Int = 1,
    isa: InstructionSet = .best, model: String? = nil
  ) throws -> TrainingRun {
    let file = try folder.write("tuples.jsonl", tuples())
    let configuration = try configuration(tuples: file, more)
    let pool = WorkerPool(threads: threads)
    var description = try model.map { try ModelDescription(recognizing: ModelFolder($0)) }
    if description == nil { description = try modelDescription() }
    return try TrainingRun(
      configuration, try #require(description), Kernels(isa), pool, ranks: nil
    ) { seed in
      DataOpener(scratchFolder: folder.path, pool, seed: seed) { Issue.record("warned: \($0)") }
    }
  }
}
