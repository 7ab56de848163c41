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

  private static func wave(_ start: Double, _ step: Double) -> (Int) -> Double {
    { sin(start + step * Double($0)) }
  }

  /// The fixture's model, whose head has weights that are functions of the place.
  private func model(_ name: String) throws -> TrainedModel {
    let config = try #require(Self.fixture["cases"]?[name]?["config"])
    let folder = try ModelFolder(Fixtures.path("adapter") + "/model", overrides: config)
    let trained = try TrainedModel(ModelDescription(recognizing: folder))
    let own = trained.model.freshTensors.sorted()
    #expect(own.count > 10)
    for (i, name) in own.enumerated() {
      let values = try #require(trained.store[name]?.training?.values)
      let wave = Self.wave(0.2 + Double(i), 0.37)
      let base = name.contains("_norms.") && name.hasSuffix(".weight") ? 1.0 : 0
      for k in 0..<values.count { values.pointer[k] = Float(base + 0.3 * wave(k)) }
    }
    return trained
  }

  private func batch() throws -> TrainingBatch {
    func ids(_ json: JSON?) -> [Int32] {
      (json?.array ?? []).compactMap { $0.integer.map { Int32($0) } }
    }
    func packed(_ texts: [[Int32]]) -> PackedBatch {
      var batch = PackedBatch()
      for text in texts {
        batch.append(
          ids: text, typeIDs: [UInt8](repeating: 0, count: text.count),
          attended: [UInt8](repeating: 1, count: text.count))
      }
      return batch
    }
    let queries = (Self.fixture["queries"]?.array ?? []).map { ids($0) }
    let docs = (Self.fixture["docs"]?.array ?? []).flatMap { ($0.array ?? []).map { ids($0) } }
    let targets = (Self.fixture["targets"]?.array ?? []).flatMap {
      ($0.array ?? []).compactMap { $0.double.map { Float($0) } }
    }
    return TrainingBatch(
      .separate(queries: packed(queries), documents: packed(docs)),
      targets: ScoreTable(queries: 2, documents: 2, values: targets))
  }

  private let terms = [
    LossTerm("SupervisedMarginMSE", .scoring(MarginMSE(margin: .targets))),
    LossTerm("KLDivergence", .scoring(KLDivergence()), weight: 0.5),
  ]

  private static func near(_ x: Double, _ y: Double?, _ what: String) {
    guard let y else { return #expect(Bool(false), "\(what): nothing expected") }
    // Single precision here, double precision there.
    #expect(abs(x - y) <= 2e-4 * (1 + abs(y)), "\(what): \(x), not \(y)")
  }

  @Test(arguments: names) func isThatOfThePaper(_ name: String) throws {
    let expected = try #require(Self.fixture["cases"]?[name])
    let trained = try model(name)
    let tape = Tape(Kernels(), WorkerPool(threads: 2))
    var random = CounterRandom(seed: 1)
    let loss = trained.addGradients(try batch(), terms, on: tape, &random)
    for (term, value) in zip(loss.terms, expected["loss"]?.array ?? []) {
      Self.near(term, value.double, "\(name): loss")
    }
    let scores = (expected["scores"]?.array ?? []).compactMap(\.double)
    #expect(scores.count == 4)
    for (score, value) in zip(loss.scores.values, scores) {
      Self.near(Double(score), value, "\(name): score")
    }
    let derivatives = expected["derivatives"]?.members ?? []
    #expect(derivatives.count > 30)
    let wave = Self.wave(0.1, 0.71)
    for member in derivatives {
      let slopes = try #require(trained.store[member.key]?.training, "\(member.key)")
      #expect(slopes.hasGradient, "\(member.key)")
      let values = (0..<slopes.values.count).map { Double(slopes.gradient.pointer[$0]) }
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      Self.near(norm, member.value.array?[0].double, "\(name): norm of \(member.key)")
      let product = values.enumerated().reduce(0) { $0 + $1.element * wave($1.offset) }
      #expect(
        abs(product - (member.value.array?[1].double ?? .nan)) <= 2e-4 * (1 + norm),
        "\(name): \(member.key): \(product)")
    }
  }

  /// Derivatives have equal bytes for every number of threads, chunk and instruction set; chunks add up otherwise.
  @Test(arguments: names) func isDividedInEveryWay(_ name: String) throws {
    func step(threads: Int = 1, chunk: Int? = nil, isa: InstructionSet = .best) throws -> [Float] {
      let trained = try model(name)
      var random = CounterRandom(seed: 1)
      _ = trained.addGradients(
        try batch(), terms, on: Tape(Kernels(isa), WorkerPool(threads: threads)),
        options: .init(chunk: chunk), &random)
      return trained.store.parameters.flatMap { parameter -> [Float] in
        guard let training = parameter.training, training.hasGradient else { return [] }
        return (0..<parameter.count).map { training.gradient.pointer[$0] }
      }
    }
    let whole = try step()
    #expect(try step(threads: 3) == whole)
    for isa in InstructionSet.supported { #expect(try step(isa: isa) == whole) }
    let largest = whole.map(abs).max() ?? 0
    let parts = try step(chunk: 1)
    #expect(parts.count == whole.count)
    for (x, y) in zip(parts, whole) { #expect(abs(x - y) <= 1e-5 * (1 + largest)) }
  }

  /// Validation derives nothing.
  @Test func lossAloneLeavesNoDerivative() throws {
    let trained = try model("small")
    var random = CounterRandom(seed: 1)
    let loss = trained.loss(
      try batch(), terms, on: Tape(Kernels(), WorkerPool(threads: 1)), &random)
    let expected = Self.fixture["cases"]?["small"]?["loss"]?.array ?? []
    Self.near(loss.terms[0], expected[0].double, "loss")
    #expect(trained.store.parameters.allSatisfy { $0.training?.hasGradient == false })
    #expect(trained.store.parameters.allSatisfy { $0.training?.isFrozen == false })
  }
}
