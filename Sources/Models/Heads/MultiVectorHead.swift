import Autograd
import Failures
import JSON
import Kernels
import Tensors
import Vectors

/// One vector a token: ColBERT (arXiv:2004.12832) and XTR (arXiv:2304.01982); Lightning IR
/// `models/bi_encoders/col.py`.
package struct MultiVectorHead: BiEncoderHead {
  package let projections: [(linear: Linear, activation: Activation)]
  package let normalizes: Bool
  /// Width of a vector.
  package let dimension: Int

  init(projections: [(linear: Linear, activation: Activation)], normalizes: Bool, width: Int) {
    self.projections = projections
    self.normalizes = normalizes
    dimension = projections.last?.linear.outputs ?? width
  }

  package var form: VectorForm { .vectors(VectorShape(width: dimension, hasTokens: true)) }

  /// [T,D] to [T,dimension].
  package func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    var x = texts.states()
    for (linear, activation) in projections { x = o.linear(x, linear, activation) }
    return [normalizes ? o.normalize(x) : x]
  }

  package func groups(
    _ batch: PackedBatch, _ role: Role, counted: (Range<Int>) -> [Int]
  ) -> [VectorGroups] {
    [VectorGroups(rows: (0..<batch.sequences).map { counted(batch.range($0)) })]
  }

  package var facts: [JSON.Member] { [JSON.Member("normalize", .bool(normalizes))] }
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
    package var projections: [Projection]
    package var normalizes: Bool
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
      projections.prefix(1).map { ($0.place.path, "projection") }
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      var layers: [(linear: Linear, activation: Activation)] = []
      for projection in projections {
        let inputs = layers.last?.linear.outputs ?? loader.width
        layers.append(
          (
            try loader.linear(projection, inputs: inputs),
            try loader.activation(projection.activation)
          ))
      }
      return .biEncoder(
        MultiVectorHead(projections: layers, normalizes: normalizes, width: loader.width))
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
        projections: projection.map { [$0] } ?? [],
        normalizes: try LightningIRFolder.normalizes(folder),
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
  private static func retrieval(_ folder: ModelFolder) throws(Failure) -> TokenRetrieval? {
    guard let count = try folder.optionalInteger("k_train", default: nil) else { return nil }
    guard count >= 1 else {
      throw .config(folder.configPlace, "k_train: expected at least 1, found \(count)")
    }
    return TokenRetrieval(
      count: count, scope: try folder.choice("k_train_scope", default: .query))
  }
}
