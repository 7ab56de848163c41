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
  /// - Parameters:
  ///   - folder: The model's.
  ///   - store: Gets the weights where they are to be trained, those of a module under its name, a
  ///     slash and their own.
  ///   - packed: Gathers the forms that inference takes, or has them.
  /// - Throws: 78 where there are none, 65 where they are damaged.
  init(
    _ folder: ModelFolder, trainingIn store: ParameterStore? = nil, packed: PackedWeights? = nil
  ) throws(Failure) {
    path = folder.path
    self.packed = packed
    self.store = store
    adapter = try folder.openAdapter()
    main = try Checkpoint(
      folder.modelPath, adapter: adapter, tasks: folder.taskUpdates(), trainingIn: store,
      packed: packed)
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

  /// The weights of a second backbone, in a folder below; a training that makes the head begins with
  /// those of the first.
  ///
  /// - Throws: 78 where there are none.
  func second(_ source: String, of folder: ModelFolder) throws(Failure) -> WeightSources {
    if WholeFile.isDirectory("\(path)/\(source)") {
      let checkpoint = try checkpoint(source)
      checkpoint.fresh = main.fresh
      return WeightSources(main: checkpoint, of: self)
    }
    guard store != nil, let fresh = main.fresh else {
      throw .config(
        "\(path)/\(source)", "there are no weights of the second encoder",
        hint: "lir-train makes them where model_config has model_type")
    }
    let copy = try Checkpoint(
      folder.modelPath, adapter: folder.openAdapter(), trainingIn: store,
      storePrefix: "\(source)/")
    copy.fresh = fresh
    return WeightSources(main: copy, of: self)
  }

  private init(main: Checkpoint, of other: WeightSources) {
    self.main = main
    (adapter, path, store, packed) = (other.adapter, other.path, other.store, other.packed)
  }

  func linear(_ projection: Projection, inputs: Int, outputs: Int) throws(Failure) -> Linear {
    try WeightScope(checkpoint(projection.place.source)).linear(
      projection, inputs: inputs, outputs: outputs)
  }
}

/// Description, weights and backbone of the model that a head is loaded for.
package struct HeadLoader {
  package let description: ModelDescription
  let sources: WeightSources
  package let backbone: any Backbone
  /// Precisions of layers that weight the vocabulary; others are small.
  let precisions: LayerPrecisions
  /// Width of the backbone's states.
  package var width: Int { backbone.width }

  init(
    _ description: ModelDescription, _ sources: WeightSources, _ backbone: any Backbone,
    _ precisions: LayerPrecisions
  ) {
    self.description = description
    self.sources = sources
    self.backbone = backbone
    self.precisions = precisions
  }

  /// The layer of a projection, as wide as the backbone where nothing says how wide.
  package func linear(_ projection: Projection, inputs: Int) throws(Failure) -> Linear {
    try sources.linear(projection, inputs: inputs, outputs: projection.outputs ?? width)
  }

  /// Activation functions of Dense modules, as torch names its classes.
  ///
  /// - Throws: 78 for one that is not supported.
  package func activation(_ name: String?) throws(Failure) -> Activation {
    switch name {
    case nil, "Identity": .none
    case "Tanh": .tanh
    case "ReLU": .relu
    case "GELU": .gelu
    case "SiLU": .silu
    case .some(let other):
      throw .config(
        description.folder.path, "activation function \(other) is not supported")
    }
  }
}
