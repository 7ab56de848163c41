import Autograd
import Foundation
import JSON
import Kernels
import Models
import Tensors
import TestSupport
import Testing
import Training
import Vectors
import Workers

/// SpaDE against a reading of its paper in torch (`scripts/golden/make_spade.py`; `LIR_TEST_SPADE` names a
/// file of other cases).
@Suite struct DualDocumentTests {
  private static let fixture: JSON = {
    guard let path = ProcessInfo.processInfo.environment["LIR_TEST_SPADE"] else {
      return (try? Fixtures.json("spade.json")) ?? [:]
    }
    let bytes = (try? Data(contentsOf: URL(fileURLWithPath: path))).map { [UInt8]($0) }
    return (try? JSONParser.parse(bytes ?? [])) ?? [:]
  }()

  static var names: [String] { (fixture["cases"]?.members ?? []).map(\.key) }

  private static func wave(_ start: Double, _ step: Double) -> (Int) -> Double {
    { sin(start + step * Double($0)) }
  }

  /// The fixture's model, whose weights beside the first backbone's are functions of name and place.
  private func model(_ name: String) throws -> TrainedModel {
    let config = try #require(Self.fixture["cases"]?[name]?["config"])
    let folder = try ModelFolder(Fixtures.path("adapter") + "/model", overrides: config)
    let trained = try TrainedModel(ModelDescription(recognizing: folder))
    for parameter in trained.store.parameters {
      let name = parameter.name
      let isSecond = name.hasPrefix("1_Expansion/")
      guard isSecond || name.hasPrefix("term_score_layer") else { continue }
      let values = try #require(parameter.training?.values)
      let start = Double(name.utf8.reduce(0) { $0 + Int($1) } % 97) / 10
      let wave = Self.wave(start, 0.37)
      let isHead = name.hasPrefix("1_Expansion/cls.")
      let base = isHead && name.hasSuffix("LayerNorm.weight") ? 1.0 : 0
      for k in 0..<values.count {
        if isSecond, !isHead {
          values.pointer[k] = Float(Double(values.pointer[k]) + 0.1 * wave(k))
        } else {
          values.pointer[k] = Float(base + (isSecond ? 0.3 : 0.5) * wave(k))
        }
      }
    }
    return trained
  }

  private static func ids(_ json: JSON?) -> [Int32] {
    (json?.array ?? []).compactMap { $0.integer.map { Int32($0) } }
  }

  private static func packed(_ texts: [[Int32]]) -> PackedBatch {
    var batch = PackedBatch()
    for text in texts {
      batch.append(ids: text, typeIDs: [UInt8](repeating: 0, count: text.count))
    }
    return batch
  }

  private static let documents = (fixture["docs"]?.array ?? []).flatMap {
    ($0.array ?? []).map { ids($0) }
  }

  private func batch() -> TrainingBatch {
    let queries = (Self.fixture["queries"]?.array ?? []).map { Self.ids($0) }
    let targets = (Self.fixture["targets"]?.array ?? []).flatMap {
      ($0.array ?? []).compactMap { $0.double.map { Float($0) } }
    }
    return TrainingBatch(
      .separate(queries: Self.packed(queries), documents: Self.packed(Self.documents)),
      targets: ScoreTable(queries: 4, documents: 2, values: targets))
  }

  private func term(_ name: String, pruning: TermPruning? = nil) -> LossTerm {
    let settings = Self.fixture["cases"]?[name]?["settings"]
    return LossTerm(
      "SpaDE",
      .dual(
        DualEncoderLoss(
          lambda: settings?["lamb"]?.double ?? 1,
          teachingRatio: settings?["teaching_ratio"]?.double,
          pruning: pruning)))
  }

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
    let loss = trained.addGradients(batch(), [term(name)], on: tape, &random)
    Self.near(loss.total, expected["loss"]?.double, "\(name): loss")
    let scores = (expected["scores"]?.array ?? []).compactMap(\.double)
    #expect(scores.count == 8)
    for (score, value) in zip(loss.scores.values, scores) {
      Self.near(Double(score), value, "\(name): score")
    }
    let derivatives = expected["derivatives"]?.members ?? []
    #expect(derivatives.count > 40)
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

  /// The folder that training writes gives the vectors of documents, and 1 for each term of queries.
  @Test(arguments: names) func vectors(_ name: String) throws {
    let trained = try model(name)
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder("m"), withIntermediateDirectories: true)
    try ModelFolderWriter(trained.model.description, trained).write(into: folder("m"))
    let description = try ModelDescription(recognizing: ModelFolder(folder("m")))
    let written = try Model(description)
    #expect(written.unusedTensors.isEmpty, "\(written.unusedTensors)")
    var window = TokenWindow()
    for ids in Self.documents {
      window.ids += ids
      window.typeIDs += ids.map { _ in 0 }
      window.attended += ids.map { _ in 1 }
      window.offsets.append(window.ids.count)
    }
    func encoded(
      _ role: Role, _ threads: Int, _ tokens: Int, _ isa: InstructionSet
    ) throws -> [SparseVector] {
      let encoder = BatchEncoder(
        written, WorkerPool(threads: threads), Kernels(isa), batchTokens: tokens)
      guard case .sparse(let vectors) = try encoder.encode(window, role: role) else { return [] }
      return vectors
    }
    let found = try encoded(.doc, 1, 100, .best)
    let expected = Self.fixture["cases"]?[name]?["vectors"]?.array ?? []
    #expect(expected.count == 8 && found.count == 8)
    for (vector, row) in zip(found, expected) {
      #expect(vector.indices == Self.ids(row.array?[0]), "\(name)")
      for (x, y) in zip(vector.values, row.array?[1].array ?? []) {
        Self.near(Double(x), y.double, name)
      }
    }
    for isa in InstructionSet.supported {
      for (threads, tokens) in [(1, 1), (3, 9)] {
        #expect(try encoded(.doc, threads, tokens, isa) == found)
      }
    }
    let queries = try encoded(.query, 1, 100, .best)
    #expect(queries[0].indices == [20, 50, 61, 63])
    #expect(queries[0].values == [1, 1, 1, 1])
  }

  /// Derivatives have equal bytes for every number of threads, chunk and instruction set; chunks add up otherwise.
  @Test(arguments: names) func isDividedInEveryWay(_ name: String) throws {
    func step(threads: Int = 1, chunk: Int? = nil, isa: InstructionSet = .best) throws -> [Float] {
      let trained = try model(name)
      var random = CounterRandom(seed: 1)
      _ = trained.addGradients(
        batch(), [term(name)], on: Tape(Kernels(isa), WorkerPool(threads: threads)),
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

  /// Terms that too many of the documents of two steps have leave documents and queries.
  @Test func pruning() throws {
    let trained = try model("masked")
    let pruning = TermPruning(ratio: 0.5, every: 2, start: 1, isGradual: false)
    let term = term("masked", pruning: pruning)
    let tape = Tape(Kernels(), WorkerPool(threads: 1))
    var random = CounterRandom(seed: 1)
    func masked() throws -> [Int] {
      let mask = try #require(trained.store["df_pruning_mask"])
      return (0..<mask.count).filter { mask.values[$0] == 0 }
    }
    _ = trained.addGradients(batch(), [term], on: tape, &random)
    #expect(try masked() == [])
    // The second encoder's terms of the eight documents.
    var counts: [Int: Int] = [:]
    let vectors = trained.model.vectors(
      Self.packed(Self.documents), .doc, promptTokens: 0, forTraining: true, tape
    ).parts[1].vectors.value
    for row in 0..<vectors.rows {
      for (term, weight) in vectors.row(row).enumerated() where weight != 0 {
        counts[term, default: 0] += 1
      }
    }
    trained.prepare(2, [term])
    let expected = counts.filter { $0.value > 4 }.map(\.key).sorted()
    #expect(try masked() == expected && !expected.isEmpty)
    #expect(trained.store["df_array"]?.values[expected[0]] == 0)
    // Neither queries nor documents as they are encoded have it.
    let term0 = Int32(expected[0])
    let query = trained.model.vectors(
      Self.packed([[term0, 70]]), .query, promptTokens: 0, forTraining: true, tape
    ).parts[0].vectors.value
    #expect(query.row(0)[expected[0]] == 0 && query.row(0)[70] == 1)
    let encoded = trained.model.vectors(
      Self.packed(Self.documents), .doc, promptTokens: 0, tape
    ).parts[0].vectors.value
    #expect((0..<encoded.rows).allSatisfy { encoded.row($0)[expected[0]] == 0 })
    _ = trained.addGradients(batch(), [term], on: tape, &random)
    // Validation counts nothing.
    _ = trained.loss(batch(), [term], on: tape, &random)
    #expect(trained.store["df_state"]?.values[0] == 8)
    #expect(trained.store["df_state"]?.values[1] == 1)
  }
}
