import Autograd
import Failures
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
  private func model(_ name: String, _ others: [JSON.Member] = []) throws -> TrainedModel {
    let given = try #require(Self.fixture["cases"]?[name]?["config"]?.members)
    let config = JSON.object(
      given.filter { member in !others.contains { $0.key == member.key } } + others)
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

  /// Until its step a model of top-k masking learns as the paper's without it does, and from it on with it.
  @Test func masksFromAStepOn() throws {
    func loss(_ method: String, at step: Int = 0, from first: Int = 0) throws -> Double {
      let trained = try model("whole", [.init("expand_method", .string(method))])
      var random = CounterRandom(seed: 1)
      var dual = DualEncoderLoss(lambda: 2, teachingRatio: 0.8, masksFrom: first)
      dual.step = step
      let term = LossTerm("SpaDE", .dual(dual))
      try trained.check([term])
      return trained.addGradients(
        TwinStep.batch(Self.fixture), [term], on: Tape(Kernels(), WorkerPool(threads: 1)), &random
      ).total
    }
    let expected = try #require(Self.fixture["cases"]?["whole"]?["loss"]?.double)
    TwinStep.near(try loss("topk", at: 3, from: 5), expected, "before the step")
    let masked = try loss("topk")
    #expect(abs(masked - expected) > 0.01)
    #expect(try loss("topk", at: 4, from: 5) == masked)
    let failure = #expect(throws: Failure.self) { try loss("tokenwise_max", from: 5) }
    #expect(failure?.message.contains("topk") == true)
  }

  /// Each encoder moves at a rate of its own.
  @Test func ratesByName() throws {
    func weights(_ rate: Double, _ factor: (String) -> Double) throws -> [String: [Float]] {
      let trained = try model("masked")
      var random = CounterRandom(seed: 1)
      let update = WeightUpdate(
        .adamW(.init(betas: (0.9, 0.999), epsilon: 1e-8)), trained.store, WorkerPool(threads: 1),
        weightDecay: { _ in 0.01 }, rate: factor)
      for _ in 0..<2 {
        trained.store.clearGradients()
        _ = trained.addGradients(
          TwinStep.batch(Self.fixture), [term("masked")],
          on: Tape(Kernels(), WorkerPool(threads: 1)), &random)
        update.step(learningRate: rate, norm: 1, clip: nil)
      }
      return Dictionary(
        uniqueKeysWithValues: trained.store.parameters.map { parameter in
          (parameter.name, (0..<parameter.count).map { parameter.values[$0] })
        })
    }
    let both = try weights(1e-3) { $0.contains("1_Expansion/") ? 0.5 : 1 }
    // The encoders share nothing, so that each is as if both had its rate.
    let (whole, half) = (try weights(1e-3) { _ in 1 }, try weights(5e-4) { _ in 1 })
    #expect(whole != half)
    for (name, values) in both {
      #expect(values == (name.hasPrefix("1_Expansion/") ? half : whole)[name], "\(name)")
    }
  }

  /// A pool lasts until what is chosen of it is learnt, as the authors' loop has it.
  @Test func pools() throws {
    let authors = DualEncoderLoss(teachingRatio: 0.3, teachingStart: 64, teachingPool: 1024)
    let many = TeachingPools(
      authors, tuples: 100_000, size: 1024, batchSize: 8, accumulate: 4, shuffleSeed: 7)
    #expect(many.pool(at: 63) == .init(epoch: 0, index: 1, firstStep: 32, isTaught: false))
    #expect(many.pool(at: 73) == .init(epoch: 0, index: 2, firstStep: 64, isTaught: true))
    #expect(many.pool(at: 74).firstStep == 74)
    #expect(many.pool(at: 0).index == 0)
    let chosen = Array(0..<authors.chosen(of: 1024))
    let pool = many.pool(at: 73)
    #expect(chosen.count == 307)
    #expect(many.batches(of: chosen, 64, pool).map(\.count) == [8, 8, 8, 8])
    #expect(many.batches(of: chosen, 73, pool).map(\.count) == [8, 8, 3])
    #expect((64..<74).flatMap { many.batches(of: chosen, $0, pool).flatMap { $0 } } == chosen)

    // Three pools an epoch, the last of two tuples, of which one is chosen.
    let few = TeachingPools(
      DualEncoderLoss(teachingRatio: 0.5, teachingStart: 3, teachingPool: 4), tuples: 10, size: 4,
      batchSize: 2, accumulate: 1, shuffleSeed: nil)
    let firsts = (0..<10).map { few.pool(at: $0).firstStep }
    #expect(firsts == [0, 0, 2, 2, 4, 5, 6, 7, 8, 9])
    #expect(few.tuples(few.pool(at: 4)) == [8, 9])
    #expect(few.pool(at: 6) == .init(epoch: 1, index: 1, firstStep: 6, isTaught: true))
    #expect(few.steps(ofEpochs: 1, atMost: 99) == 5 && few.steps(ofEpochs: 3, atMost: 99) == 11)
    #expect(few.steps(ofEpochs: 3, atMost: 7) == 7)
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
