import Autograd
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

  private static func wave(_ start: Double, _ step: Double) -> (Int) -> Double {
    { sin(start + step * Double($0)) }
  }

  /// A model of a training case with the updates of a configuration, as the reference made them.
  private func model(
    _ name: String, _ settings: JSON, dropout: Double = 0
  ) throws -> (test: TrainingCase, trained: TrainedModel, updates: LowRankUpdates) {
    let test = try TrainingCase(fixture("training/\(name)"))
    let trained = try test.model()
    let keys = ["r", "alpha", "targets", "modules_to_save", "use_rslora"]
    let members = (settings.members ?? []).filter { keys.contains($0.key) }
    let configuration = try LoRAConfiguration(
      .object(members + [JSON.Member("dropout", .double(dropout))]), file: nil)
    let updates = try LowRankUpdates(configuration, trained, seed: 1)
    for weight in updates.weights {
      for (parameter, wave) in zip(
        try #require(weight.lowRank).parameters, [Self.wave(1, 0.37), Self.wave(0.5, 0.53)])
      {
        let values = try #require(parameter.training?.values)
        for i in 0..<parameter.count { values.pointer[i] = Float(0.2 * wave(i)) }
      }
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
    let wave = Self.wave(0.1, 0.71)
    for (parameter, expected) in zip(parameters, derivatives) {
      let slopes = try #require(parameter.training).gradient
      let values = (0..<parameter.count).map { Double(slopes.pointer[$0]) }
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      Self.near(norm, expected.array?[0].double, 2e-4, "\(name): norm of \(parameter.name)")
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
  @Test func mergedModelGivesTheSameScores() throws {
    let expected = try #require(Self.cases["unicoil_bert"])
    let (test, trained, updates) = try model("unicoil_bert", expected)
    let plain = try test.model()
    for weight in updates.weights {
      let merged = try #require(weight.merged())
      let values = try #require(plain.store[weight.name]?.training?.values)
      values.pointer.update(from: merged.values, count: weight.count)
    }
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
