import Autograd
import Failures
import JSON
import Models
import TestSupport
import Testing

/// Folders of EmbeddingGemma 2 beyond the numbers that BackboneTests compare.
struct EmbeddingGemma2Tests {
  private static let whole = "transformers5/states_embedding_gemma2_whole"
  private static let layers = "transformers5/states_embedding_gemma2_layers"

  /// Towers of images and sounds are passed over, and named.
  @Test func otherTowers() throws {
    let model = try EditedModel(Self.whole)
    let names = ["audio_tower.layers.0.norm.weight", "embed_vision.embedding_projection.weight"]
    try model.weights { for name in names { $0.tensors[name] = .init([2], [1, 2]) } }
    #expect(try model.load().unusedTensors == names)
  }

  @Test func switches() throws {
    let facts = JSON.object(try ModelCase(Self.layers).model().backbone.facts)
    let expected: JSON = [
      "heads": 4, "key_heads": [1, 4], "head_width": [6, 8], "causal": false, "local_layers": 1,
      "reach": 1, "width_of_layer_inputs": 6,
    ]
    #expect(
      facts.serialized(sortingKeys: true) == expected.serialized(sortingKeys: true))
    #expect(try ModelCase(Self.whole).model().backbone.width == 20)
  }

  /// Fields of `text_config` are read, what stands beside it is not, and the user's word counts most.
  @Test func fieldsOfTheTower() throws {
    let model = try EditedModel(Self.whole)
    try model.config("hidden_size", 99)
    #expect(try model.load().backbone.wordEmbeddings.columns == 16)
    #expect(model.refusal(["sliding_window": "x"])?.message.hasPrefix("sliding_window") == true)
  }

  @Test func refusals() throws {
    let model = try EditedModel(Self.layers)
    func message(_ key: String, _ value: JSON) throws -> String {
      model.refusal(.object([JSON.Member(key, value)]))?.message ?? ""
    }
    #expect(
      try message("per_layer_config", ["1": ["head_dim": 8], "2": ["head_dim": 4]])
        == "per_layer_config: layers of one kind of attention have heads of several widths")
    #expect(
      try message("per_layer_config", ["7": ["head_dim": 8]])
        == "per_layer_config: expected layers from 0 to 2, found 7")
    #expect(
      try message("per_layer_config", ["0": ["intermediate_size": 8]])
        == "per_layer_config.0: intermediate_size is not supported")
    #expect(try message("per_layer_config", 3).hasPrefix("per_layer_config: expected an object"))
    #expect(try message("rope_theta", 3).contains("rope_theta"))
    #expect(
      try message("rope_parameters", ["full_attention": ["rope_type": "default"]]).hasPrefix(
        "rope_parameters: expected sliding_attention, found"))
    #expect(
      try message("rope_parameters", ["rope_type": "default", "rope_theta": 9]).hasPrefix(
        "rope_parameters: expected full_attention and sliding_attention, found"))
    // A field of transformers for every family, of which layers' sizes are read here alone.
    let other = try EditedModel("transformers5/states_qwen3")
    #expect(
      other.refusal(["per_layer_config": ["0": ["sliding_window": 3]]])?.message
        == #"per_layer_config: expected null, found {"0":{"sliding_window":3}}"#)
  }
}
