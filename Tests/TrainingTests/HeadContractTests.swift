import Autograd
import JSON
import Kernels
import Models
import Tensors
import TestSupport
import Testing
import Training
import Vectors
import Workers

/// Texts of made-up tokens.
enum HeadTexts {
  /// Tokens that every fixture's vocabulary has.
  private static let vocabulary: UInt32 = 60

  static func window(lengths: [Int], seed: UInt64 = 4) -> TokenWindow {
    var window = TokenWindow()
    for (text, length) in lengths.enumerated() {
      let random = CounterRandom(seed: seed, stream: UInt64(text))
      window.ids += (0..<length).map { Int32(random.bits(at: UInt64($0)) % vocabulary) }
      window.typeIDs += repeatElement(0, count: length)
      window.attended += repeatElement(1, count: length)
      window.offsets.append(window.ids.count)
    }
    return window
  }

  /// Some texts of a window; nil for all.
  static func batch(_ window: TokenWindow, _ texts: [Int]? = nil) -> PackedBatch {
    var batch = PackedBatch()
    for text in texts ?? Array(0..<window.count) {
      let range = window.range(text)
      batch.append(ids: window.ids[range], typeIDs: window.typeIDs[range])
    }
    return batch
  }
}

/// Promises of every registered head, and of one that is not registered.
@Suite struct HeadContractTests {
  /// Models of each `model_type`, in every form that its head has.
  static let folders: [(type: String, folder: String)] = [
    ("lir-dpr", "models/native/dpr_bert_00"), ("lir-dpr", "models/native/dpr_bert_01"),
    ("splade", "models/native/splade_bert_00"), ("splade", "models/native/splade_bert_01"),
    ("splade", "models/native/splade_bert_02"), ("splade", "models/native/splade_bert_03"),
    ("splade", "models/native/splade_bert_05"), ("col", "models/native/col_bert_03"),
    ("coil", "models/native/coil_bert_1"), ("unicoil", "training/unicoil_bert"),
    ("mvr", "models/native/mvr_bert_1"), ("mono", "models/native/mono_bert_00"),
    ("mono", "models/native/mono_bert_02"), ("mono", "models/native/mono_t5_1"),
    ("set-encoder", "models/native/set_bert_2"), ("m3-sparse", m3), ("m3-colbert", m3),
    ("summary", ""),
  ]

  /// A model that gets the heads of a BGE-M3.
  private static let m3 = "models/external/st_bert_cls_norm"

  static let arguments = folders.map { "\($0.type) \($0.folder)" }

  /// Those whose weights lie in the model's folder; others are not trained.
  static let trained = folders.filter { $0.folder != m3 }.map { "\($0.type) \($0.folder)" }

  private let summary: TemporaryFolder
  private let several: TemporaryFolder

  init() throws {
    summary = try SummaryHead.folder()
    several = try TemporaryFolder()
    try several.copy(fixture(Self.m3 + "/model"), to: "model")
    for file in ["sparse_linear.pt", "colbert_linear.pt"] {
      try several.copy(fixture("m3/" + file), to: "model/" + file)
    }
  }

  private func description(_ argument: String) throws -> ModelDescription {
    let parts = argument.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard !parts[1].isEmpty else {
      return try ModelDescription(
        recognizing: ModelFolder(summary("model"), heads: SummaryHead.heads))
    }
    let description = try ModelDescription(
      recognizing: parts[1] == Self.m3
        ? ModelFolder(several("model"), overrides: ["model_type": .string(parts[0])])
        : ModelFolder(fixture(parts[1] + "/model")))
    #expect(description.head.modelType == parts[0])
    return description
  }

  private static func roles(_ description: ModelDescription) -> [Role] {
    description.isCrossEncoder ? [.pair] : [.query, .doc]
  }

  /// A head without a model here would be promised nothing.
  @Test func everyHeadIsHere() {
    // LITE and SpaDE have weights once they are trained: LiteTests, DualDocumentTests and the command line's
    // cases lite and spade make some.
    #expect(
      Set(Self.folders.map(\.type)).union(["lite", "spade"])
        == Set(SummaryHead.heads.flatMap { $0.modelTypes }))
  }

  /// All numbers of the embeddings or scores of some texts, bit by bit.
  private static func bits(
    _ model: Model, _ window: TokenWindow, _ role: Role, threads: Int = 1, batchTokens: Int = 512
  ) throws -> [[UInt32]] {
    let encoder = BatchEncoder(
      model, WorkerPool(threads: threads), Kernels(), batchTokens: batchTokens)
    func bits(_ values: some Sequence<Float>) -> [UInt32] { values.map(\.bitPattern) }
    if role == .pair {
      let groups = [PairGroup(pairs: 0..<window.count)]
      return try encoder.score(window, groups, .logit).map { [$0.score.bitPattern] }
    }
    switch try encoder.encode(window, role: role) {
    case .dense(let values, let width):
      return stride(from: 0, to: values.count, by: width).map { bits(values[$0..<$0 + width]) }
    case .sparse(let vectors):
      return vectors.map { $0.indices.map { UInt32(bitPattern: $0) } + bits($0.values) }
    case .vectors(let sets, _):
      return sets.map { bits($0.cls + $0.values) + $0.ids.map { UInt32(bitPattern: $0) } }
    case .texts: return []
    }
  }

  @Test(arguments: arguments) func bytesAreThoseOfEachTextAlone(_ argument: String) throws {
    let model = try Model(try description(argument))
    // A pair has two tokens at least, of which documents of a set see one of each other.
    let window = HeadTexts.window(
      lengths: [9, 3, 14, model.description.isCrossEncoder ? 2 : 1, 6, 9, 2])
    for role in Self.roles(model.description) {
      let expected = try Self.bits(model, window, role)
      #expect(expected.count == window.count)
      for (batchTokens, threads) in [(1, 1), (10, 2), (512, 3)] {
        let found = try Self.bits(
          model, window, role, threads: threads, batchTokens: batchTokens)
        #expect(found == expected, "\(role) in batches of \(batchTokens), \(threads) threads")
      }
    }
  }

  /// Training sees what inference sees.
  ///
  /// Their products take weights in other panels, but both sum in the order of the inputs: the bits
  /// are equal.
  @Test(arguments: trained) func trainingSeesWhatInferenceSees(_ argument: String) throws {
    let description = try self.description(argument)
    let (model, trained) = (try Model(description), try TrainedModel(description))
    let batch = HeadTexts.batch(HeadTexts.window(lengths: [9, 3, 14, 1, 6]))
    let tape = Tape(Kernels(), WorkerPool(threads: 2))
    for role in Self.roles(description) {
      let found = trained.model.vectors(batch, role, tape)
      let expected = model.vectors(batch, role, Inference(Kernels()))
      #expect(found.parts.count == expected.parts.count)
      for (x, y) in zip(found.parts, expected.parts) {
        #expect(x.groups == y.groups)
        #expect(x.groups.rows.count == batch.sequences)
        #expect(x.groups.rows.joined().allSatisfy { $0 < y.vectors.rows })
        #expect(x.vectors.value.elements.contains { $0 != 0 })
        #expect(
          x.vectors.value.elements.map(\.bitPattern) == y.vectors.elements.map(\.bitPattern),
          "\(role)")
      }
    }
  }

  /// A text without tokens has an embedding of no terms, no vectors, or zeros.
  @Test(arguments: arguments) func emptyTexts(_ argument: String) throws {
    let model = try Model(try description(argument))
    let window = HeadTexts.window(lengths: [0, 5, 0])
    let alone = HeadTexts.window(lengths: [0])
    for role in Self.roles(model.description) where role != .pair {
      let found = try Self.bits(model, window, role)
      #expect(found.count == 3 && found[0] == found[2] && found[0].allSatisfy { $0 == 0 })
      #expect(try Self.bits(model, alone, role) == [found[0]])
      #expect(try Self.bits(model, TokenWindow(), role).isEmpty)
    }
  }
}
