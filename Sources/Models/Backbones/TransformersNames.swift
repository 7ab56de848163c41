import Failures

/// Names that transformers has for a backbone: those of its classes, and the prefix of its weights in
/// classes with a head.
package struct TransformersNames: Sendable {
  /// `Bert` of `BertForMaskedLM`.
  package let className: String
  /// With a dot at its end.
  package let prefix: String
  /// Rest of the name of the class without a head.
  package let bareClass: String

  package init(_ className: String, prefix: String, bareClass: String = "Model") {
    self.className = className
    self.prefix = prefix
    self.bareClass = bareClass
  }
}

extension ModelDescription {
  /// What transformers calls the backbone; nil where it is written by none of its classes.
  package var transformersNames: TransformersNames? {
    folder.backbone(backboneType)?.transformers
  }

  /// Fields of `config.json` that Lightning IR has written, and transformers has not.
  package var fieldsOfLightningIR: Set<String> {
    ConfigurationFields.lightningIR(folder.heads).subtracting(family?.fields ?? [])
  }
}

extension SpladeHead.Settings {
  /// A tensor of the head, as it is stored and as transformers calls it.
  package struct ExportedName: Sendable {
    package var stored: String
    package var written: String
    /// Whether it has the outputs, which the word embeddings may stand for.
    package var isDecoder = false
  }

  /// Names of the head's tensors in transformers' `…ForMaskedLM`; nil where that is another head.
  ///
  /// - Parameters:
  ///   - model: The model with this head.
  ///   - has: Whether there is a tensor of a name.
  /// - Returns: The names, a tensor of transformers each.
  package func transformersNames(_ model: Model, has: (String) -> Bool) -> [ExportedName]? {
    guard let head = model.description.family?.languageModel else { return nil }
    let own: LanguageModelNames
    switch naming {
    case .transformers: own = head.names
    case .lightningIR:
      let rows = HeadNames.lightningIRLanguageModels
      own = rows.first { has($0.norm + ".weight") } ?? rows[0]
      let isWide = head.isEmbeddingWide && model.backbone.wordEmbeddings.columns != width(model)
      if isWide { return nil }
      if case .fixed(let activation) = head.activation, activation != model.backbone.activation {
        return nil
      }
    }
    var names: [ExportedName] = []
    let inFront = [(own.dense, head.names.dense), (own.norm, head.names.norm)]
    for (stored, written) in head.isBare ? [] : inFront {
      for part in ["weight", "bias"] {
        names.append(ExportedName(stored: "\(stored).\(part)", written: "\(written).\(part)"))
      }
    }
    names.append(
      ExportedName(stored: own.decoder, written: head.names.decoder, isDecoder: true))
    if let bias = own.biases.first(where: has) {
      // Where weights are not tied, each name has a tensor of its own.
      for written in head.names.biases {
        names.append(ExportedName(stored: bias, written: written))
      }
    }
    return names
  }

  private func width(_ model: Model) -> Int { model.backbone.width }
}

extension MonoHead.Settings {
  /// Names of the head's layers as they are stored and in transformers' `…ForSequenceClassification`,
  /// the outputs last; nil where that is another head.
  package func transformersNames(
    _ description: ModelDescription
  ) -> [(stored: String, written: String)]? {
    guard modules == nil, let head = description.family?.classifier else { return nil }
    if naming == .transformers {
      let names = [head.pooler, head.norm].compactMap { $0 } + [head.outputs]
      return names.map { ($0, $0) }
    }
    let own = HeadNames.lightningIRClassifier
    guard hasPooler, pooling == .first, head.norm == nil, head.poolingField == nil,
      let ownPooler = own.pooler, let pooler = head.pooler,
      case .fixed(.tanh) = head.poolerActivation
    else { return nil }
    return [(ownPooler, pooler), (own.outputs, head.outputs)]
  }
}
