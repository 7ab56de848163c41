import JSON
import Models
import Tensors
import TestSupport
import Testing

/// Dense and sparse bi-encoders that Lightning IR wrote, or loaded from elsewhere.
struct BiEncoderTests {
  static let denseCases = ModelCase.named(
    "native/dpr_", "native_wheel/dpr_")
  static let sparseCases = ModelCase.named(
    "native/splade_", "native/unicoil_", "native_wheel/splade_")
  static let vectorCases = ModelCase.named(
    "native/col_", "native/mvr_", "native/coil_", "native_wheel/mvr_")
  static let plainDenseCases = ModelCase.named("external/dpr_")
  static let plainSparseCases = ModelCase.named("external/splade_")
  /// Recognised by what is in the folder.
  static let knownCases = [
    ("external/colbertv2", "col"), ("external/coil", "coil"), ("external/unicoil", "unicoil"),
    ("external/xtr_t5", "col"),
  ].flatMap { prefix, type in ModelCase.named(prefix).map { ($0, type) } }

  @Test func casesAreThere() {
    #expect(Self.denseCases.count >= 7)
    #expect(Self.sparseCases.count >= 6)
    for name in [
      "col_short_hidden", "col_short_attended", "col_bert_03", "mvr_short", "coil_bert_1",
    ] {
      #expect(Self.vectorCases.contains("native/\(name)"))
    }
    #expect(!Self.plainSparseCases.isEmpty && !Self.plainDenseCases.isEmpty)
    #expect(Self.knownCases.count >= 3)
  }

  @Test(arguments: denseCases)
  func dense(name: String) throws {
    let golden = try ModelCase(name)
    try checkBiEncoder(golden, try golden.model())
  }

  @Test(arguments: sparseCases)
  func sparse(name: String) throws {
    let golden = try ModelCase(name)
    try checkBiEncoder(golden, try golden.model())
  }

  @Test(arguments: vectorCases)
  func vectors(name: String) throws {
    let golden = try ModelCase(name)
    try checkBiEncoder(golden, try golden.model())
  }

  /// A backbone that only the user can say is a dense model.
  @Test(arguments: plainDenseCases)
  func plainDense(name: String) throws {
    let golden = try ModelCase(name)
    try checkBiEncoder(golden, try golden.model(overrides: golden.overrides("lir-dpr")))
  }

  /// The folder says what it is; the user, how long texts are.
  @Test(arguments: knownCases)
  func known(name: String, type: String) throws {
    let golden = try ModelCase(name)
    let recognized = try golden.model().description
    #expect(recognized.head.modelType == type)
    #expect(recognized.evidence.count == 1)
    let model = try golden.model(overrides: golden.overrides(type))
    try checkBiEncoder(golden, model)
    #expect(model.unusedTensors.allSatisfy { $0.contains("pooler") }, "\(model.unusedTensors)")
  }

  /// A masked language model that only the user can say is SPLADE.
  @Test(arguments: plainSparseCases)
  func plainSparse(name: String) throws {
    let golden = try ModelCase(name)
    let model = try golden.model(overrides: golden.overrides("splade"))
    try checkBiEncoder(golden, model)
    // Lightning IR's head has an epsilon of 1e-12 whatever the backbone's is, transformers' has that.
    guard golden.tensors.names.contains("ref.doc_vectors_hf_mlm"),
      model.backbone.normEpsilon == 1e-12
    else { return }
    // What transformers' own head gives, beside Lightning IR's.
    let documents = try model.window(golden.documents.flatMap { $0 }, .doc, golden.tokenizer())
    expectClose(
      try model.embed(documents, .doc).flatMap { $0 },
      try golden.tensors.floats("ref.doc_vectors_hf_mlm"), .embeddings, "\(name) transformers")
  }

  /// Every tensor on the disk has its place: none is left over.
  @Test(arguments: denseCases + sparseCases + vectorCases)
  func usesAllTensors(name: String) throws {
    // RoBERTa is saved with a pooler that nothing uses.
    #expect(try ModelCase(name).model().unusedTensors.allSatisfy { $0.hasPrefix("pooler.") })
  }
}

/// Lengths and dimensions that the configuration says in its own way.
struct BiEncoderSettingsTests {
  /// Null: what the tokenizer says.
  @Test func lengthOfNull() throws {
    let folder = try TemporaryFolder()
    try folder.copy(try ModelCase("native/dpr_bert_nolength").modelPath, to: "model")
    let config = try JSONParser.parse(try folder.read("model/tokenizer_config.json"))
    let members = (config.members ?? []).map { member in
      member.key == "model_max_length" ? JSON.Member(member.key, 11) : member
    }
    try folder.write("model/tokenizer_config.json", JSON.object(members).serialized())
    let model = try Model(ModelDescription(recognizing: ModelFolder(folder("model"))))
    #expect(model.maximumTokens(.query) == 11)
    #expect(model.maximumTokens(.doc) == 11)
  }

  /// The reference never writes `embedding_dim`, and reads it where somebody else did.
  @Test func embeddingDimension() throws {
    let dropped = try ModelCase("native/dpr_bert_embdim_dropped")
    let wide = try #require(try dropped.model().biEncoderHead as? DenseHead)
    #expect(wide.dimension == 32)
    let edited = try ModelCase("native/dpr_bert_embdim_in_config")
    let narrow = try #require(try edited.model().biEncoderHead as? DenseHead)
    #expect(narrow.dimension == 20)
  }

  /// Defaults of the configuration classes, where the file says nothing.
  @Test func defaults() throws {
    let golden = try ModelCase("native/splade_bert_00")
    let kept =
      (try JSONParser.parse(try ModelCase.bytes(golden.modelPath + "/config.json"))
      .members ?? []).filter {
        !($0.key.hasSuffix("_length") || $0.key.hasSuffix("_strategy")
          || $0.key == "similarity_function" || $0.key.hasSuffix("_expansion")
          || $0.key.hasSuffix("_weighting"))
      }
    let folder = try TemporaryFolder()
    try folder.copy(golden.modelPath, to: "model")
    try folder.write("model/config.json", JSON.object(kept).serialized())
    let description = try ModelDescription(recognizing: ModelFolder(folder("model")))
    #expect(description.roles[.query] == RoleSettings(maximumLength: 32))
    #expect(description.roles[.doc] == RoleSettings(maximumLength: 512))
    #expect(description.similarity == .dot)
    let settings = try #require(description.head as? SpladeHead.Settings)
    #expect(settings.pooling == .max)
    #expect(settings.sparsification == .reluLog)
    #expect(settings.weighting == [.query: .contextualized, .doc: .contextualized])
    #expect(settings.expands == [.query: true, .doc: true])
  }
}
