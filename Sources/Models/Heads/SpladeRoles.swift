import Autograd
import Failures
import Kernels
import Tensors

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
    _ sources: WeightSources, _ backbone: any Backbone, _ precisions: LayerPrecisions
  ) throws(Failure) {
    weighting = settings.weighting
    expands = settings.expands
    dimension = backbone.vocabularySize
    var tables: [Role: Parameter] = [:]
    for role in [Role.query, .doc] where settings.weighting[role] == .staticTable {
      let place =
        settings.tables[role] ?? WeightPlace("\(role.rawValue)_weights.weight")
      tables[role] = try sources.checkpoint(place.source).parameter(
        place.name, [backbone.vocabularySize, 1])
    }
    self.tables = tables
    // Weights of a head are read wherever they are, so that none is left over unused.
    head = try Self.head(settings, description, sources.main, backbone, precisions)
  }

  private static func head(
    _ settings: ModelDescription.SpladeSettings, _ description: ModelDescription,
    _ checkpoint: Checkpoint, _ backbone: any Backbone, _ precisions: LayerPrecisions
  ) throws(Failure) -> SpladeHead? {
    let (folder, width) = (description.folder, backbone.width)
    let vocabulary = backbone.vocabularySize
    let scope = WeightScope(checkpoint, precisions: precisions)
    let family = description.family?.languageModel
    let names = try Self.names(settings, description, checkpoint)
    let isOfTransformers = settings.namesOfHead == .transformers
    let isEmbeddingWide = isOfTransformers && family?.isEmbeddingWide == true
    let inner = isEmbeddingWide ? backbone.wordEmbeddings.columns : width
    // Tied weights are not on the disk a second time.
    let decoder =
      checkpoint.has(names.decoder)
      ? try checkpoint.parameter(names.decoder, [vocabulary, inner], ofLayer: true)
      : backbone.wordEmbeddings
    guard decoder.columns == inner else {
      throw .config(folder.path, "tensor \(names.decoder) is missing")
    }
    return SpladeHead(
      dense: try scope.linear(
        names.dense, inputs: width, outputs: inner,
        bias: try family?.denseBias.isThere(folder) ?? true),
      activation: try Self.activation(family, settings, folder, backbone),
      norm: try scope.layerNorm(
        names.norm, width: inner, epsilon: settings.epsilon ?? backbone.normEpsilon,
        bias: try family?.normBias.isThere(folder) ?? true),
      decoder: try scope.linear(
        [decoder],
        try Self.decoderBias(
          names, isOfTransformers ? family?.decoderBias : nil, folder, checkpoint, vocabulary)),
      sparsification: settings.sparsification, pooling: settings.pooling)
  }

  /// What the checkpoint calls the head's weights.
  private static func names(
    _ settings: ModelDescription.SpladeSettings, _ description: ModelDescription,
    _ checkpoint: Checkpoint
  ) throws(Failure) -> LanguageModelNames {
    switch settings.namesOfHead {
    case .lightningIR:
      let rows = HeadNames.lightningIRLanguageModels
      return rows.first { checkpoint.has($0.norm + ".weight") } ?? rows[0]
    case .transformers:
      guard let head = description.family?.languageModel else {
        throw .config(
          description.folder.path,
          "language model heads of backbone \(description.backboneType) are not supported")
      }
      return head.names
    }
  }

  /// The bias of the decoder; none where a folder says that its head has none.
  private static func decoderBias(
    _ names: LanguageModelNames, _ part: HeadPart?, _ folder: ModelFolder,
    _ checkpoint: Checkpoint, _ vocabulary: Int
  ) throws(Failure) -> [Parameter] {
    let found = names.biases.first { checkpoint.has($0) }
    checkpoint.ignore { names.biases.contains($0) }
    if found == nil, let part, try !part.isThere(folder) { return [] }
    return [try checkpoint.parameter(found ?? names.biases[0], [vocabulary])]
  }

  /// The activation function of the head.
  ///
  /// A head of Lightning IR's, and one of transformers' that it would read as its own, has that of
  /// the layers where transformers' has a fixed one; a field counts for both.
  private static func activation(
    _ family: LanguageModelHead?, _ settings: ModelDescription.SpladeSettings,
    _ folder: ModelFolder, _ backbone: any Backbone
  ) throws(Failure) -> Activation {
    let isLightningIR = settings.namesOfHead == .lightningIR || settings.epsilon != nil
    switch family?.activation {
    case nil, .ofBackbone: return backbone.activation
    case .fixed where isLightningIR: return backbone.activation
    case .some(let activation):
      return try activation.function(folder, backbone: backbone.activation)
    }
  }
}
