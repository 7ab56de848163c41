import Autograd
import Failures
import Kernels
import Tensors

/// A layer of a head, over texts or over tokens: the modules Dense, LayerNorm and Normalize of
/// sentence-transformers.
package enum HeadLayer: Sendable {
  /// A linear layer with its activation, and what is added to that.
  case linear(Linear, Activation, Residual)
  case norm(LayerNorm)
  /// Rows of length 1.
  case normalize

  /// What a linear layer adds to its output.
  package enum Residual: Sendable {
    case none
    /// What went in.
    case input
    /// What went in, by a layer of its own.
    case projected(Linear)
  }

  /// Width of what comes out; nil where it is that of what goes in.
  package var outputs: Int? {
    if case .linear(let linear, _, _) = self { linear.outputs } else { nil }
  }

  fileprivate func apply<O: Operations>(_ x: O.Value, _ o: O) -> O.Value {
    switch self {
    case .norm(let norm): return o.layerNorm(x, norm)
    case .normalize: return o.normalize(x)
    case .linear(let linear, let activation, let residual):
      let y = o.linear(x, linear, activation)
      switch residual {
      case .none: return y
      case .input: return o.add(y, x)
      case .projected(let layer): return o.add(y, o.linear(x, layer))
      }
    }
  }
}

extension [HeadLayer] {
  /// Width of what comes out; nil where it is that of what goes in.
  var outputs: Int? { compactMap(\.outputs).last }

  func apply<O: Operations>(_ x: O.Value, _ o: O) -> O.Value {
    reduce(x) { $1.apply($0, o) }
  }
}

/// A layer of a head in a model folder.
package enum HeadLayerSettings: Sendable {
  case linear(Projection)
  /// Layer normalisation whose weights are `norm` in a folder below the model's.
  case norm(folder: String)
  case normalize
}

extension [HeadLayerSettings] {
  var projections: [Projection] {
    compactMap { if case .linear(let projection) = $0 { projection } else { nil } }
  }

  /// Whether what comes out has length 1.
  package var normalizesLast: Bool { if case .normalize? = last { true } else { false } }
}

extension HeadLoader {
  /// Epsilon of torch.nn.LayerNorm, which sentence-transformers' module leaves as it is.
  private static let normEpsilon = 1e-5

  /// Reads the weights of layers, the first of which gets `inputs` numbers.
  func layers(
    _ settings: [HeadLayerSettings], inputs: Int
  ) throws(Failure) -> [HeadLayer] {
    var layers: [HeadLayer] = []
    var width = inputs
    for layer in settings {
      switch layer {
      case .normalize: layers.append(.normalize)
      case .norm(let folder):
        layers.append(
          .norm(
            try WeightScope(sources.checkpoint(folder)).layerNorm(
              "norm", width: width, epsilon: Self.normEpsilon)))
      case .linear(let projection):
        let linear = try linear(projection, inputs: width)
        layers.append(
          .linear(
            linear, try activation(projection.activation),
            try residual(projection, inputs: width, outputs: linear.outputs)))
        width = linear.outputs
      }
    }
    return layers
  }

  private func residual(
    _ projection: Projection, inputs: Int, outputs: Int
  ) throws(Failure) -> HeadLayer.Residual {
    guard projection.hasResidual else { return .none }
    if inputs == outputs { return .input }
    let layer = Projection(
      WeightPlace("residual", in: projection.place.source), outputs: outputs, bias: .none)
    return .projected(try linear(layer, inputs: inputs))
  }
}
