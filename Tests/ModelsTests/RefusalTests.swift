import Failures
import Foundation
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

/// A model folder that a test changes.
struct EditedModel {
  let folder: TemporaryFolder
  var path: String { folder("model") }

  init(_ name: String) throws {
    folder = try TemporaryFolder()
    try folder.copy(try ModelCase(name).modelPath, to: "model")
  }

  func weights(_ change: (inout SafeTensorsBuilder) throws -> Void) throws {
    let file = try TestSupport.SafeTensorsFile.load(path + "/model.safetensors")
    var builder = SafeTensorsBuilder(file)
    try change(&builder)
    try folder.write("model/model.safetensors", builder.bytes)
  }

  func config(_ key: String, _ value: JSON?) throws {
    var members = try JSONParser.parse(try folder.read("model/config.json")).members ?? []
    members.removeAll { $0.key == key }
    if let value { members.append(JSON.Member(key, value)) }
    try folder.write("model/config.json", JSON.object(members).serialized())
  }

  func load(_ overrides: JSON? = nil) throws -> Model {
    try Model(ModelDescription(recognizing: ModelFolder(path, overrides: overrides)))
  }

  /// Failure of loading, in which `model` stands for the folder's path.
  func refusal(_ overrides: JSON? = nil) -> Failure? {
    guard var failure = #expect(throws: Failure.self, performing: { try load(overrides) }) else {
      return nil
    }
    failure.place = failure.place?.replacingOccurrences(of: folder.path + "/", with: "")
    return failure
  }
}

/// Folders that are intact but unsuitable (78), damaged (65) or not there (66).
struct RefusalTests {
  static let dense = "native/dpr_bert_00"

  @Test func missingTensor() throws {
    let model = try EditedModel(Self.dense)
    try model.weights { $0.tensors["encoder.layer.1.output.dense.bias"] = nil }
    #expect(
      model.refusal()
        == .config("model", "tensor encoder.layer.1.output.dense.bias of shape [32] is missing"))
  }

  @Test func missingEmbeddings() throws {
    let model = try EditedModel(Self.dense)
    try model.weights { $0.tensors["embeddings.word_embeddings.weight"] = nil }
    #expect(
      model.refusal() == .config("model", "tensor embeddings.word_embeddings.weight is missing"))
  }

  @Test func wrongShape() throws {
    let model = try EditedModel(Self.dense)
    try model.weights {
      $0.tensors["projection.weight"] = .init([31, 32], Array(repeating: 0, count: 31 * 32))
    }
    #expect(
      model.refusal()
        == .config("model", "tensor projection.weight: expected shape [32, 32], found [31, 32]"))
  }

  @Test func integerWeights() throws {
    let model = try EditedModel(Self.dense)
    try model.weights {
      $0.tensors["projection.bias"] = .init("I8", [32], .init(repeating: 1, count: 32))
    }
    #expect(
      model.refusal()
        == .config("model", "tensor projection.bias: expected floating point, found I8"))
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func weightsThatAreNotFinite(value: Float) throws {
    for dtype in ["F32", "F64", "F16", "BF16"] {
      let model = try EditedModel(Self.dense)
      try model.weights {
        $0.tensors["projection.bias"] = SafeTensorsBuilder.Tensor(
          [32], Array(repeating: 0, count: 31) + [value]
        ).stored(as: dtype)
      }
      #expect(
        model.refusal()
          == .config("model", "tensor projection.bias holds NaN or infinite values"), "\(dtype)")
    }
  }

  @Test func cutWeights() throws {
    let model = try EditedModel(Self.dense)
    let bytes = try model.folder.read("model/model.safetensors")
    try model.folder.write("model/model.safetensors", Array(bytes.dropLast()))
    #expect(model.refusal()?.status == .data)
    #expect(model.refusal()?.place == "model/model.safetensors")
  }

  @Test func unknownType() throws {
    let model = try EditedModel(Self.dense)
    try model.config("model_type", "lir-colour")
    #expect(model.refusal()?.status == .config)
    #expect(model.refusal()?.hint?.contains("--model-config") == true)
  }

  @Test func unknownBackbone() throws {
    let model = try EditedModel(Self.dense)
    try model.config("backbone_model_type", "mamba")
    let failure = model.refusal()
    #expect(failure?.status == .config)
    #expect(failure?.message == "backbone mamba is not supported")
    #expect(failure?.hint?.hasPrefix("supported: bert, distilbert, electra") == true)
  }

  @Test(
    arguments: [
      ("pooling_strategy", JSON.string("median"), "pooling_strategy: expected one of"),
      ("projection", "mlp", "projection: expected linear, linear_no_bias or null, found mlp"),
      ("sparsification_strategy", "tanh", "sparsification_strategy: expected one of"),
      ("normalization_strategy", "l1", "normalization_strategy: expected one of"),
      ("similarity_function", "hamming", "similarity_function: expected one of"),
      (
        "query_length", "long",
        "query_length: expected an integer from 1 to 2147483647 or null, found \"long\""
      ),
      ("add_marker_tokens", 1, "add_marker_tokens: expected true or false"),
      ("hidden_act", "mish", "hidden_act: activation mish is not supported"),
      (
        "position_embedding_type", "relative_key",
        "position_embedding_type: expected absolute, found relative_key"
      ),
      ("num_attention_heads", 5, "the hidden size 32 is no multiple of 5 attention heads"),
    ])
  func fields(key: String, value: JSON, message: String) throws {
    let model = try EditedModel(Self.dense)
    try model.config(key, value)
    let failure = model.refusal()
    #expect(failure?.status == .config)
    #expect(failure?.place == "model/config.json")
    #expect(failure?.message.hasPrefix(message) == true, "\(failure?.message ?? "")")
  }

  @Test func missingField() throws {
    let model = try EditedModel(Self.dense)
    try model.config("hidden_size", nil)
    #expect(
      model.refusal()
        == .config(
          "model/config.json", "hidden_size: expected an integer from 1 to 1048576, found nothing"))
  }

  @Test func plainFolders() throws {
    let masked = #expect(throws: Failure.self) {
      try ModelCase("external/splade_naver_bert").model()
    }
    #expect(masked?.status == .config)
    #expect(masked?.hint == #"for a SPLADE model say --model-config '{"model_type":"splade"}'"#)
    let model = try EditedModel(Self.dense)
    try model.config("model_type", "bert")
    try model.config("architectures", ["BertModel"])
    #expect(
      model.refusal()?.message
        == "model_type bert with architecture BertModel does not say how texts become vectors")
    // What the hint says does work.
    let loaded = try model.load([
      "model_type": "lir-dpr", "pooling_strategy": "mean", "projection": .null,
    ])
    #expect(loaded.unusedTensors == ["projection.bias", "projection.weight"])
  }

  @Test func places() throws {
    let folder = try TemporaryFolder()
    #expect(throws: Failure(.noInput, at: folder("nowhere"), "no such model folder")) {
      try ModelFolder(folder("nowhere"))
    }
    try folder.write("file", "x")
    #expect(throws: Failure.config(folder("file"), "expected a model folder, found a file")) {
      try ModelFolder(folder("file"))
    }
    let failure = #expect(throws: Failure.self) { try ModelFolder(folder.path) }
    #expect(failure?.status == .config)
    #expect(failure?.message == "expected a model folder with a config.json")
  }

  @Test func damagedConfiguration() throws {
    let model = try EditedModel(Self.dense)
    try model.folder.write("model/config.json", "{\"hidden_size\": 32,")
    #expect(model.refusal()?.status == .data)
    #expect(model.refusal()?.place == "model/config.json")
  }

  /// A marker that the tokenizer does not have.
  @Test func missingMarker() throws {
    let golden = try ModelCase(Self.dense)
    let model = try golden.model(overrides: ["add_marker_tokens": true])
    let failure = #expect(throws: Failure.self) {
      try model.window(["a"], .query, golden.tokenizer())
    }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains("[QUE]") == true)
  }
}

/// Folders that an older Lightning IR wrote.
struct OlderReleaseTests {
  /// It went by `normalize`, whatever else the folder says.
  @Test func normalization() throws {
    let model = try EditedModel("native_wheel/dpr_default")
    for (old, new) in [(true, JSON.null), (false, "l2")] {
      try model.config("normalize", .bool(old))
      try model.config("normalization_strategy", new)
      let head = try #require(try model.load().biEncoderHead as? DenseHead)
      #expect(head.normalizes == old)
      let said = try #require(
        try model.load(["normalization_strategy": "l2"]).biEncoderHead as? DenseHead)
      #expect(said.normalizes)
    }
  }
}
