import Autograd
import JSON
import Kernels
import Models
import Tensors
import TestSupport
import Testing

/// Every backbone, from the token ids that the reference gave it.
struct BackboneTests {
  static let biEncoders = ModelCase.named("native/dpr_", "native/splade_")
  static let crossEncoders = ModelCase.named("native/mono_")
  /// Made by `scripts/reference/backbones.py`.
  static let hiddenStates = ModelCase.named("backbones/states_")
  static let classifiers = ModelCase.named("backbones/classifier_")
  static let answers = ModelCase.named("backbones/answers_")
  static let languageModels = ModelCase.named("backbones/mlm_")
  /// With the fields that say what they are.
  static let plainCrossEncoders = ModelCase.named("external/monot5", "external/rankt5")

  @Test func casesAreThere() {
    for type in ["mpnet", "modernbert", "t5"] {
      #expect(Self.hiddenStates.contains { $0.contains(type) })
    }
    #expect(Self.crossEncoders.contains { $0.contains("t5") })
    #expect(!Self.answers.isEmpty)
    #expect(Self.plainCrossEncoders.count >= 1)
    #expect(Self.hiddenStates.count >= 3)
    #expect(Self.classifiers.count >= 2)
    #expect(Self.languageModels.count >= 2)
  }

  @Test(arguments: biEncoders) func biEncoder(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    for role in [Role.query, .doc] where golden.tensors.names.contains("\(role).input_ids") {
      let window = try golden.window(role.rawValue)
      let rows = try model.embed(window, role).flatMap { $0 }
      expectClose(
        rows, try golden.tensors.floats("\(role.rawValue).embeddings"), .embeddings,
        "\(name) \(role.rawValue)")
    }
  }

  /// Hidden states of every token.
  @Test(arguments: hiddenStates) func states(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let window = try golden.window("doc")
    var batch = PackedBatch()
    for i in 0..<window.count {
      batch.append(ids: window.ids[window.range(i)], typeIDs: window.typeIDs[window.range(i)])
    }
    let states = model.hidden(batch, Inference(Kernels()))
    expectClose(
      (0..<states.rows).flatMap { Array(states.row($0)) },
      try golden.tensors.floats("doc.states"), .embeddings, "\(name) hidden states")
  }

  /// `…ForSequenceClassification` with one label.
  @Test(arguments: classifiers) func classifier(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let scores = try model.score(try golden.window("pair"), .logit)
    expectClose(scores, try golden.tensors.floats("scores"), .scores, name)
    #expect(model.unusedTensors.isEmpty)
  }

  /// Log-share of one word of two as the decoder's first.
  @Test(arguments: answers) func answer(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model(overrides: golden.overrides("mono"))
    let scores = try model.score(try golden.window("pair"), .logit)
    expectClose(scores, try golden.tensors.floats("scores"), .scores, name)
    #expect(model.unusedTensors.isEmpty)
  }

  /// `…ForMaskedLM`, saturated and pooled: Lightning IR's epsilon is another one than transformers',
  /// which is within the tolerance.
  @Test(arguments: languageModels) func languageModel(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model(overrides: ["model_type": "splade"])
    let rows = try model.embed(try golden.window("doc"), .doc).flatMap { $0 }
    expectClose(rows, try golden.tensors.floats("doc.embeddings"), .embeddings, name)
    #expect(model.unusedTensors.isEmpty)
  }

  @Test(arguments: crossEncoders) func crossEncoder(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model()
    let scores = try model.score(try golden.window("pair"), .logit)
    expectClose(scores, try golden.tensors.floats("scores"), .scores, name)
  }

  /// Scores are those of transformers' own model; with untied heads Lightning IR's differ from them.
  @Test(arguments: plainCrossEncoders) func plainCrossEncoder(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model(overrides: golden.overrides("mono"))
    let scores = try model.score(try golden.window("pair"), .logit)
    expectClose(scores, try golden.tensors.floats("ref.hf_scores"), .scores, name)
    if !name.contains("untied") {
      expectClose(scores, try golden.tensors.floats("scores"), .scores, name)
    }
    #expect(model.unusedTensors.isEmpty)
  }
}

extension ModelCase {
  /// The reference's tokens, without its padding.
  func window(_ key: String) throws -> TokenWindow {
    var window = TokenWindow()
    let ids = try unpadded(key, "input_ids")
    let types =
      tensors.names.contains("\(key).token_type_ids")
      ? try unpadded(key, "token_type_ids") : ids.map { $0.map { _ in 0 } }
    for (row, typeRow) in zip(ids, types) {
      window.ids += row
      window.typeIDs += typeRow.map(UInt8.init)
      window.attended += row.map { _ in 1 }
      window.offsets.append(window.ids.count)
    }
    return window
  }
}

/// Buckets of distances, with values of `T5Attention._relative_position_bucket` of transformers.
struct RelativePositionsTests {
  @Test(arguments: [(32, 128), (16, 32), (6, 20)])
  func buckets(count: Int, maximumDistance: Int) throws {
    let table = AlignedBuffer(count: count)
    let positions = RelativePositions(
      table: Parameter(
        name: "table", shape: [count, 1], values: UnsafePointer(table.pointer), owner: table),
      maximumDistance: maximumDistance)
    let expected = try #require(
      try Fixtures.json("models/buckets.json")["\(count),\(maximumDistance)"]?.array)
    let radius = expected.count / 2
    #expect(radius >= 2 * maximumDistance)
    let found = (-radius...radius).map { positions.bucket($0) }
    #expect(found == expected.compactMap(\.integer))
  }
}
