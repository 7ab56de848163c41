import Autograd
import Failures
import JSON
import Tensors

/// The module WeightedLayerPooling of sentence-transformers: where its weights are, and of which layers.
package struct LayerMeanSettings: Sendable {
  /// Folder of the module.
  package let folder: String
  /// The first of the states that count; 0 are those in front of the first layer.
  package let first: Int
  /// Layers of the model.
  package let layers: Int

  /// Name of the weights, in the module's folder.
  package static let weights = "layer_weights"
  /// What the library takes where the configuration does not say it.
  private static let defaults = (first: 4, layers: 12)

  /// Reads the module's configuration.
  ///
  /// - Parameters:
  ///   - folder: Folder of the module.
  ///   - config: Its configuration.
  /// - Throws: 78 where the first is not among the layers.
  init(_ folder: String, _ config: SettingsFile) throws(Failure) {
    self.folder = folder
    config.ignore("embedding_dimension", "word_embedding_dimension")
    layers =
      try config.integer("num_hidden_layers", in: FieldRanges.layers) ?? Self.defaults.layers
    first = try config.integer("layer_start", in: 0...Int.max) ?? Self.defaults.first
    guard first <= layers else {
      throw .config(
        config.place, "layer_start \(first) is behind the last of num_hidden_layers \(layers)")
    }
  }

  /// Reads the weights.
  ///
  /// - Parameter loader: The model's.
  /// - Returns: The mean.
  /// - Throws: 78 where the model has another number of layers, or the weights add up to 0.
  func load(_ loader: HeadLoader) throws(Failure) -> LayerMean {
    let place = "\(loader.description.folder.path)/\(folder)"
    let found = loader.backbone.layerCount
    guard found == layers else {
      throw .config(
        "\(place)/config.json",
        "num_hidden_layers: expected \(found), the layers of the model, found \(layers)")
    }
    guard loader.backbone.layerWidth == loader.backbone.width else {
      throw .config(
        "\(place)/config.json",
        "the states of layers have \(loader.backbone.layerWidth) numbers, those behind the last "
          + "\(loader.backbone.width)")
    }
    let weights = try WeightScope(loader.sources.checkpoint(folder)).parameter(
      Self.weights, [layers + 1 - first])
    let mean = LayerMean(first: first, weights: weights)
    guard mean.total != 0 else {
      throw .config(place, "\(Self.weights) add up to 0, by which their mean is divided")
    }
    return mean
  }
}

extension LayerMean {
  /// What `lir-encode --inspect` prints of it.
  var fact: JSON {
    let values = UnsafeBufferPointer(start: weights.values, count: weights.count)
    return [
      "layer_start": .integer(first), "layer_weights": .array(values.map { .double(Double($0)) }),
    ]
  }
}

extension DenseHead.Settings {
  /// Adds the module, which writes states of tokens anew, whatever layers did to them.
  mutating func addLayerMean(
    _ module: SentenceTransformersModules.Module, _ source: SentenceTransformersFolder
  ) throws(Failure) {
    let config = try source.requiredConfiguration(of: module)
    let settings = try LayerMeanSettings(module.path, config)
    guard source.givesAllStates else {
      return config.note(
        "layer_start", "the Transformer gives no other states without output_hidden_states")
    }
    guard poolings.isEmpty else {
      return config.note("layer_start", "the states of tokens are pooled already")
    }
    guard tokenLayers.isEmpty, layerMean == nil else {
      throw source.unsupported(module, " behind other modules over tokens, whose work it undoes")
    }
    layerMean = settings
  }
}
