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
    let width = backbone.width
    let vocabulary = backbone.vocabularySize
    let scope = WeightScope(checkpoint, precisions: precisions)
    let names: HeadNames.LanguageModel
    switch settings.namesOfHead {
    case .lightningIR:
      let rows = HeadNames.lightningIRLanguageModels
      names = rows.first { checkpoint.has($0.norm + ".weight") } ?? rows[0]
    case .transformers:
      guard let known = HeadNames.languageModels[description.backboneType] else {
        throw .config(
          description.folder.path,
          "language model heads of backbone \(description.backboneType) are not supported")
      }
      names = known
    }
    let isOwn = settings.namesOfHead == .lightningIR || settings.epsilon != nil
    let inner = names.isEmbeddingWide ? backbone.wordEmbeddings.columns : width
    // Tied weights are not on the disk a second time.
    let decoder =
      checkpoint.has(names.decoder)
      ? try checkpoint.parameter(names.decoder, [vocabulary, inner], ofLayer: true)
      : backbone.wordEmbeddings
    guard decoder.columns == inner else {
      throw .config(description.folder.path, "tensor \(names.decoder) is missing")
    }
    let biases = try Self.biases(names, description)
    return SpladeHead(
      dense: try scope.linear(names.dense, inputs: width, outputs: inner, bias: biases.dense),
      activation: try Self.activation(isOwn ? nil : names.activation, description, backbone),
      norm: try scope.layerNorm(
        names.norm, width: inner, epsilon: settings.epsilon ?? backbone.normEpsilon,
        bias: biases.norm),
      decoder: try scope.linear(
        [decoder],
        try Self.decoderBias(names, settings, description, checkpoint, vocabulary)),
      sparsification: settings.sparsification, pooling: settings.pooling)
  }

  /// The bias of the decoder, which ModernBERT may be without where transformers wrote it.
  private static func decoderBias(
    _ names: HeadNames.LanguageModel, _ settings: ModelDescription.SpladeSettings,
    _ description: ModelDescription, _ checkpoint: Checkpoint, _ vocabulary: Int
  ) throws(Failure) -> [Parameter] {
    let found = names.biases.first { checkpoint.has($0) }
    checkpoint.ignore { names.biases.contains($0) }
    if found == nil, settings.namesOfHead == .transformers,
      description.backboneType == "modernbert",
      try !description.folder.bool("decoder_bias", default: true)
    {
      return []
    }
    return [try checkpoint.parameter(found ?? names.biases[0], [vocabulary])]
  }

  /// Whether dense and norm have biases: ModernBERT's fields say it, others always have them.
  private static func biases(
    _ names: HeadNames.LanguageModel, _ description: ModelDescription
  ) throws(Failure) -> (dense: Bool, norm: Bool) {
    guard description.backboneType == "modernbert" else { return (true, true) }
    let fields = names.biasFields ?? HeadNames.modernBertBiases
    return (
      try description.folder.bool(fields.dense, default: false),
      try description.folder.bool(fields.norm, default: false)
    )
  }

  /// `fixed`: what transformers' head has, whatever the layers have.
  private static func activation(
    _ fixed: Activation?, _ description: ModelDescription, _ backbone: any Backbone
  ) throws(Failure) -> Activation {
    guard description.backboneType == "modernbert" else { return fixed ?? backbone.activation }
    return try ActivationName.parse(
      try description.folder.string("classifier_activation", default: "gelu") ?? "gelu",
      at: description.folder.configPlace)
  }
}
