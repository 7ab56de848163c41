import Kernels

/// Root-mean-square normalisation over the last dimension.
///
/// Zhang and Sennrich, arXiv:1910.07467.
package struct RMSNorm: Sendable {
  package let weight: Parameter
  package let epsilon: Float
  /// Whether the factors are 1 more than the weight, as in Gemma.
  package let addsOne: Bool
  /// 1 + weight, where nothing trains it.
  private let fixed: [Float]?

  package init(weight: Parameter, epsilon: Float, addsOne: Bool = false) {
    self.weight = weight
    self.epsilon = epsilon
    self.addsOne = addsOne
    fixed = addsOne && weight.training == nil ? Self.oneMore(weight) : nil
  }

  /// Gives what the normalised elements are multiplied by, [D].
  func withFactors(_ body: (UnsafePointer<Float>) -> Void) {
    guard addsOne else { return body(weight.values) }
    (fixed ?? Self.oneMore(weight)).withUnsafeBufferPointer { factors in
      if let base = factors.baseAddress { body(base) }
    }
  }

  private static func oneMore(_ weight: Parameter) -> [Float] {
    (0..<weight.count).map { 1 + weight.values[$0] }
  }
}

/// Norms of the heads of queries and keys.
package struct HeadNorms: Sendable {
  package let queries: RMSNorm
  package let keys: RMSNorm
  /// Norm of the values; nil for none.
  package let values: RMSNorm?
  /// H.
  package let heads: Int
  /// G.
  package let keyHeads: Int

  package init(
    queries: RMSNorm, keys: RMSNorm, values: RMSNorm? = nil, heads: Int, keyHeads: Int
  ) {
    self.queries = queries
    self.keys = keys
    self.values = values
    self.heads = heads
    self.keyHeads = keyHeads
  }

  /// The norm of head `index` of the queries, keys and values, one behind the other; nil for none.
  func norm(_ index: Int) -> RMSNorm? {
    index < heads ? queries : index < heads + keyHeads ? keys : values
  }

  /// Heads that have a norm, which come first.
  var count: Int { heads + (values == nil ? 1 : 2) * keyHeads }
}
