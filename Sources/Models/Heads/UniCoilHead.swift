import Autograd
import Failures
import Kernels
import Tensors
import Vectors

/// One weight a token, no expansion (uniCOIL, arXiv:2106.14807; Lightning IR
/// `models/bi_encoders/coil.py`).
package struct UniCoilHead: BiEncoderHead {
  package let projection: Linear
  /// V.
  package let dimension: Int

  package var form: VectorForm { .sparse(dimension: dimension) }

  /// [T,D] to [B,V].
  package func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    let weights = o.linear(texts.states(), projection, .relu)
    return [o.scatter(weights, texts.batch, columns: dimension, .last)]
  }

  package func hasOwnTermsAlone(_ role: Role) -> Bool { true }
}

extension UniCoilHead {
  package struct Settings: HeadSettings {
    package static let modelTypes = ["unicoil"]
    package static let fields: Set = ["projection"]

    package var projection: Projection

    package func layerNames(
      _ family: (any BackboneFamily.Type)?
    ) -> [(stored: String, lightningIR: String)] {
      [(projection.place.path, "token_projection")]
    }

    package static func describe(
      _ folder: ModelFolder, _ modelType: String
    ) throws(Failure) -> ModelDescription {
      let layer = try LightningIRFolder.requiredProjection(
        folder, "token_projection", width: nil, default: 1)
      return try LightningIRFolder.biEncoder(folder, Self(projection: layer))
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      .biEncoder(
        UniCoilHead(
          projection: try loader.linear(projection, inputs: loader.width),
          dimension: loader.backbone.vocabularySize))
    }
  }
}
