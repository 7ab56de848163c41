import Autograd
import Failures
import Foundation
import JSON
import Kernels
import Models
import TestSupport
import Testing
import Training
import Workers

/// Models with low-rank updates: against PEFT, and divided in every way.
@Suite struct LowRankTests {
  private static let cases: JSON = {
    guard let bytes = try? Fixtures.bytes("lora.json"), let json = try? JSONParser.parse(bytes)
    else { return [:] }
    return json
  }()

  static var names: [String] { (cases.members ?? []).map(\.key) }

  /// A model of a training case with the updates of a configuration, as the reference made them.
  private func model(
    _ name: String, _ settings: JSON, dropout: Double = 0
  ) throws -> (test: TrainingCase, trained: TrainedModel, updates: LowRankUpdates) {
    let test = try TrainingCase(fixture("training/\(name.split(separator: "/")[0])"))
    let trained = try test.model()
    let others = ["loss", "scores", "derivatives"]
    let members = (settings.members ?? []).filter { !others.contains($0.key) }
    let configuration = try LoRAConfiguration(
      .object(members + [JSON.Member("dropout", .double(dropout))]), file: nil)
    let updates = try LowRankUpdates(configuration, trained, seed: 1)
    let begins = settings["init_lora_weights"] == nil
    for weight in updates.weights where begins {
      let update = try #require(weight.lowRank)
      let matrices = update.down.weights + update.up.weights + [update.bias].compactMap { $0 }
      let waves = [TwinStep.wave(1, 0.37), TwinStep.wave(0.5, 0.53), TwinStep.wave(0.5, 0.53)]
      for (parameter, wave) in zip(matrices, waves) {
        let values = try #require(parameter.training?.values)
        for i in 0..<parameter.count { values.pointer[i] = Float(0.2 * wave(i)) }
      }
      guard let lengths = update.lengths?.training?.values else { continue }
      let wave = TwinStep.wave(0.3, 0.61)
      for i in 0..<lengths.count { lengths.pointer[i] *= Float(1 + 0.2 * wave(i)) }
    }
    return (test, trained, updates)
  }

  private static func near(_ x: Double, _ y: Double?, _ tolerance: Double, _ what: String) {
    guard let y else { return #expect(Bool(false), "\(what): nothing expected") }
    #expect(abs(x - y) <= tolerance * (1 + abs(y)), "\(what): \(x), not \(y)")
  }

  /// Loss, scores and derivatives: in single precision on both sides, as the other cases.
  @Test(arguments: names) func isThatOfPEFT(_ name: String) throws {
    let expected = try #require(Self.cases[name])
    let (test, trained, updates) = try model(name, expected)
    let tape = Tape(Kernels(), WorkerPool(threads: 2))
    var random = CounterRandom(seed: 1)
    let loss = trained.addGradients(try test.batch(0), try test.terms(), on: tape, &random)
    Self.near(loss.total, expected["loss"]?.double, 1e-4, "\(name): loss")
    let scores = (expected["scores"]?.array ?? []).compactMap(\.double)
    #expect(scores.count == loss.scores.values.count)
    for (score, expected) in zip(loss.scores.values, scores) {
      Self.near(Double(score), expected, 1e-4, "\(name): score")
    }
    let parameters = (updates.parameters + updates.saved).sorted { $0.name < $1.name }
    let derivatives = expected["derivatives"]?.array ?? []
    #expect(derivatives.count == parameters.count && !parameters.isEmpty)
    let wave = TwinStep.wave(0.1, 0.71)
    for (parameter, expected) in zip(parameters, derivatives) {
      let slopes = try #require(parameter.training).gradient
      let values = (0..<parameter.count).map { Double(slopes.pointer[$0]) }
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      Self.near(norm, expected.array?[0].double, 2e-4, "\(name): norm of \(parameter.name)")
      // Of singular vectors the signs are not given.
      if name.hasSuffix("/pissa") { continue }
      let product = values.enumerated().reduce(0) { $0 + $1.element * wave($1.offset) }
      #expect(
        abs(product - (expected.array?[1].double ?? .nan)) <= 2e-4 * (1 + norm),
        "\(name): \(parameter.name): \(product), not \(expected)")
    }
    // Nothing was derived by what stays as it is.
    let trainedNames = Set(parameters.map(\.name))
    for parameter in trained.store.parameters where !trainedNames.contains(parameter.name) {
      #expect(parameter.training?.hasGradient == false, "\(name): \(parameter.name)")
    }
  }

  /// With dropout, derivatives are equal whatever the threads and parts.
  @Test(arguments: names) func dropsTheSameElements(_ name: String) throws {
    func step(
      threads: Int = 1, recomputes: Bool = false, chunk: Int? = nil, isa: InstructionSet = .best,
      step: Int = 7
    ) throws -> [[Float]] {
      let (test, trained, updates) = try model(name, try #require(Self.cases[name]), dropout: 0.3)
      let tape = Tape(Kernels(isa), WorkerPool(threads: threads), recomputesLayers: recomputes)
      var random = CounterRandom(seed: 1)
      _ = trained.addGradients(
        try test.batch(0), try test.terms(), on: tape, dropout: .init(seed: 4, step: step),
        options: .init(chunk: chunk), &random)
      return updates.parameters.map { parameter in
        (0..<parameter.count).map { parameter.training?.gradient.pointer[$0] ?? .nan }
      }
    }
    let whole = try step()
    #expect(try step(step: 8) != whole)
    #expect(try step(threads: 3) == whole && step(recomputes: true) == whole)
    for isa in InstructionSet.supported { #expect(try step(isa: isa) == whole) }
    // Parts add up in another order.
    let largest = whole.flatMap { $0 }.map(abs).max() ?? 0
    #expect(largest > 1e-3)
    for (x, y) in zip(try step(chunk: 2).flatMap { $0 }, whole.flatMap { $0 }) {
      #expect(abs(x - y) <= 1e-5 * (1 + largest), "\(x), not \(y)")
    }
  }

  /// A model with merged updates gives the scores that layers with updates gave.
  @Test(arguments: names) func mergedModelGivesTheSameScores(_ name: String) throws {
    let expected = try #require(Self.cases[name])
    let (test, trained, _) = try model(name, expected)
    let plain = try test.model()
    var count = 0
    for parameter in trained.store.parameters {
      guard let merged = parameter.merged() else { continue }
      count += 1
      let values = try #require(plain.store[parameter.name]?.training?.values)
      values.pointer.update(from: merged.values, count: parameter.count)
    }
    #expect(count > 0)
    func scores(_ model: TrainedModel) throws -> [Float] {
      var random = CounterRandom(seed: 1)
      return model.loss(
        try test.batch(0), try test.terms(), on: Tape(Kernels(), WorkerPool(threads: 1)), &random
      ).scores.values
    }
    for (x, y) in zip(try scores(plain), try scores(trained)) {
      #expect(abs(x - y) <= 1e-4 * (1 + abs(y)), "\(x), not \(y)")
    }
  }

  /// What begins with parts of the weights leaves the model what it was.
  @Test(arguments: ["unicoil_bert/pissa", "dpr_modernbert/olora"])
  func beginsAsTheModel(_ name: String) throws {
    let (test, trained, updates) = try model(name, try #require(Self.cases[name]))
    let plain = try test.model()
    for weight in updates.weights {
      let (merged, before) = (try #require(weight.merged()), try #require(plain.store[weight.name]))
      var apart: Float = 0
      var moved: Float = 0
      for i in 0..<weight.count {
        apart = max(apart, abs(merged.values[i] - before.values[i]))
        moved = max(moved, abs(weight.values[i] - before.values[i]))
      }
      #expect(apart <= 1e-6 && moved > 1e-3, "\(weight.name): \(apart), \(moved)")
    }
    _ = trained
  }

  /// Both matrices of an orthogonal start have orthogonal rows, and their product is zero.
  @Test func orthogonalStart() throws {
    let (_, _, updates) = try model(
      "unicoil_bert",
      ["targets": ["query"], "r": 4, "alpha": 4, "init_lora_weights": "orthogonal"])
    for weight in updates.weights {
      let update = try #require(weight.lowRank)
      let (down, up) = (update.down.weights[0], update.up.weights[0])
      var largest: Float = 0
      for row in 0..<up.rows {
        for column in 0..<down.columns {
          var sum: Float = 0
          for k in 0..<4 { sum += up.values[row * 4 + k] * down.values[k * down.columns + column] }
          largest = max(largest, abs(sum))
        }
      }
      let size = (0..<up.count).map { abs(up.values[$0]) }.max() ?? 0
      #expect(largest <= 1e-6 && size > 0.05, "\(largest), \(size)")
    }
  }

  /// Layers by name, as PEFT chooses them.
  private static let choices: [(settings: String, count: Int)] = [
    (#"{"targets": "all-linear"}"#, 13),
    (#"{"targets": "query"}"#, 2),
    (#"{"targets": ".*\\.query"}"#, 2),
    (#"{"targets": ".*layer\\.(?P<n>1)\\..*(query|key)"}"#, 2),
    (#"{"targets": ["query", "key"], "layers_to_transform": 1}"#, 2),
    (
      #"{"targets": ["query", "key"], "layers_to_transform": [0, 1], "layers_pattern": "lay.*"}"#,
      4
    ),
    (#"{"targets": "all-linear", "exclude_modules": ["dense"]}"#, 7),
    (#"{"targets": "all-linear", "exclude_modules": ".*output.*"}"#, 9),
    (
      #"{"target_modules": ["query"], "lora_alpha": 3, "peft_type": "LORA"}"#,
      2
    ),
    (#"{"targets": "all-linear", "modules_to_save": ["attention"], "eva_config": {}}"#, 5),
  ]

  @Test(arguments: choices.indices) func choosesLayers(_ index: Int) throws {
    let (settings, count) = Self.choices[index]
    let (_, _, updates) = try model(
      "unicoil_bert", JSONParser.parse(Array(settings.utf8)))
    #expect(updates.weights.count == count, "\(settings): \(updates.weights.map(\.name))")
  }

  private static let refusals: [(settings: String, text: String)] = [
    (#"{"targets": ".*[query"}"#, "is no regular expression"),
    (#"{"targets": "query.*"}"#, "no layer's whole name matches query.*"),
    (#"{"targets": ".*LayerNorm"}"#, "is no linear layer"),
    (#"{"targets": "all-linear", "layers_to_transform": 1}"#, "targets must be a list of names"),
    (#"{"targets": ["query"], "layers_pattern": "layer"}"#, "layers_to_transform is missing"),
    (#"{"targets": ["query"], "layers_to_transform": 7}"#, "leave no layer that is called query"),
    (#"{"targets": ["query"], "exclude_modules": ["kwery"]}"#, "no layer is called kwery"),
    (
      #"{"targets": ["query"], "loftq_config": {"loftq_bits": 4}}"#, "loftq_config is not supported"
    ),
    (#"{"targets": ["query"], "fan_in_fan_out": true}"#, "fan_in_fan_out is not supported"),
    (#"{"targets": ["query"], "init_lora_weights": "eva"}"#, "lora.init_lora_weights: expected"),
    (#"{"targets": ["query"], "init_lora_weights": "orthogonal", "r": 3}"#, "an even rank"),
    (#"{"targets": ["query"], "init_lora_weights": "pissa", "r": 33}"#, "the smaller side"),
    (#"{"targets": ["query"], "init_lora_weights": "pissa", "use_dora": true}"#, "use_dora is not"),
    (#"{"targets": ["query"], "lora_bias": true, "use_dora": true}"#, "lora_bias is not supported"),
    (#"{"targets": ["query"], "alpha": 3, "lora_alpha": 4}"#, "are one setting"),
    (
      #"{"targets": ["query"], "rank_pattern": {"query": 0}}"#, "lora.rank_pattern.query: expected"
    ),
    (
      #"{"targets": ["query"], "rank_pattern": {"key": 4}}"#,
      "lora.rank_pattern: key fits no layer that is updated"
    ),
    (
      #"{"targets": ["query"], "alpha_pattern": {"querry": 4}}"#,
      "lora.alpha_pattern: querry fits no layer that is updated"
    ),
    (#"{"targets": ["query"], "bias": "some"}"#, "lora.bias: expected"),
    (#"{"targets": ["query"], "peft_type": "IA3"}"#, "lora.peft_type: expected LORA"),
    (#"{"targets": ["query"], "task_type": "DANCE"}"#, "lora.task_type: expected"),
  ]

  @Test(arguments: refusals.indices) func refuses(_ index: Int) throws {
    let (settings, text) = Self.refusals[index]
    let json = try JSONParser.parse(Array(settings.utf8))
    let failure = #expect(throws: Failure.self) { try model("unicoil_bert", json) }
    #expect(failure?.description.contains(text) == true, "\(failure?.description ?? "")")
    #expect(failure?.status == .config)
  }

  /// PEFT has another kind of update for tables, and rows of one are no layer of their own.
  @Test(arguments: ["word_embeddings", "position_embeddings"]) func refusesTables(_ target: String)
  {
    #expect(throws: (any Error).self) {
      try model("unicoil_bert", ["targets": .array([.string(target)])])
    }
  }

  /// Viewers are some of a text's tokens.
  @Test func refusesDropoutOfSomeTokens() throws {
    let settings: JSON = ["targets": ["projection"]]
    _ = try model("mvr_bert", settings)
    #expect(throws: (any Error).self) { try model("mvr_bert", settings, dropout: 0.1) }
  }
}
