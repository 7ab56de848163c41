/// What the score of two vectors is; larger is nearer.
package enum Similarity: String, Sendable, CaseIterable {
  /// The dot product.
  case dot
  /// The cosine of the angle: the dot product of the vectors brought to length 1.
  case cosine
  /// The negative Euclidean distance.
  case l2
}
