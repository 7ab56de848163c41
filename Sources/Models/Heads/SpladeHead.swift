import Autograd
import Failures
import Kernels

/// A weight for every term of the vocabulary: the masked language model head, sparsified and pooled
/// over the tokens (SPLADE, arXiv:2107.05720, arXiv:2109.10086; Lightning IR
/// `models/bi_encoders/splade.py`, `modeling_utils/lm_head.py`).
package struct SpladeHead: Sendable {
  /// How the terms of one role are weighted.
  package enum Weighting: String, Sendable, CaseIterable {
    /// By the model.
    case contextualized
    /// By a table, one weight a term: no model runs.
    case staticTable = "static"
    /// All alike: 1 for every term of the text.
    case none
  }

  package let dense: Linear
  package let activation: Activation
  package let norm: LayerNorm
  /// Decoder and bias, V outputs.
  package let decoder: Linear
  package let sparsification: Sparsification
  package let pooling: Pooling

  package var dimension: Int { decoder.outputs }

  /// Rows of logits that exist at a time where the pooling cannot be fused.
  private static let blockRows = 16

  /// [T,D] to [B,V].
  package func callAsFunction<O: Operations>(
    _ hidden: O.Value, _ batch: PackedBatch, _ o: O
  ) -> O.Value {
    var hidden = hidden
    if pooling == .first {
      // Only the first token of each text is needed from here on.
      hidden = o.pool(hidden, .first, batch)
    }
    let transformed = o.layerNorm(o.linear(hidden, dense, activation), norm)
    switch pooling {
    case .max: return sparsification.apply(o.linearMax(transformed, decoder, batch), o)
    case .first: return sparsification.apply(o.linear(transformed, decoder), o)
    default: return pooledByBlocks(transformed, batch, o)
    }
  }

  /// Sums and means do not commute with the sparsification: logits are made a few rows at a time.
  private func pooledByBlocks<O: Operations>(
    _ transformed: O.Value, _ batch: PackedBatch, _ o: O
  ) -> O.Value {
    var pooled: [O.Value] = []
    for sequence in 0..<batch.sequences {
      let range = batch.range(sequence)
      var total: O.Value?
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.blockRows) {
        let rows = start..<min(start + Self.blockRows, range.upperBound)
        let logits = sparsification.apply(o.linear(o.rows(transformed, rows), decoder), o)
        let sum = o.sumRows(logits)
        total = total.map { o.add($0, sum) } ?? sum
      }
      guard let total else { preconditionFailure("an empty sequence") }
      pooled.append(pooling == .mean ? o.scale(total, by: 1 / Float(range.count)) : total)
    }
    return o.stack(pooled)
  }
}
