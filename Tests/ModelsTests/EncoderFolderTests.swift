import Failures
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Folders as sentence-transformers 6 saves them, with settings that are seldom met
/// (`scripts/golden/make_encoders.py`).
struct EncoderFolderTests {
  static let biEncoders = [
    "sentence", "truncated", "lower", "words", "summed", "routed", "vectors", "many", "clustered",
    "clustered_queries",
  ]
  static let crossEncoders = ["cross", "cross_modules"]

  static func model(_ name: String) throws -> (model: Model, tokenizer: Tokenizer) {
    let path = Fixtures.path("encoders/\(name)/model")
    return (
      try Model(ModelDescription(recognizing: ModelFolder(path))),
      try Tokenizer.load(folder: ModelFolder.modelPath(of: path))
    )
  }

  static func expected(_ name: String) throws -> TestSupport.SafeTensorsFile {
    try TestSupport.SafeTensorsFile.load(Fixtures.path("encoders/\(name)/expected.safetensors"))
  }

  static func texts() throws -> [String] {
    (try Fixtures.json("encoders/inputs.json")["texts"]?.array ?? []).compactMap(\.string)
  }

  @Test(arguments: biEncoders)
  func vectors(name: String) throws {
    let (model, tokenizer) = try Self.model(name)
    let expected = try Self.expected(name)
    let texts = try Self.texts()
    #expect(texts.count == 7)
    for role in [Role.query, .doc] {
      let rows = try model.embed(model.window(texts, role, tokenizer), role)
      for (number, row) in rows.enumerated() {
        let key = "\(role.rawValue).\(number)"
        expectClose(row, try expected.floats(key), .embeddings, "\(name) \(key)")
      }
    }
    #expect(model.unusedTensors.allSatisfy { $0.contains("pooler") }, "\(model.unusedTensors)")
  }

  @Test(arguments: crossEncoders)
  func scores(name: String) throws {
    let (model, tokenizer) = try Self.model(name)
    let pairs = (try Fixtures.json("encoders/inputs.json")["pairs"]?.array ?? [])
      .compactMap(\.array).map { ($0[0].string ?? "", $0[1].string ?? "") }
    let window = try model.window(pairs: pairs, tokenizer).tokens
    let scores = try model.score(window, model.description.head.pairs?.activation ?? .logit)
    expectClose(scores, try Self.expected(name).floats("scores"), .scores, name)
  }

  /// What the library gives users beside the vectors.
  @Test func settings() throws {
    let many = try Self.model("many").model
    #expect(many.description.head.interaction?.queryAggregation == .mean)
    #expect(many.withoutEffect.contains { $0.contains("unheard") })
    #expect(try Self.model("vectors").model.description.prompts["query"] == "[Q] ")
    #expect(try Self.model("sentence").model.form == .dense(dimension: 8))
    #expect(try Self.model("cross").model.description.roles[.pair]?.prompt == "search: ")
    #expect(try Self.model("clustered").model.vectorShape?.hasTokens == false)
    let dropout = try Self.model("sentence").model.withoutEffect
    #expect(dropout.contains("5_Dropout/config.json: dropout"))
  }

  /// XTR scores a batch, so that the library has no such similarity of a model either.
  @Test func xtr() throws {
    let folder = try TemporaryFolder()
    try folder.copy(Fixtures.path("encoders/vectors/model"), to: "m")
    try folder.write(
      "m/config_sentence_transformers.json",
      #"{"model_type":"MultiVectorEncoder","similarity_fn_name":"xtr"}"#)
    let failure = #expect(throws: Failure.self) {
      try ModelDescription(recognizing: ModelFolder(folder("m")))
    }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains("similarity_fn_name xtr") == true)
    // In training it is a field of the head.
    let trained = try ModelDescription(
      recognizing: ModelFolder(
        Fixtures.path("encoders/vectors/model"), overrides: ["k_train": 4]))
    #expect((trained.head as? MultiVectorHead.Settings)?.retrieval?.count == 4)
  }

  /// Files of before release 2, of which the first that says anything counts.
  @Test func lengthsOfOtherFiles() throws {
    for name in ModuleFiles.transformer {
      let folder = try TemporaryFolder()
      try folder.copy(Fixtures.path("encoders/truncated/model"), to: "m")
      try folder.remove("m/sentence_xlm-roberta_config.json")
      try folder.write("m/\(name)", #"{"max_seq_length":6}"#)
      let description = try ModelDescription(recognizing: ModelFolder(folder("m")))
      #expect(description.roles[.doc]?.maximumLength == 6, "\(name)")
      #expect(description.roles[.query]?.maximumLength == 6, "\(name)")
    }
  }

  /// A pooling that says its width alone is the mean, and so is one without any flag.
  @Test(arguments: [
    #"{"word_embedding_dimension":16}"#, #"{"pooling_mode_cls_token":false}"#, "{}",
  ])
  func pooling(config: String) throws {
    let folder = try TemporaryFolder()
    try folder.copy(Fixtures.path("encoders/truncated/model"), to: "m")
    try folder.write("m/1_Pooling/config.json", config)
    let description = try ModelDescription(recognizing: ModelFolder(folder("m")))
    #expect((description.head as? DenseHead.Settings)?.poolings == [.mean])
  }
}
