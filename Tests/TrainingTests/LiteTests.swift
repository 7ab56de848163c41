import Autograd
import Foundation
import JSON
import Kernels
import Models
import TestSupport
import Testing
import Training
import Vectors
import Workers

/// LITE against a reading of its paper in torch (`scripts/golden/make_lite.py`).
@Suite struct LiteTests {
  private static let fixture: JSON = (try? Fixtures.json("lite.json")) ?? [:]

  static var names: [String] { (fixture["cases"]?.members ?? []).map(\.key) }

  /// The fixture's model, whose head has weights that are functions of the place.
  private func model(_ name: String) throws -> TrainedModel {
    let config = try #require(Self.fixture["cases"]?[name]?["config"])
    let folder = try ModelFolder(Fixtures.path("adapter") + "/model", overrides: config)
    let trained = try TrainedModel(ModelDescription(recognizing: folder))
    let own = trained.model.freshTensors.sorted()
    #expect(own.count > 10)
    for (i, name) in own.enumerated() {
      let values = try #require(trained.store[name]?.training?.values)
      let wave = TwinStep.wave(0.2 + Double(i), 0.37)
      let base = name.contains("_norms.") && name.hasSuffix(".weight") ? 1.0 : 0
      for k in 0..<values.count { values.pointer[k] = Float(base + 0.3 * wave(k)) }
    }
    return trained
  }

  private let terms = [
    LossTerm("SupervisedMarginMSE", .scoring(MarginMSE(margin: .targets))),
    LossTerm("KLDivergence", .scoring(KLDivergence()), weight: 0.5),
  ]

  private func step(_ name: String) -> TwinStep {
    TwinStep(
      name: name, model: { try model(name) }, batch: TwinStep.batch(Self.fixture), terms: terms)
  }

  @Test(arguments: names) func isThatOfThePaper(_ name: String) throws {
    let expected = try #require(Self.fixture["cases"]?[name])
    let loss = try step(name).compare(with: expected, derivatives: 30)
    #expect(loss.terms.count == 2)
    for (term, value) in zip(loss.terms, expected["loss"]?.array ?? []) {
      TwinStep.near(term, value.double, "\(name): loss")
    }
  }

  @Test(arguments: names) func isDividedInEveryWay(_ name: String) throws {
    try step(name).isDividedInEveryWay()
  }

  /// Validation derives nothing.
  @Test func lossAloneLeavesNoDerivative() throws {
    let trained = try model("small")
    var random = CounterRandom(seed: 1)
    let loss = trained.loss(
      TwinStep.batch(Self.fixture), terms, on: Tape(Kernels(), WorkerPool(threads: 1)), &random)
    let expected = Self.fixture["cases"]?["small"]?["loss"]?.array ?? []
    TwinStep.near(loss.terms[0], expected[0].double, "loss")
    #expect(trained.store.parameters.allSatisfy { $0.training?.hasGradient == false })
    #expect(trained.store.parameters.allSatisfy { $0.training?.isFrozen == false })
  }
}
