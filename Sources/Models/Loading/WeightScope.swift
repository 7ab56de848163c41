import Autograd
import Failures
import Kernels

/// Weights below a prefix, with the forms in which models need them.
package struct WeightScope {
  let checkpoint: Checkpoint
  let prefix: String
  /// Precisions of the linear layers.
  let precisions: LayerPrecisions

  package init(
    _ checkpoint: Checkpoint, prefix: String = "", precisions: LayerPrecisions = .f32
  ) {
    self.checkpoint = checkpoint
    self.prefix = prefix
    self.precisions = precisions
  }

  package func callAsFunction(_ name: String) -> WeightScope {
    WeightScope(checkpoint, prefix: prefix + name + ".", precisions: precisions)
  }

  package func has(_ name: String) -> Bool { checkpoint.has(prefix + name) }

  package func parameter(_ name: String, _ shape: [Int]) throws(Failure) -> Parameter {
    try checkpoint.parameter(prefix + name, shape)
  }

  /// A table of which rows are looked up.
  package func table(_ name: String, _ shape: [Int]) throws(Failure) -> Parameter {
    try checkpoint.table(prefix + name, shape)
  }

  /// Name of a layer's tensor: its own alone where a file holds no other layer.
  private static func tensor(_ name: String, of layer: String) -> String {
    layer.isEmpty ? name : "\(layer).\(name)"
  }

  /// The layer of a projection.
  func linear(_ projection: Projection, inputs: Int, outputs: Int) throws(Failure) -> Linear {
    let name = projection.place.name
    let hasBias =
      switch projection.bias {
      case .none: false
      case .required: true
      // Lightning IR's own layers have one where nothing says that they have none.
      case .optional:
        has(Self.tensor("bias", of: name))
          || (checkpoint.fresh != nil && !has(Self.tensor("weight", of: name)))
      }
    return try linear(name, inputs: inputs, outputs: outputs, bias: hasBias)
  }

  /// `NAME.weight` [outputs, inputs] and, unless it has none, `NAME.bias` [outputs].
  package func linear(
    _ name: String, inputs: Int, outputs: Int, bias: Bool = true
  ) throws(Failure) -> Linear {
    try linear([name], inputs: inputs, outputs: outputs, bias: bias)
  }

  /// Several linear layers of the same input, side by side.
  package func linear(
    _ names: [String], inputs: Int, outputs: Int, bias: Bool = true
  ) throws(Failure) -> Linear {
    try linear(names.map { ($0, outputs) }, inputs: inputs, bias: bias)
  }

  /// Several linear layers of the same input, side by side, each with its outputs.
  package func linear(
    _ parts: [(name: String, outputs: Int)], inputs: Int, bias: Bool = true
  ) throws(Failure) -> Linear {
    var weights: [Parameter] = []
    var biases: [Parameter] = []
    for (name, outputs) in parts {
      weights.append(
        try checkpoint.parameter(
          prefix + Self.tensor("weight", of: name), [outputs, inputs], ofLayer: true))
      if bias { biases.append(try parameter(Self.tensor("bias", of: name), [outputs])) }
    }
    return try linear(weights, biases)
  }

  /// Weights below a name, of layers in single precision whatever that of the others is.
  func exactly(_ name: String) -> WeightScope {
    WeightScope(checkpoint, prefix: prefix + name + ".")
  }

  /// A weight of which layers are made.
  func weight(_ name: String, _ shape: [Int]) throws(Failure) -> Parameter {
    try checkpoint.parameter(prefix + name, shape, ofLayer: true)
  }

  /// A layer without a bias of a weight that was read already and is stored as [inputs, outputs].
  func linear(turned weight: Parameter) throws(Failure) -> Linear {
    if weight.training == nil { return try linear([weight.turned()], []) }
    return Linear(inTraining: weight, turned: precisions.of(weight))
  }

  /// Weights that were read already.
  func linear(_ weights: [Parameter], _ biases: [Parameter]) throws(Failure) -> Linear {
    let inputs = weights[0].columns
    if precisions.usesBytes(weights[0]), inputs > NarrowMatrix.mostColumns {
      throw .config(
        checkpoint.path, "\(weights[0].name): \(inputs) inputs are too many for int8",
        hint: "--precision bf16")
    }
    return try checkpoint.linear(weights, biases, precisions)
  }

  /// Keys and values of cross-attention, W[outputs, inputs] each, without biases.
  func crossProjections(
    key: String, value: String, inputs: Int, outputs: Int, heads: Int, scale: Float
  ) throws(Failure) -> CrossProjections {
    let shape = [outputs, inputs]
    return try checkpoint.crossProjections(
      key: checkpoint.parameter("\(prefix)\(key).weight", shape, ofLayer: true),
      value: checkpoint.parameter("\(prefix)\(value).weight", shape, ofLayer: true), heads: heads,
      scale: scale)
  }

  /// Marks a tensor as known and not needed.
  package func ignore(_ name: String) { checkpoint.ignore { $0 == prefix + name } }

  package func rmsNorm(
    _ name: String, width: Int, epsilon: Double, addsOne: Bool = false
  ) throws(Failure) -> RMSNorm {
    RMSNorm(
      weight: try parameter(name + ".weight", [width]), epsilon: Float(epsilon), addsOne: addsOne)
  }

  package func layerNorm(
    _ name: String, width: Int, epsilon: Double, bias: Bool = true
  ) throws(Failure) -> LayerNorm {
    LayerNorm(
      weight: try parameter(name + ".weight", [width]),
      bias: bias ? try parameter(name + ".bias", [width]) : nil, epsilon: Float(epsilon))
  }
}
