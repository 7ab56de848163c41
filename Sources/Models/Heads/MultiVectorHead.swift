import Autograd
import Kernels

/// One vector a token: ColBERT (arXiv:2004.12832) and XTR (arXiv:2304.01982); Lightning IR
/// `models/bi_encoders/col.py`.
package struct MultiVectorHead: Sendable {
  package let projections: [(linear: Linear, activation: Activation)]
  package let normalizes: Bool
  /// Width of a vector.
  package let dimension: Int

  init(projections: [(linear: Linear, activation: Activation)], normalizes: Bool, width: Int) {
    self.projections = projections
    self.normalizes = normalizes
    dimension = projections.last?.linear.outputs ?? width
  }

  /// [T,D] to [T,dimension].
  package func callAsFunction<O: Operations>(_ hidden: O.Value, _ o: O) -> O.Value {
    var x = hidden
    for (linear, activation) in projections { x = o.linear(x, linear, activation) }
    return normalizes ? o.normalize(x) : x
  }
}

/// Several vectors a document, one for each viewer token, and one a query (MVR, arXiv:2203.08372;
/// Lightning IR `models/bi_encoders/mvr.py`).
package struct ViewerHead: Sendable {
  package let projection: Linear?
  package let queryPooling: Pooling
  /// Vectors of a document.
  package let viewers: Int
  package let normalizes: Bool
  package let dimension: Int

  init(
    projection: Linear?, queryPooling: Pooling, viewers: Int, normalizes: Bool, width: Int
  ) {
    self.projection = projection
    self.queryPooling = queryPooling
    self.viewers = viewers
    self.normalizes = normalizes
    dimension = projection?.outputs ?? width
  }

  /// [T,D] to [B,dimension].
  package func query<O: Operations>(_ hidden: O.Value, _ batch: PackedBatch, _ o: O) -> O.Value {
    let x = projection.map { o.linear(hidden, $0) } ?? hidden
    // The reference pools without a mask and never divides: a mean is a sum, padding included.
    return finish(o.pool(x, queryPooling == .mean ? .sum : queryPooling, batch), o)
  }

  /// [T,D] to [N,dimension]: the viewers' vectors of each document, fewer where it is shorter.
  package func document<O: Operations>(
    _ hidden: O.Value, _ batch: PackedBatch, _ o: O
  ) -> O.Value {
    let x = o.stack((0..<batch.sequences).map { o.rows(hidden, rows(batch.range($0))) })
    return finish(projection.map { o.linear(x, $0) } ?? x, o)
  }

  /// The viewers stand behind the first token.
  func rows(_ sequence: Range<Int>) -> Range<Int> {
    let start = min(sequence.lowerBound + 1, sequence.upperBound)
    return start..<min(start + viewers, sequence.upperBound)
  }

  private func finish<O: Operations>(_ x: O.Value, _ o: O) -> O.Value {
    normalizes ? o.normalize(x) : x
  }
}
