/// The vectors of one text that count in scoring.
package struct VectorSet: Sendable, Equatable {
  /// The text's own vector, of models that have one beside those of its tokens.
  package var cls: [Float] = []
  /// Token that each vector belongs to; empty where they belong to none.
  package var ids: [Int32] = []
  /// The vectors, values[count, width].
  package var values: [Float] = []

  package init() {}

  package mutating func append(_ row: UnsafeBufferPointer<Float>, id: Int32? = nil) {
    values.append(contentsOf: row)
    if let id { ids.append(id) }
  }
}

/// Sizes of vector sets.
package struct VectorShape: Sendable, Equatable {
  /// Width of the text's own vector; nil where there is none.
  package var cls: Int?
  /// Width of the vectors of tokens.
  package var width: Int
  /// Whether every vector belongs to a token.
  package var hasTokens: Bool

  package init(cls: Int? = nil, width: Int, hasTokens: Bool) {
    self.cls = cls
    self.width = width
    self.hasTokens = hasTokens
  }
}
