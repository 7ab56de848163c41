import Autograd
import Failures
import Kernels
import Tensors

/// A model in memory: backbone and head, ready to run on any thread.
package final class Model: Sendable {
  package enum Head: Sendable {
    case dense(DenseHead)
    case splade(SpladeRoles)
    case mono(MonoHead)
  }

  package let description: ModelDescription
  package let backbone: any Backbone
  package let head: Head
  /// Tensors of the checkpoint that this model does not need.
  package let unusedTensors: [String]

  /// Reads the weights of a folder.
  ///
  /// - Parameters:
  ///   - description: What the folder holds.
  ///   - store: Gets the weights where they are to be trained: then the model runs on tapes only.
  /// - Throws: 78 where a tensor is missing or has another shape, or the weights are in a format
  ///   that is not read; 65 where they are damaged.
  package init(
    _ description: ModelDescription, trainingIn store: ParameterStore? = nil
  ) throws(Failure) {
    self.description = description
    let checkpoint = try Checkpoint(description.folder.path, trainingIn: store)
    backbone = try BackboneLoader.load(
      description.backboneType, description.folder, checkpoint)
    switch description.architecture {
    case .dense(let settings):
      head = .dense(try Self.denseHead(settings, description, checkpoint, backbone.width))
    case .splade(let settings):
      head = .splade(try SpladeRoles(settings, description, checkpoint, backbone))
    case .mono(let settings):
      head = .mono(try Self.monoHead(settings, description, checkpoint, backbone.width))
    }
    unusedTensors = checkpoint.unused
  }

  /// Longest sequence that a role may have.
  package func maximumTokens(_ role: Role) -> Int {
    min(description.roles[role]?.maximumLength ?? Int.max, backbone.maximumTokens)
  }

  /// torch.nn.LayerNorm's, which sentence-transformers' module leaves as it is.
  private static let normEpsilon = 1e-5

  private static func denseHead(
    _ settings: ModelDescription.DenseSettings, _ description: ModelDescription,
    _ checkpoint: Checkpoint, _ width: Int
  ) throws(Failure) -> DenseHead {
    var layers: [DenseHead.Layer] = []
    var inputs = width * settings.poolings.count
    func source(_ folder: String) throws(Failure) -> WeightScope {
      WeightScope(
        folder.isEmpty ? checkpoint : try Checkpoint("\(description.folder.path)/\(folder)"))
    }
    for layer in settings.layers {
      switch layer {
      case .linear(let projection):
        let linear = try source(projection.folder).linear(
          projection.name, inputs: inputs, outputs: projection.outputs ?? width,
          bias: projection.hasBias)
        layers.append(
          .linear(linear, try activation(projection.activation, description.folder.path)))
        inputs = linear.outputs
      case .norm(let folder):
        layers.append(
          .norm(try source(folder).layerNorm("norm", width: inputs, epsilon: normEpsilon)))
      }
    }
    return DenseHead(
      poolings: settings.poolings, layers: layers, sparsification: settings.sparsification,
      normalizes: settings.normalizes, width: width)
  }

  /// Activation functions of Dense modules, as torch names its classes.
  private static func activation(_ name: String?, _ place: String) throws(Failure) -> Activation {
    switch name {
    case nil, "Identity": .none
    case "Tanh": .tanh
    case "ReLU": .relu
    case "GELU": .gelu
    case .some(let other): throw .config(place, "activation function \(other) is not supported")
    }
  }

  private static func monoHead(
    _ settings: ModelDescription.MonoSettings, _ description: ModelDescription,
    _ checkpoint: Checkpoint, _ width: Int
  ) throws(Failure) -> MonoHead {
    let scope = WeightScope(checkpoint)
    let names: HeadNames.Classifier
    switch settings.namesOfHead {
    case .lightningIR: names = HeadNames.lightningIRClassifier
    case .transformers:
      guard let known = HeadNames.classifiers[description.backboneType] else {
        throw .config(
          description.folder.path,
          "classifiers of backbone \(description.backboneType) are not supported")
      }
      names = known
    }
    let pooler =
      settings.hasPooler ? try scope.linear(names.pooler, inputs: width, outputs: width) : nil
    return MonoHead(
      pooling: settings.pooling, pooler: pooler, poolerActivation: names.poolerActivation,
      classifier: try scope.linear(
        names.outputs, inputs: width, outputs: settings.scoring == .mono ? 2 : 1,
        bias: settings.hasBias),
      scoring: settings.scoring)
  }
}

/// SPLADE's head with what differs between queries and documents.
package struct SpladeRoles: Sendable {
  /// Nil where no role is contextualized.
  package let head: SpladeHead?
  package let dimension: Int
  package let weighting: [Role: SpladeHead.Weighting]
  package let expands: [Role: Bool]
  /// Static weights, [V,1].
  package let tables: [Role: Parameter]

  init(
    _ settings: ModelDescription.SpladeSettings, _ description: ModelDescription,
    _ checkpoint: Checkpoint, _ backbone: any Backbone
  ) throws(Failure) {
    weighting = settings.weighting
    expands = settings.expands
    dimension = backbone.vocabularySize
    var tables: [Role: Parameter] = [:]
    for (role, name) in [(Role.query, "query_weights.weight"), (.doc, "doc_weights.weight")]
    where settings.weighting[role] == .staticTable {
      tables[role] = try checkpoint.parameter(name, [backbone.vocabularySize, 1])
    }
    self.tables = tables
    head = try Self.head(settings, description, checkpoint, backbone)
  }

  /// Lightning IR gives its head this epsilon whatever the backbone says (`lm_head.py`).
  private static let headEpsilon = 1e-12

  private static func head(
    _ settings: ModelDescription.SpladeSettings, _ description: ModelDescription,
    _ checkpoint: Checkpoint, _ backbone: any Backbone
  ) throws(Failure) -> SpladeHead? {
    let width = backbone.width
    let vocabulary = backbone.vocabularySize
    let scope = WeightScope(checkpoint)
    let names: HeadNames.LanguageModel
    switch settings.namesOfHead {
    case .lightningIR: names = HeadNames.lightningIRLanguageModel
    case .transformers:
      guard let known = HeadNames.languageModels[description.backboneType] else {
        throw .config(
          description.folder.path,
          "language model heads of backbone \(description.backboneType) are not supported")
      }
      names = known
    }
    // Tied weights are not on the disk a second time.
    let decoder =
      checkpoint.has(names.decoder)
      ? try checkpoint.parameter(names.decoder, [vocabulary, width]) : backbone.wordEmbeddings
    let bias = names.biases.first { checkpoint.has($0) } ?? names.biases[0]
    checkpoint.ignore { names.biases.contains($0) }
    guard backbone.wordEmbeddings.matrix.columns == width || checkpoint.has(names.decoder) else {
      throw .config(description.folder.path, "tensor \(names.decoder) is missing")
    }
    return SpladeHead(
      dense: try scope.linear(names.dense, inputs: width, outputs: width),
      activation: backbone.shape.activation,
      norm: try scope.layerNorm(names.norm, width: width, epsilon: headEpsilon),
      decoder: Linear(
        weights: [decoder], biases: [try checkpoint.parameter(bias, [vocabulary])]),
      sparsification: settings.sparsification, pooling: settings.pooling)
  }
}
