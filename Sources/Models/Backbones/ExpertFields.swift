import Autograd
import Failures
import Kernels

/// Networks in the place of a layer's one, of which each token takes a few: nomic-embed-text-v2-moe
/// (Nussbaum and Duderstadt, arXiv:2502.07972).
///
/// contrastors at 613ddfd `layers/block.py`, whose weights are laid out by megablocks.
struct ExpertFields: Sendable {
  let count: Int
  let chosen: Int
  /// Width of the states.
  let width: Int
  /// Layers from one with experts to the next; the second layer of each such run has them.
  let period: Int
  /// Outputs of a network's first layer.
  let intermediateWidth: Int
  let dropout: Float
  let activation: Activation
  /// Whether networks have gates: those of swiglu alone, as megablocks has it.
  let isGated: Bool

  /// Reads the fields; nil where no layer has experts.
  ///
  /// - Parameters:
  ///   - fields: The fields.
  ///   - width: Width of the states.
  ///   - intermediateWidth: That of networks in layers without experts.
  ///   - activation: The activation function of the model.
  ///   - dropout: Share of what networks add that training drops, where nothing else is said.
  /// - Throws: 78 for a field of another type, or experts of which too few can be chosen.
  init?(
    _ fields: ConfigurationReader, width: Int, intermediateWidth: Int, activation: Activation,
    dropout: Float
  ) throws(Failure) {
    count = try fields.integer("num_experts", in: FieldRanges.experts, default: 0)
    period = try fields.integer("moe_every_n_layers", in: FieldRanges.experts, default: 0)
    chosen = try fields.integer("moe_top_k", in: FieldRanges.experts, default: 1)
    let part = try fields.integer("ffn_div", in: FieldRanges.width, default: 1)
    self.dropout = Float(
      try fields.double(
        "moe_resid_pdrop", in: FieldRanges.rate, default: Double(dropout)))
    self.width = width
    self.intermediateWidth = intermediateWidth / part
    self.activation = activation
    isGated = activation == .silu
    guard count > 0, period > 0 else { return nil }
    guard chosen >= 1, chosen <= count, self.intermediateWidth > 0 else {
      throw .config(fields.place, "moe_top_k: expected 1 to \(count), found \(chosen)")
    }
  }

  func has(_ layer: Int) -> Bool { layer % period == 1 }

  /// Reads the experts of a layer.
  ///
  /// - Parameter weights: Those below the layer's `mlp`.
  /// - Returns: The experts.
  /// - Throws: 78 for a tensor that is missing or has another shape.
  func experts(_ weights: WeightScope) throws(Failure) -> Experts {
    let inner = intermediateWidth
    let own = weights("experts.mlp")
    let first = try (isGated ? ["w1", "v1"] : ["w1"]).map { name throws(Failure) in
      try own.weight(name, [count * inner, width])
    }
    let second = try own.weight("w2", [count * inner, width])
    var networks: [Experts.Network] = []
    for expert in 0..<count {
      let rows = expert * inner..<(expert + 1) * inner
      networks.append(
        Experts.Network(
          intermediate: try weights.linear(first.map { $0.rows(rows) }, []),
          output: try weights.linear(turned: second.rows(rows))))
    }
    for weight in first + [second] { weight.wereCopied() }
    return Experts(
      // Rounded logits would choose other experts.
      router: try weights.exactly("router").linear(
        "layer", inputs: width, outputs: count, bias: false),
      networks: networks, bias: try weights("experts").parameter("bias", [width]),
      chosen: chosen, activation: activation, isGated: isGated)
  }
}
