import Autograd
import Failures
import JSON
import Kernels
import Tensors
import Vectors

/// One vector a text and one a token; tokens are compared with equal ones only (COIL,
/// arXiv:2104.07186; Lightning IR `models/bi_encoders/coil.py`).
package struct CoilHead: BiEncoderHead {
  package let cls: Linear
  package let tokens: Linear

  package var form: VectorForm {
    .vectors(VectorShape(cls: cls.outputs, width: tokens.outputs, hasTokens: true))
  }

  /// [T,D] to [B,C] and [T,E], the first token of each text included.
  package func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    let hidden = texts.states()
    return [o.linear(o.pool(hidden, .first, texts.batch), cls), o.linear(hidden, tokens)]
  }

  package func groups(
    _ batch: PackedBatch, _ role: Role, counted: (Range<Int>) -> [Int]
  ) -> [VectorGroups] {
    let rows = (0..<batch.sequences).map { counted(batch.range($0).dropFirst()) }
    return [
      VectorGroups(texts: batch.sequences),
      VectorGroups(rows: rows, tokens: rows.map { $0.map { batch.ids[$0] } }),
    ]
  }

  package var facts: [JSON.Member] { [JSON.Member("cls_dim", .integer(cls.outputs))] }
}

extension CoilHead {
  package struct Settings: HeadSettings {
    package static let modelTypes = ["coil"]
    package static let fields = LightningIRFolder.interactionFields.union([
      "cls_embedding_dim", "projection", "token_embedding_dim",
    ])

    package var cls: Projection
    package var tokens: Projection
    package var interaction: LateInteraction?

    /// The texts' own vectors, then those of tokens.
    package func interactions(_ similarity: Similarity) -> [Interaction] {
      let tokens = interaction ?? LateInteraction()
      return [
        Interaction(similarity),
        Interaction(similarity, query: tokens.queryAggregation, doc: tokens.docAggregation),
      ]
    }

    package func layerNames(
      _ family: (any BackboneFamily.Type)?
    ) -> [(stored: String, lightningIR: String)] {
      [(cls.place.path, "cls_projection"), (tokens.place.path, "token_projection")]
    }

    package static func describe(
      _ folder: ModelFolder, _ modelType: String
    ) throws(Failure) -> ModelDescription {
      let cls = try LightningIRFolder.requiredProjection(
        folder, "cls_projection", width: "cls_embedding_dim", default: 768)
      let tokens = try LightningIRFolder.requiredProjection(
        folder, "token_projection", width: "token_embedding_dim", default: 32)
      return try LightningIRFolder.biEncoder(
        folder,
        Self(cls: cls, tokens: tokens, interaction: try LightningIRFolder.interaction(folder)))
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      .biEncoder(
        CoilHead(
          cls: try loader.linear(cls, inputs: loader.width),
          tokens: try loader.linear(tokens, inputs: loader.width)))
    }
  }
}
