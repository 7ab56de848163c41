import Autograd
import Failures
import JSON
import Kernels
import Models
import Tensors
import TestSupport
import Testing

/// A backbone of its own kind: the words' embeddings, taken as they are.
private struct WordsAlone: Backbone, BackboneFamily {
  let wordEmbeddings: Parameter
  let maximumTokens: Int

  var width: Int { wordEmbeddings.columns }
  var vocabularySize: Int { wordEmbeddings.shape[0] }
  var layerCount: Int { 0 }
  var segmentCount: Int { 1 }
  var activation: Activation { .none }
  var normEpsilon: Double { 0 }

  struct Configuration: BackboneConfiguration {
    let width: Int
    let words: Int
    let longestText: Int

    init(_ fields: ConfigurationReader) throws(Failure) {
      width = try fields.integer("hidden_size", in: 1...1000)
      words = try fields.integer("vocab_size", in: 1...1000)
      longestText = try fields.integer("most_words", in: 1...1000, default: 5)
    }
  }

  static let wordEmbeddings = ["embeddings.word_embeddings.weight"]

  static func load(
    _ configuration: Configuration, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    WordsAlone(
      wordEmbeddings: try weights.parameter(
        "embeddings.word_embeddings.weight", [configuration.words, configuration.width]),
      maximumTokens: configuration.longestText)
  }

  func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let states = o.embed(batch, word: wordEmbeddings, type: nil, positions: nil)
    return onlyFirst ? o.pool(states, .first, batch) : states
  }
}

/// A name is a row, a family a type and a row: nothing else knows either.
struct BackboneRegistryTests {
  private static func description(
    _ path: String, _ backbones: Backbones = .all, overrides: JSON? = nil
  ) throws -> ModelDescription {
    try ModelDescription(
      recognizing: ModelFolder(path, overrides: overrides, backbones: backbones))
  }

  @Test func namesAreUnique() {
    let names = Backbones.all.rows.map(\.name)
    #expect(Set(names).count == names.count)
    for name in names { #expect(Backbones.all[name]?.name == name) }
    #expect(Backbones.all["mamba"] == nil)
  }

  /// A name that means RoBERTa gives the bytes that RoBERTa gives.
  @Test func anotherName() throws {
    let golden = try ModelCase("backbones/classifier_roberta")
    let renamed = try EditedModel(golden.name)
    try renamed.config("model_type", "gilberto")
    #expect(renamed.refusal()?.message == "backbone gilberto is not supported")

    let backbones = Backbones(Backbones.all.rows + [Backbones.Row("gilberto", Roberta.self)])
    let description = try Self.description(renamed.path, backbones)
    #expect(description.backboneType == "gilberto")
    // Two of the 64 positions stand in front of the first token's.
    #expect(description.longestText == 62)
    let window = try golden.window("pair")
    let scores = try Model(description).score(window, .logit)
    #expect(scores == (try golden.model().score(window, .logit)))
    #expect(try Model(description).unusedTensors.isEmpty)
  }

  /// A family that this test makes up runs from the folder to the vectors.
  @Test func anotherFamily() throws {
    let golden = try ModelCase("native/dpr_bert_01")
    let folder = try EditedModel(golden.name)
    try folder.config("backbone_model_type", "words-alone")
    let backbones = Backbones(
      Backbones.all.rows + [Backbones.Row("words-alone", WordsAlone.self)])
    let description = try Self.description(folder.path, backbones)
    #expect(description.longestText == 5)
    let model = try Model(description)
    #expect(model.maximumTokens(.doc) == 5)

    var batch = PackedBatch()
    batch.append(ids: [2, 9, 3], typeIDs: [0, 0, 0] as [UInt8])
    batch.append(ids: [11], typeIDs: [0] as [UInt8])
    let table = try golden.tensors(of: "model.safetensors").floats(
      "embeddings.word_embeddings.weight")
    let width = model.backbone.width
    func row(_ id: Int) -> [Float] { Array(table[id * width..<(id + 1) * width]) }
    let engine = Inference(Kernels())
    let states = model.hidden(batch, engine)
    #expect((0..<4).map { Array(states.row($0)) } == [row(2), row(9), row(3), row(11)])
    let first = model.firstStates(batch, engine)
    #expect((0..<2).map { Array(first.row($0)) } == [row(2), row(11)])
  }

  /// The fields of a family are known to `--model-config` with it, and without it are not.
  @Test func fieldsOfAnotherFamily() throws {
    let path = try ModelCase("native/dpr_bert_01").modelPath
    let overrides: JSON = ["most_words": 7, "backbone_model_type": "words-alone"]
    let failure = #expect(throws: Failure.self) {
      try Self.description(path, overrides: overrides)
    }
    #expect(failure?.message == "unknown field most_words")
    let backbones = Backbones(
      Backbones.all.rows + [Backbones.Row("words-alone", WordsAlone.self)])
    #expect(try Self.description(path, backbones, overrides: overrides).longestText == 7)
  }

  /// Fields that transformers and Lightning IR wrote into the folders of the cases are known, whether
  /// the folder that they are added to has them or not.
  @Test func writtenFieldsAreKnown() throws {
    let folder = try TemporaryFolder()
    try folder.write("bare/config.json", "{}")
    for name in ModelCase.named("native/", "native_wheel/", "external/", "backbones/") {
      let path = try ModelFolder.modelPath(of: ModelCase(name).modelPath)
      let config = try JSONParser.parse(try ModelCase.bytes(path + "/config.json"))
      #expect(throws: Never.self, "\(name)") {
        try ModelFolder(folder("bare"), overrides: config)
      }
    }
  }

  /// Set-Encoders run on the families that say so.
  @Test func setEncoders() throws {
    let model = try EditedModel("native/set_bert_2")
    try model.config("backbone_model_type", "distilbert")
    let failure = model.refusal()
    #expect(failure?.message == "a set-encoder on backbone distilbert is not supported")
    #expect(failure?.hint == "supported: bert, electra")
  }
}

extension ModelCase {
  /// A file of weights of the case's model.
  fileprivate func tensors(of file: String) throws -> TestSupport.SafeTensorsFile {
    try TestSupport.SafeTensorsFile.load("\(modelPath)/\(file)")
  }
}
