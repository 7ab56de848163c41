import Failures
import Kernels
import Streams
import Tensors
import Vectors

/// A vector for every token but the first: what BGE-M3's `colbert_linear.pt` gives
/// (arXiv:2402.03216; FlagEmbedding `finetune/embedder/encoder_only/m3/modeling.py` at 7ed43d6).
package enum M3VectorHead {
  package struct Settings: HeadSettings {
    package static let modelTypes = ["m3-colbert"]
    package static let fields: Set<String> = []

    /// The mean of a query's maxima.
    package var interaction: LateInteraction? { LateInteraction(queryAggregation: .mean) }

    package static func describe(
      _ folder: ModelFolder, _ modelType: String
    ) throws(Failure) -> ModelDescription {
      try M3Folder.describe(folder, Self())
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      let checkpoint = try loader.sources.checkpoint(M3Folder.vectors)
      let outputs = checkpoint.shape("weight")?.first
      if let outputs, !(1...StreamLimits.maximumWidth).contains(outputs) {
        throw .config(M3Folder.vectors, "expected a matrix of weights, found \(outputs) outputs")
      }
      let layer = Projection(
        WeightPlace("", in: M3Folder.vectors), outputs: outputs, bias: .optional)
      return .biEncoder(
        MultiVectorHead(
          layers: try loader.layers([.linear(layer), .normalize], inputs: loader.width),
          skipsFirst: true, width: loader.width))
    }
  }
}
