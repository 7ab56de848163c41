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
      let wave = TwinStep.wave(start, 0.37)
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

  private func step(_ name: String) -> TwinStep {
    TwinStep(
      name: name, model: { try model(name) }, batch: TwinStep.batch(Self.fixture),
      terms: [term(name)])
  }

  @Test(arguments: names) func isThatOfThePaper(_ name: String) throws {
    let expected = try #require(Self.fixture["cases"]?[name])
    let loss = try step(name).compare(with: expected, derivatives: 40)
    TwinStep.near(loss.total, expected["loss"]?.double, "\(name): loss")
  }

  @Test(arguments: names) func isDividedInEveryWay(_ name: String) throws {
    try step(name).isDividedInEveryWay()
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
    for ids in TwinStep.documents(Self.fixture) {
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
      #expect(vector.indices == TwinStep.ids(row.array?[0]), "\(name)")
      for (x, y) in zip(vector.values, row.array?[1].array ?? []) {
        TwinStep.near(Double(x), y.double, name)
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
    _ = trained.addGradients(TwinStep.batch(Self.fixture), [term], on: tape, &random)
    #expect(try masked() == [])
    // The second encoder's terms of the eight documents.
    var counts: [Int: Int] = [:]
    let vectors = trained.model.vectors(
      TwinStep.packed(TwinStep.documents(Self.fixture)), .doc, promptTokens: 0, forTraining: true,
      tape
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
      TwinStep.packed([[term0, 70]]), .query, promptTokens: 0, forTraining: true, tape
    ).parts[0].vectors.value
    #expect(query.row(0)[expected[0]] == 0 && query.row(0)[70] == 1)
    let encoded = trained.model.vectors(
      TwinStep.packed(TwinStep.documents(Self.fixture)), .doc, promptTokens: 0, tape
    ).parts[0].vectors.value
    #expect((0..<encoded.rows).allSatisfy { encoded.row($0)[expected[0]] == 0 })
    _ = trained.addGradients(TwinStep.batch(Self.fixture), [term], on: tape, &random)
    // Validation counts nothing.
    _ = trained.loss(TwinStep.batch(Self.fixture), [term], on: tape, &random)
    #expect(trained.store["df_state"]?.values[0] == 8)
    #expect(trained.store["df_state"]?.values[1] == 1)
  }
}
