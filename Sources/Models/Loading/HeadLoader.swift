import Autograd
import Failures
import Kernels
import Streams
import Tensors

/// The files of a model folder that hold weights, each opened once.
final class WeightSources {
  let main: Checkpoint
  let adapter: Adapter?
  private let path: String
  private var others: [String: Checkpoint] = [:]

  private let store: ParameterStore?
  private let packed: PackedWeights?

  /// Opens the model's own weights.
  ///
  /// `store`: gets the weights where they are to be trained, those of a module under its name, a
  /// slash and their own. `packed`: gathers the forms that inference takes, or has them.
  init(
    _ folder: ModelFolder, trainingIn store: ParameterStore? = nil, packed: PackedWeights? = nil
  ) throws(Failure) {
    path = folder.path
    self.packed = packed
    self.store = store
    adapter = try folder.adapter.map { path throws(Failure) in try Adapter(path) }
    main = try Checkpoint(folder.modelPath, adapter: adapter, trainingIn: store, packed: packed)
  }

  /// A module's folder, or a file beside the model's; empty for the model's own checkpoint.
  func checkpoint(_ source: String) throws(Failure) -> Checkpoint {
    if source.isEmpty { return main }
    if let open = others[source] { return open }
    let file = "\(path)/\(source)"
    if store != nil, !WholeFile.isDirectory(file) {
      throw .config(file, "weights outside of a model folder cannot be trained")
    }
    let checkpoint = try Checkpoint(
      file, trainingIn: store, storePrefix: "\(source)/", packed: packed)
    others[source] = checkpoint
    return checkpoint
  }

  func linear(_ projection: Projection, inputs: Int, outputs: Int) throws(Failure) -> Linear {
    try WeightScope(checkpoint(projection.place.source)).linear(
      projection, inputs: inputs, outputs: outputs)
  }
}

/// Reads the weights of a head.
struct HeadLoader {
  let description: ModelDescription
  let sources: WeightSources
  let backbone: any Backbone
  /// Of layers that weight the vocabulary; others are small.
  let precisions: LayerPrecisions
  var width: Int { backbone.width }

  init(
    _ description: ModelDescription, _ sources: WeightSources, _ backbone: any Backbone,
    _ precisions: LayerPrecisions
  ) {
    self.description = description
    self.sources = sources
    self.backbone = backbone
    self.precisions = precisions
  }

  func head() throws(Failure) -> Model.Head {
    switch description.architecture {
    case .dense(let settings): return .dense(try dense(settings))
    case .splade(let settings):
      return .splade(try SpladeRoles(settings, description, sources, backbone, precisions))
    case .uniCoil(let settings):
      return .uniCoil(
        UniCoilHead(
          projection: try linear(settings.projection, inputs: width),
          dimension: backbone.vocabularySize))
    case .multiVector(let settings): return .multiVector(try multiVector(settings))
    case .viewers(let settings):
      return .viewers(
        ViewerHead(
          projection: try settings.projection.map { layer throws(Failure) in
            try linear(layer, inputs: width)
          }, queryPooling: settings.queryPooling, viewers: settings.viewers,
          normalizes: settings.normalizes, width: width))
    case .coil(let settings):
      return .coil(
        CoilHead(
          cls: try linear(settings.cls, inputs: width),
          tokens: try linear(settings.tokens, inputs: width)))
    case .mono(let settings): return .mono(try mono(settings))
    }
  }

  private func linear(_ projection: Projection, inputs: Int) throws(Failure) -> Linear {
    try sources.linear(projection, inputs: inputs, outputs: projection.outputs ?? width)
  }

  /// torch.nn.LayerNorm's, which sentence-transformers' module leaves as it is.
  private static let normEpsilon = 1e-5

  private func dense(
    _ settings: ModelDescription.DenseSettings
  ) throws(Failure) -> DenseHead {
    var layers: [DenseHead.Layer] = []
    var inputs = width * settings.poolings.count
    for layer in settings.layers {
      switch layer {
      case .linear(let projection):
        let linear = try linear(projection, inputs: inputs)
        layers.append(.linear(linear, try activation(projection.activation)))
        inputs = linear.outputs
      case .norm(let folder):
        layers.append(
          .norm(
            try WeightScope(sources.checkpoint(folder)).layerNorm(
              "norm", width: inputs, epsilon: Self.normEpsilon)))
      }
    }
    return DenseHead(
      poolings: settings.poolings, layers: layers, sparsification: settings.sparsification,
      normalizes: settings.normalizes, width: width)
  }

  private func multiVector(
    _ settings: ModelDescription.MultiVectorSettings
  ) throws(Failure) -> MultiVectorHead {
    var layers: [(linear: Linear, activation: Activation)] = []
    for projection in settings.projections {
      let inputs = layers.last?.linear.outputs ?? width
      layers.append(
        (try linear(projection, inputs: inputs), try activation(projection.activation)))
    }
    return MultiVectorHead(projections: layers, normalizes: settings.normalizes, width: width)
  }

  /// Activation functions of Dense modules, as torch names its classes.
  private func activation(_ name: String?) throws(Failure) -> Activation {
    switch name {
    case nil, "Identity": .none
    case "Tanh": .tanh
    case "ReLU": .relu
    case "GELU": .gelu
    case .some(let other):
      throw .config(
        description.folder.path, "activation function \(other) is not supported")
    }
  }
}
