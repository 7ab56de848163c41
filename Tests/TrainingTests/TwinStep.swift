import Autograd
import Foundation
import JSON
import Kernels
import Models
import Testing
import Training
import Vectors
import Workers

/// A step of training on the batch of a fixture, beside what a twin in torch computed of it.
struct TwinStep {
  let name: String
  /// A new model, as the step begins with.
  let model: () throws -> TrainedModel
  let batch: TrainingBatch
  let terms: [LossTerm]

  /// Weights that are functions of the place, as the generators of fixtures make them.
  static func wave(_ start: Double, _ step: Double) -> (Int) -> Double {
    { sin(start + step * Double($0)) }
  }

  static func near(_ x: Double, _ y: Double?, _ what: String) {
    guard let y else { return #expect(Bool(false), "\(what): nothing expected") }
    // Single precision here, double precision there.
    #expect(abs(x - y) <= 2e-4 * (1 + abs(y)), "\(what): \(x), not \(y)")
  }

  static func ids(_ json: JSON?) -> [Int32] {
    (json?.array ?? []).compactMap { $0.integer.map { Int32($0) } }
  }

  /// The documents of all queries, one behind the other.
  static func documents(_ fixture: JSON) -> [[Int32]] {
    (fixture["docs"]?.array ?? []).flatMap { ($0.array ?? []).map { ids($0) } }
  }

  static func packed(_ texts: [[Int32]]) -> PackedBatch {
    var batch = PackedBatch()
    for text in texts {
      batch.append(
        ids: text, typeIDs: [UInt8](repeating: 0, count: text.count),
        attended: [UInt8](repeating: 1, count: text.count))
    }
    return batch
  }

  /// `queries`, two `docs` for each, and their `targets`.
  static func batch(_ fixture: JSON) -> TrainingBatch {
    let queries = (fixture["queries"]?.array ?? []).map { ids($0) }
    let targets = (fixture["targets"]?.array ?? []).flatMap {
      ($0.array ?? []).compactMap { $0.double.map { Float($0) } }
    }
    return TrainingBatch(
      .separate(queries: packed(queries), documents: packed(documents(fixture))),
      targets: ScoreTable(queries: queries.count, documents: 2, values: targets))
  }

  /// Compares scores and derivatives with those of the twin.
  ///
  /// - Parameters:
  ///   - expected: The twin's `scores`, and the `derivatives` of every weight that has any, as their length and
  ///     their product with a wave.
  ///   - derivatives: How many weights have some at least.
  /// - Returns: The loss.
  /// - Throws: Where the model lacks a weight of the twin's.
  @discardableResult
  func compare(with expected: JSON, derivatives: Int) throws -> BatchLoss {
    let trained = try model()
    let tape = Tape(Kernels(), WorkerPool(threads: 2))
    var random = CounterRandom(seed: 1)
    let loss = trained.addGradients(batch, terms, on: tape, &random)
    let scores = (expected["scores"]?.array ?? []).compactMap(\.double)
    #expect(!scores.isEmpty && scores.count == loss.scores.values.count)
    for (score, value) in zip(loss.scores.values, scores) {
      Self.near(Double(score), value, "\(name): score")
    }
    let members = expected["derivatives"]?.members ?? []
    #expect(members.count > derivatives)
    let wave = Self.wave(0.1, 0.71)
    for member in members {
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
    return loss
  }

  /// Derivatives have equal bytes for every number of threads and instruction set; chunks add up otherwise.
  func isDividedInEveryWay() throws {
    func step(threads: Int = 1, chunk: Int? = nil, isa: InstructionSet = .best) throws -> [Float] {
      let trained = try model()
      var random = CounterRandom(seed: 1)
      _ = trained.addGradients(
        batch, terms, on: Tape(Kernels(isa), WorkerPool(threads: threads)),
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
}
