import Autograd
import Failures
import JSON
import Kernels
import Tensors
import Vectors

/// One vector a token: ColBERT (arXiv:2004.12832) and XTR (arXiv:2304.01982); Lightning IR
/// `models/bi_encoders/col.py`.
package struct MultiVectorHead: BiEncoderHead {
  /// Layers over every token, in order.
  package let layers: [HeadLayer]
  /// What makes fewer vectors of some texts'; nil for nothing.
  package let tokenPooling: TokenPooling?
  /// Whether the first token of a text has no vector.
  package let skipsFirst: Bool
  /// Width of a vector.
  package let dimension: Int
  /// What makes scores of the vectors; nil where a rule does.
  package let scorer: LearnedScorer?

  init(
    layers: [HeadLayer], tokenPooling: TokenPooling? = nil, skipsFirst: Bool = false, width: Int,
    scorer: LearnedScorer? = nil
  ) {
    self.scorer = scorer
    self.layers = layers
    self.skipsFirst = skipsFirst
    self.tokenPooling = tokenPooling
    dimension = layers.outputs ?? width
  }

  package var normalizes: Bool {
    if let tokenPooling, tokenPooling.normalizes { return true }
    if case .normalize? = layers.last { return tokenPooling == nil }
    return false
  }

  /// A mean of some tokens' vectors belongs to none of them.
  package var form: VectorForm {
    .vectors(VectorShape(width: dimension, hasTokens: tokenPooling == nil))
  }

  /// [T,D] to [T,dimension].
  package func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    [layers.apply(texts.states(), o)]
  }

  package func groups(
    _ batch: PackedBatch, _ role: Role, counted: (Range<Int>) -> [Int]
  ) -> [VectorGroups] {
    [
      VectorGroups(
        rows: (0..<batch.sequences).map {
          counted(skipsFirst ? batch.range($0).dropFirst() : batch.range($0))
        })
    ]
  }

  package var mergesVectors: Bool { tokenPooling != nil }

  package func merged(_ set: VectorSet, _ role: Role) -> VectorSet {
    tokenPooling?.merged(set, role, width: dimension) ?? set
  }

  package var facts: [JSON.Member] {
    var members = [JSON.Member("normalize", .bool(normalizes))]
    if let tokenPooling { members.append(JSON.Member("token_pooling", tokenPooling.fact)) }
    if let scorer { members.append(JSON.Member("scorer", scorer.fact)) }
    return members
  }
}

extension MultiVectorHead {
  package struct Settings: HeadSettings {
    package static let modelTypes = ["col"]
    package static let fields = LightningIRFolder.interactionFields.union([
      "attend_to_doc_expanded_tokens", "attend_to_query_expanded_tokens", "doc_expansion",
      "embedding_dim", "k_train", "k_train_scope", "normalization_strategy", "projection",
      "query_expansion",
    ])

    /// Layers over every token, in order.
    package var layers: [HeadLayerSettings]
    /// What makes fewer vectors of some texts'; nil for nothing.
    package var tokenPooling: TokenPooling?
    package var interaction: LateInteraction?
    /// Retrieval of vectors that training imitates; nil where all vectors count.
    package var retrieval: TokenRetrieval?

    package func interactions(_ similarity: Similarity) -> [Interaction] {
      let late = interaction ?? LateInteraction()
      return [
        Interaction(
          similarity, query: late.queryAggregation, doc: late.docAggregation,
          retrieval: retrieval)
      ]
    }

    package func layerNames(
      _ family: (any BackboneFamily.Type)?
    ) -> [(stored: String, lightningIR: String)] {
      layers.projections.prefix(1).map { ($0.place.path, "projection") }
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      .biEncoder(
        MultiVectorHead(
          layers: try loader.layers(layers, inputs: loader.width), tokenPooling: tokenPooling,
          width: loader.width))
    }
  }
}

// MARK: Lightning IR

extension MultiVectorHead.Settings {
  package static func describe(
    _ folder: ModelFolder, _ modelType: String
  ) throws(Failure) -> ModelDescription {
    let projection = try LightningIRFolder.projection(
      folder, "projection", width: "embedding_dim", default: 128)
    var description = try LightningIRFolder.biEncoder(
      folder,
      Self(
        layers: (projection.map { [.linear($0)] } ?? [])
          + (try LightningIRFolder.normalizes(folder) ? [.normalize] : []),
        interaction: try LightningIRFolder.interaction(folder), retrieval: try retrieval(folder)))
    for role in [Role.query, .doc]
    where try folder.bool("\(role.rawValue)_expansion", default: false) {
      description.roles[role]?.filling = .mask(
        isAttended: try folder.bool(
          "attend_to_\(role.rawValue)_expanded_tokens", default: false))
    }
    return description
  }

  /// `k_train_scope` is ours: the reference retrieves among a query's own documents only.
  static func retrieval(_ folder: ModelFolder) throws(Failure) -> TokenRetrieval? {
    guard
      let count = try folder.optionalInteger("k_train", in: FieldRanges.retrieved, default: nil)
    else { return nil }
    return TokenRetrieval(
      count: count, scope: try folder.choice("k_train_scope", default: .query))
  }
}
