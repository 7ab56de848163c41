import Autograd
import Failures
import Kernels

/// What is done to the elements of an embedding so that many of them are zero.
///
/// Lightning IR `modeling_utils/embedding_post_processing.py`.
package enum Sparsification: String, Sendable, CaseIterable {
  case none
  case relu
  /// log(1 + max(x, 0))
  case reluLog = "relu_log"
  /// log(1 + log(1 + max(x, 0)))
  case reluTwiceLog = "relu_2xlog"

  /// All of them rise with x, so they commute with a maximum.
  func apply<O: Operations>(_ x: O.Value, _ o: O) -> O.Value {
    switch self {
    case .none: x
    case .relu: o.map(x, .relu)
    case .reluLog: o.map(x, .log1pRelu)
    case .reluTwiceLog: o.map(o.map(x, .log1pRelu), .log1pRelu)
    }
  }
}

/// One vector a text: pooling, then layers, sparsification and normalisation, in that order
/// (DPR, arXiv:2004.04906; SBERT, arXiv:1908.10084; Lightning IR `models/bi_encoders/dpr.py`).
package struct DenseHead: Sendable {
  package enum Layer: Sendable {
    case linear(Linear, Activation)
    case norm(LayerNorm)

    /// Width of what comes out; nil where it is that of what goes in.
    package var outputs: Int? {
      switch self {
      case .linear(let linear, _): linear.outputs
      case .norm: nil
      }
    }
  }

  /// Several poolings are laid side by side.
  package let poolings: [Pooling]
  package let layers: [Layer]
  package let sparsification: Sparsification
  package let normalizes: Bool
  /// Width of the embeddings.
  package let dimension: Int

  package init(
    poolings: [Pooling], layers: [Layer], sparsification: Sparsification = .none,
    normalizes: Bool, width: Int
  ) {
    self.poolings = poolings
    self.layers = layers
    self.sparsification = sparsification
    self.normalizes = normalizes
    dimension = layers.compactMap(\.outputs).last ?? width * poolings.count
  }

  /// [T,D] to [B,dimension].
  ///
  /// `skipping`: tokens at the start of every text that are not pooled.
  package func callAsFunction<O: Operations>(
    _ hidden: O.Value, _ batch: PackedBatch, skipping skipped: Int = 0, _ o: O
  ) -> O.Value {
    let (hidden, batch) = skipped == 0 ? (hidden, batch) : cut(hidden, batch, skipped, o)
    let pooled = poolings.map { o.pool(hidden, $0, batch) }
    var x = pooled.count == 1 ? pooled[0] : o.concatenate(pooled)
    for layer in layers {
      switch layer {
      case .linear(let linear, let activation): x = o.linear(x, linear, activation)
      case .norm(let norm): x = o.layerNorm(x, norm)
      }
    }
    x = sparsification.apply(x, o)
    return normalizes ? o.normalize(x) : x
  }

  /// Hidden states and tokens without the first `skipped` of every text; a text of nothing else
  /// keeps its last token.
  private func cut<O: Operations>(
    _ hidden: O.Value, _ batch: PackedBatch, _ skipped: Int, _ o: O
  ) -> (O.Value, PackedBatch) {
    var rest = PackedBatch()
    var rows: [O.Value] = []
    for sequence in 0..<batch.sequences {
      let range = batch.range(sequence)
      let kept = min(range.lowerBound + skipped, range.upperBound - 1)..<range.upperBound
      rows.append(o.rows(hidden, kept))
      rest.append(ids: batch.ids[kept], typeIDs: repeatElement(0, count: kept.count))
    }
    return (o.stack(rows), rest)
  }
}
