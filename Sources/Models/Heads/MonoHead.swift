import Autograd
import Failures
import Kernels

/// One score for a query and a document that were read together: pooling, perhaps BERT's pooler,
/// and a linear layer with one or two outputs (monoBERT, arXiv:1901.04085; Lightning IR
/// `models/cross_encoders/mono.py`).
package struct MonoHead: Sendable {
  /// What stands for relevance among the outputs.
  package enum Scoring: String, Sendable, CaseIterable {
    /// One output, as it is.
    case rank
    /// Two outputs: the logarithm of the second one's share of their softmax.
    case mono
  }

  /// Nil where a decoder made one state of a pair.
  package let pooling: Pooling?
  /// A linear layer in front of the classifier: BERT's pooler, or what stands in its place.
  package let pooler: Linear?
  package let poolerActivation: Activation
  /// Behind the pooler.
  package let norm: LayerNorm?
  /// What the classifier's inputs are multiplied by: T5's embeddings stand for outputs so.
  package let scale: Float
  package let classifier: Linear
  package let scoring: Scoring

  /// [T,D] or [B,D] to logits[B,1] or logits[B,2].
  package func callAsFunction<O: Operations>(
    _ hidden: O.Value, _ batch: PackedBatch, _ o: O
  ) -> O.Value {
    var x = pooling.map { o.pool(hidden, $0, batch) } ?? hidden
    if let pooler { x = o.linear(x, pooler, poolerActivation) }
    if let norm { x = o.layerNorm(x, norm) }
    if scale != 1 { x = o.scale(x, by: scale) }
    return o.linear(x, classifier)
  }
}
