import Autograd
import Failures
import JSON
import Kernels
import Models
import Tensors
import TestSupport
import Testing
import Workers

/// Documents that see each other.
struct SetEncoderTests {
  static let name = "native/set_bert_2"

  private func subject() throws -> (Model, TokenWindow) {
    let golden = try ModelCase(Self.name)
    let model = try golden.model()
    let pairs = golden.documents[0].map { (golden.queries[0], $0) }
    return (model, try model.window(pairs: pairs, golden.tokenizer()).tokens)
  }

  private func score(_ model: Model, _ window: TokenWindow, seed: UInt64?) throws -> [Float] {
    try BatchEncoder(model, WorkerPool(threads: 1), Kernels()).score(
      window, [PairGroup(pairs: 0..<window.count, seed: seed)], .logit
    ).map(\.score)
  }

  /// Permuting the documents permutes their scores.
  @Test func permutation() throws {
    let (model, window) = try subject()
    let scores = try score(model, window, seed: nil)
    var reversed = TokenWindow()
    for index in (0..<window.count).reversed() { reversed.append(window.selecting(index)) }
    let other = try score(model, reversed, seed: nil)
    // The sums run in another order.
    for (x, y) in zip(scores, other.reversed()) { #expect(abs(x - y) <= 1e-5 + 1e-5 * abs(x)) }
  }

  /// A document alone has another score: the others count.
  @Test func othersCount() throws {
    let (model, window) = try subject()
    let together = try score(model, window, seed: nil)
    let alone = try score(model, window.selecting(0), seed: nil)
    #expect(abs(together[0] - alone[0]) > 1e-3)
  }

  /// Beyond the depth: sets of about the same size, in order, as if each were a query of its own.
  @Test func beyondDepth() throws {
    let golden = try ModelCase(Self.name)
    let model = try golden.model(overrides: ["depth": 3])
    let pairs = golden.documents.flatMap { $0 }.prefix(7).map { (golden.queries[0], $0) }
    let window = try model.window(pairs: Array(pairs), golden.tokenizer()).tokens
    #expect(window.count == 7)
    let scores = try score(model, window, seed: nil)
    var parts: [Float] = []
    for range in [0..<2, 2..<4, 4..<7] {
      var part = TokenWindow()
      for index in range { part.append(window.selecting(index)) }
      parts += try score(model, part, seed: nil)
    }
    #expect(scores == parts)
  }

  /// Drawn states have the mean and deviation of the documents' own; the seed chooses them.
  @Test func drawnStates() throws {
    let (model, window) = try subject()
    let plain = try score(model, window, seed: nil)
    let first = try score(model, window, seed: 1)
    let (again, other) = (
      try score(model, window, seed: 1), try score(model, window, seed: 2)
    )
    #expect(first == again && first != other)
    #expect(first != plain)
    #expect(first.allSatisfy { $0.isFinite })
    // One document: no deviation, so that all drawn states are its own, whatever the seed.
    let alone = window.selecting(0)
    let one = try score(model, alone, seed: 1)
    #expect(one == (try score(model, alone, seed: 2)))
  }

  /// Moments of many drawn numbers: 4 standard errors.
  @Test func moments() {
    var batch = PackedBatch()
    for _ in 0..<3 { batch.append(ids: [1], typeIDs: [0]) }
    batch.makeSets([(count: 3, drawn: 4000, seed: 9)], sharedToken: 0)
    let engine = Inference(Kernels())
    let weight: [Float] = [0, 0, 1, 2, 4, -3]
    weight.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      let table = Parameter(name: "t", shape: [3, 2], values: base, owner: engine)
      var ids = PackedBatch()
      for id: Int32 in 0..<3 { ids.append(ids: CollectionOfOne(id), typeIDs: [0]) }
      let x = engine.embed(ids, word: table, type: nil, positions: nil)
      let drawn = engine.draw(x, batch, layer: 0)
      #expect(drawn.rows == 4003)
      for (column, own) in [[Double(0), 1, 4], [0, 2, -3]].enumerated() {
        let mean = own.reduce(0, +) / 3
        let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2
        let values = (3..<4003).map { Double(drawn.row($0)[column]) }
        let found = values.reduce(0, +) / 4000
        let spread = values.reduce(0) { $0 + ($1 - found) * ($1 - found) } / 3999
        #expect(abs(found - mean) <= 4 * (variance / 4000).squareRoot())
        #expect(abs(spread / variance - 1) <= 4 * (2.0 / 4000).squareRoot())
      }
    }
  }

  @Test(arguments: [
    ("depth", JSON.integer(0), "depth"), ("backbone_model_type", "roberta", "roberta"),
  ])
  func refusals(key: String, value: JSON, text: String) throws {
    let model = try EditedModel(Self.name)
    try model.config(key, value)
    let failure = model.refusal()
    #expect(failure?.status == .config)
    #expect(failure?.message.contains(text) == true)
  }
}

/// Refusals of heads with several vectors a text.
struct VectorHeadRefusalTests {
  @Test(arguments: [
    ("doc_mask_scoring_tokens", JSON.string("stop words"), "a list of tokens"),
    ("doc_mask_scoring_tokens", .array(["nowhere"]), "no token nowhere"),
    ("query_aggregation_function", "median", "query_aggregation_function"),
    ("projection", .null, "projection"), ("projection", "mlp", "projection"),
    ("embedding_dim", 7, "projection.weight: expected shape [7, 32]"),
  ])
  func colbert(key: String, value: JSON, text: String) throws {
    let model = try EditedModel("native/col_short_hidden")
    try model.config(key, value)
    let failure = model.refusal()
    #expect(failure?.status == .config)
    #expect(failure?.message.contains(text) == true, "\(failure?.description ?? "")")
  }

  /// A checkpoint that nobody knows by that name.
  @Test func unknownCheckpoint() throws {
    let failure = #expect(throws: Failure.self) {
      try ModelCase("external/colbertv2").model(overrides: ["checkpoint": "somebody/else"])
    }
    #expect(failure?.status == .config)
    #expect(failure?.hint?.contains("colbert-ir/colbertv2.0") == true)
  }

  /// Tokens of a stream that nobody attends to.
  @Test func nothingAttended() throws {
    let model = try ModelCase("native/col_short_hidden").model()
    var window = TokenWindow()
    window.ids = [5, 6]
    window.typeIDs = [0, 0]
    window.attended = [0, 0]
    window.offsets = [0, 2]
    let failure = #expect(throws: Failure.self) { try model.vectors(window, .query) }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains("none of them attended to") == true)
  }
}
