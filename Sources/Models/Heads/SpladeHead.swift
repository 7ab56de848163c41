import Autograd
import Failures
import JSON
import Kernels
import Tensors
import Vectors

/// A weight for every term of the vocabulary, or for a text's own terms (SPLADE, arXiv:2107.05720,
/// arXiv:2109.10086; Lightning IR `models/bi_encoders/splade.py`).
package struct SpladeHead: BiEncoderHead {
  /// Way in which the terms of one role are weighted.
  package enum Weighting: String, Sendable, CaseIterable {
    /// By the model.
    case contextualized
    /// By a table, one weight a term: no model runs.
    case staticTable = "static"
    /// All alike: 1 for every term of the text.
    case none
  }

  /// Head that weights the terms of contextualized texts.
  package let terms: VocabularyHead
  package let weighting: [Role: Weighting]
  /// Whether a contextualized text gets other terms than its own.
  package let expands: [Role: Bool]
  /// Static weights, [V,1].
  package let tables: [Role: Parameter]

  package var form: VectorForm { .sparse(dimension: terms.dimension) }

  /// [B,V].
  package func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    let batch = texts.batch
    switch weighting(texts.role) {
    case .contextualized:
      let weights = terms(texts, o)
      return [expands(texts.role) ? weights : o.ownTerms(weights, batch)]
    case .staticTable:
      guard let table = tables[texts.role] else { preconditionFailure("no static weights") }
      let weights = o.embed(batch, word: table, type: nil, positions: nil)
      return [o.scatter(weights, batch, columns: terms.dimension, .last)]
    case .none:
      let ones = o.constant(1, rows: batch.tokens, columns: 1)
      return [o.scatter(ones, batch, columns: terms.dimension, .last)]
    }
  }

  package func hasOwnTermsAlone(_ role: Role) -> Bool {
    weighting(role) != .contextualized || !expands(role)
  }

  private func weighting(_ role: Role) -> Weighting { weighting[role] ?? .contextualized }

  private func expands(_ role: Role) -> Bool { expands[role] ?? true }

  package var layersOfSomeTokens: [Linear] {
    // Others are pooled a few tokens at a time.
    [.max, .first].contains(terms.pooling) ? [] : [terms.decoder]
  }

  package var facts: [JSON.Member] {
    [
      JSON.Member("pooling", .array([.string(terms.pooling.rawValue)])),
      JSON.Member("sparsification", .string(terms.sparsification.rawValue)),
      JSON.Member("query_weighting", .string(weighting(.query).rawValue)),
      JSON.Member("doc_weighting", .string(weighting(.doc).rawValue)),
    ]
  }
}

extension SpladeHead {
  package struct Settings: HeadSettings {
    package static let modelTypes = ["splade"]
    package static let fields: Set<String> = [
      "doc_expansion", "doc_pooling_strategy", "doc_weighting", "pooling_strategy",
      "query_expansion", "query_pooling_strategy", "query_weighting", "sparsification_strategy",
    ]

    package var pooling: Pooling
    package var sparsification: Sparsification
    package var weighting: [Role: Weighting]
    package var expands: [Role: Bool]
    /// Static weights.
    package var tables: [Role: WeightPlace] = [:]
    /// Whose names the head's weights have.
    package var naming: HeadNaming
    /// Epsilon of the head's normalisation; nil for the backbone's.
    package var epsilon: Double?

    package var tiedWeight: String? { "projection.decoder.weight" }

    package func layerNames(
      _ family: (any BackboneFamily.Type)?
    ) -> [(stored: String, lightningIR: String)] {
      guard naming == .transformers, let head = family?.languageModel?.names else { return [] }
      let own = HeadNames.lightningIRLanguageModels[0]
      var names =
        family?.languageModel?.isBare == true
        ? [] : [(head.dense, own.dense), (head.norm, own.norm)]
      for tensor in head.biases + [head.decoder] {
        guard let dot = tensor.lastIndex(of: ".") else { continue }
        names.append((String(tensor[..<dot]), "projection.decoder"))
      }
      return names
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      let vocabulary = loader.backbone.vocabularySize
      var tables: [Role: Parameter] = [:]
      for role in [Role.query, .doc] where weighting[role] == .staticTable {
        let place = self.tables[role] ?? WeightPlace("\(role.rawValue)_weights.weight")
        tables[role] = try loader.sources.checkpoint(place.source).parameter(
          place.name, [vocabulary, 1])
      }
      return .biEncoder(
        SpladeHead(
          // Weights of a head are read wherever they are, so that none is left over unused.
          terms: try VocabularyHead(self, loader), weighting: weighting, expands: expands,
          tables: tables))
    }
  }
}

// MARK: Lightning IR

extension SpladeHead.Settings {
  package static func describe(
    _ folder: ModelFolder, _ modelType: String
  ) throws(Failure) -> ModelDescription {
    func weighting(_ role: String) throws(Failure) -> SpladeHead.Weighting {
      try folder.choice(
        "\(role)_weighting", default: .contextualized, nullMeans: SpladeHead.Weighting.none)
    }
    let pooling = try folder.choice(
      "pooling_strategy", default: LightningIRFolder.PoolingStrategy.max)
    let native = LightningIRFolder.isNative(folder)
    let settings = Self(
      pooling: pooling.pooling,
      sparsification: try folder.choice(
        "sparsification_strategy", default: .reluLog, nullMeans: Sparsification.none),
      weighting: [.query: try weighting("query"), .doc: try weighting("doc")],
      expands: [
        .query: try folder.bool("query_expansion", default: true),
        .doc: try folder.bool("doc_expansion", default: true),
      ],
      tables: try HeadNames.places(
        [.query: "query_weights.weight", .doc: "doc_weights.weight"], in: folder,
        isNative: native),
      naming: native ? .lightningIR : .transformers,
      epsilon: folder.backbone(LightningIRFolder.backbone(folder))?.hasLightningIRHead == true
        ? headEpsilon : nil)
    var description = try LightningIRFolder.biEncoder(folder, settings)
    for role in [Role.query, .doc] where settings.weighting[role] != .contextualized {
      description.roles[role]?.addsSpecialTokens = false
    }
    return description
  }

  /// Lightning IR gives its head this epsilon whatever the backbone says (`lm_head.py`).
  private static let headEpsilon = 1e-12
}
