/// How precisely the products of linear layers are computed.
///
/// Where they are narrow, so are those of attention, of bfloat16, and GELU is one of 12 bits; all else
/// is in single precision.
///
/// Results of each are the same bits on every instruction set.
package enum Precision: String, CaseIterable, Sendable {
  /// fma in single precision over K ascending.
  case f32
  /// fma in single precision over K ascending of factors that were rounded to bfloat16, where numbers
  /// below 2⁻¹²⁶ are zeros, whether they go into an fma or come out: what vdpbf16ps computes.
  case bf16
  /// Exact sums of products of bytes: weights −127…127 with a scale for every output, activations
  /// 0…255 with a scale and a zero for every row, found when they are multiplied.
  case int8
}
