import Autograd
import Failures

/// Names of the parts of a layer of a `RotaryEncoder` in a checkpoint.
struct RotaryEncoderNames: Sendable {
  var embeddingNorm: String
  var layer: String
  /// One for all three, or query, key and value.
  var queryKeyValue: [String]
  var attentionOutput: String
  var attentionNorm: String
  /// The outputs that are activated, and those they gate, in layers of their own; nil where `both` has
  /// them.
  var gates: (activated: String, gated: String)?
  /// A layer whose first outputs are gated, and whose others are activated, or the other way round.
  var both = ""
  var activatesFirst = false
  /// The second layer of a network with gates.
  var gatedOutput: String
  /// The layers of a network without gates.
  var intermediate = "mlp.fc1"
  var plainOutput = "mlp.fc2"
  var outputNorm: String

  /// Those of transformers 5, and on the hub of nomic_bert, of jina's XLM-RoBERTa, of gte, and of jina's
  /// BERT.
  static let all = [
    RotaryEncoderNames(
      embeddingNorm: "embeddings.LayerNorm", layer: "layers",
      queryKeyValue: ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
      attentionOutput: "self_attn.o_proj", attentionNorm: "post_attention_layernorm",
      gates: ("mlp.gate_proj", "mlp.up_proj"), gatedOutput: "mlp.down_proj",
      outputNorm: "post_mlp_layernorm"),
    hub("attn.Wqkv", "attn.out_proj"), hub("mixer.Wqkv", "mixer.out_proj"),
    RotaryEncoderNames(
      embeddingNorm: "embeddings.LayerNorm", layer: "encoder.layer",
      queryKeyValue: ["attention.qkv_proj"], attentionOutput: "attention.o_proj",
      attentionNorm: "attn_ln", both: "mlp.up_gate_proj", gatedOutput: "mlp.down_proj",
      outputNorm: "mlp_ln"),
    RotaryEncoderNames(
      embeddingNorm: "embeddings.LayerNorm", layer: "encoder.layer",
      queryKeyValue: ["attention.self.query", "attention.self.key", "attention.self.value"],
      attentionOutput: "attention.output.dense", attentionNorm: "attention.output.LayerNorm",
      both: "mlp.gated_layers", activatesFirst: true, gatedOutput: "mlp.wo",
      outputNorm: "mlp.layernorm"),
  ]

  private static func hub(_ queryKeyValue: String, _ output: String) -> RotaryEncoderNames {
    RotaryEncoderNames(
      embeddingNorm: "emb_ln", layer: "encoder.layers", queryKeyValue: [queryKeyValue],
      attentionOutput: output, attentionNorm: "norm1", gates: ("mlp.fc12", "mlp.fc11"),
      gatedOutput: "mlp.fc2", outputNorm: "norm2")
  }

  func output(isGated: Bool) -> String { isGated ? gatedOutput : plainOutput }

  /// The first layer of a network with gates, those that are activated in front.
  ///
  /// - Parameters:
  ///   - weights: Those of the layer.
  ///   - inputs: Width of the states.
  ///   - outputs: Number of the outputs that are activated.
  ///   - bias: Whether layers of their own have biases.
  /// - Returns: The layer.
  /// - Throws: 78 for a tensor that is missing or has another shape.
  func gated(
    _ weights: WeightScope, inputs: Int, outputs: Int, bias: Bool
  ) throws(Failure) -> Linear {
    if let gates {
      return try weights.linear(
        [gates.activated, gates.gated], inputs: inputs, outputs: outputs, bias: bias)
    }
    if activatesFirst {
      return try weights.linear(both, inputs: inputs, outputs: 2 * outputs, bias: false)
    }
    let whole = try weights.parameter("\(both).weight", [2 * outputs, inputs])
    return try weights.linear(
      [whole.rows(outputs..<2 * outputs), whole.rows(0..<outputs)], [])
  }
}
