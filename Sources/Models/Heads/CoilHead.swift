import Autograd
import Kernels

/// One vector a text and one a token; tokens are compared with equal ones only (COIL,
/// arXiv:2104.07186; Lightning IR `models/bi_encoders/coil.py`).
package struct CoilHead: Sendable {
  package let cls: Linear
  package let tokens: Linear

  /// [T,D] to [B,C] and [T,E], the first token of each text included.
  package func callAsFunction<O: Operations>(
    _ hidden: O.Value, _ batch: PackedBatch, _ o: O
  ) -> (cls: O.Value, tokens: O.Value) {
    (o.linear(o.pool(hidden, .first, batch), cls), o.linear(hidden, tokens))
  }
}

/// One weight a token, no expansion (uniCOIL, arXiv:2106.14807; Lightning IR
/// `models/bi_encoders/coil.py`).
package struct UniCoilHead: Sendable {
  package let projection: Linear
  /// V.
  package let dimension: Int

  /// [T,D] to [T,1].
  package func callAsFunction<O: Operations>(_ hidden: O.Value, _ o: O) -> O.Value {
    o.linear(hidden, projection, .relu)
  }
}
