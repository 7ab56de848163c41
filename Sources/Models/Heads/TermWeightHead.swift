import Autograd
import Failures
import Kernels
import Tensors
import Tokenizers
import Vectors

/// One weight a token, the largest of each term: what BGE-M3's `sparse_linear.pt` gives
/// (arXiv:2402.03216; FlagEmbedding `inference/embedder/encoder_only/m3.py` at 7ed43d6).
package struct TermWeightHead: BiEncoderHead {
  package let projection: Linear
  /// Tokens that are no terms.
  package let silent: Set<Int32>
  /// V.
  package let dimension: Int

  package var form: VectorForm { .sparse(dimension: dimension) }

  /// [T,D] to [B,V].
  package func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    let weights = o.linear(texts.states(), projection, .relu)
    return [o.scatter(weights, texts.batch, columns: dimension, .largest(silent: silent))]
  }

  package func hasOwnTermsAlone(_ role: Role) -> Bool { true }
}

extension TermWeightHead {
  package struct Settings: HeadSettings {
    package static let modelTypes = ["m3-sparse"]
    package static let fields: Set<String> = []

    package static func describe(
      _ folder: ModelFolder, _ modelType: String
    ) throws(Failure) -> ModelDescription {
      try M3Folder.describe(folder, Self())
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      let tokenizer = try Tokenizer.load(folder: loader.description.folder.modelPath)
      let layer = Projection(
        WeightPlace("", in: M3Folder.sparse), outputs: 1, bias: .optional)
      return .biEncoder(
        TermWeightHead(
          projection: try loader.linear(layer, inputs: loader.width),
          silent: Set(
            [tokenizer.clsID, tokenizer.eosID, tokenizer.padID, tokenizer.unkID].compactMap { $0 }),
          dimension: loader.backbone.vocabularySize))
    }
  }
}
