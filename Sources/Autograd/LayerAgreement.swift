/// Agreement between a linear layer's products of bytes and its products in single precision, row
/// by row.
///
/// The order of the rows makes no difference.
package struct LayerAgreement: Sendable, Equatable {
  /// Names of the layer's weights in the checkpoint.
  package let tensors: [String]
  /// The layer's place among those of the model, in the order in which they are computed.
  package let place: Int
  /// Rows that were compared: tokens, or texts where only a maximum or the first token counts.
  package private(set) var rows = 0
  /// The least cosine of a row.
  package private(set) var lowest = 1.0
  /// Whether all rows had finite numbers, in both precisions.
  package private(set) var isFinite = true
  /// Σ (1 − cosine), in units of 2⁻³²: integers add up to the same in every order.
  private var loss = 0

  private static let unit = 4_294_967_296.0

  package init(_ tensors: [String], place: Int) {
    self.tensors = tensors
    self.place = place
  }

  /// The mean of the rows' cosines; 1 where there are none.
  package var cosine: Double { rows == 0 ? 1 : 1 - Double(loss) / Self.unit / Double(rows) }

  /// Adds the cosine of a row in both precisions.
  ///
  /// Where both rows are zero the cosine counts as 1, where one of them is, as 0.
  package mutating func add(
    _ exact: UnsafeBufferPointer<Float>, _ found: UnsafeBufferPointer<Float>
  ) {
    var (dot, left, right) = (0.0, 0.0, 0.0)
    for (x, y) in zip(exact, found) {
      dot += Double(x) * Double(y)
      left += Double(x) * Double(x)
      right += Double(y) * Double(y)
    }
    guard left.isFinite, right.isFinite else {
      isFinite = false
      return
    }
    let length = left.squareRoot() * right.squareRoot()
    let cosine = length > 0 ? min(1, dot / length) : left == right ? 1 : 0
    rows += 1
    lowest = min(lowest, cosine)
    loss += Int(((1 - cosine) * Self.unit).rounded())
  }

  /// Adds the rows of another thread.
  package mutating func add(_ other: LayerAgreement) {
    rows += other.rows
    isFinite = isFinite && other.isFinite
    lowest = min(lowest, other.lowest)
    loss += other.loss
  }
}
