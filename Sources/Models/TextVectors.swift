import Autograd
import Vectors

/// Matrices of vectors that a model makes of some texts, and the rows of each text.
///
/// COIL has two, the texts' own vectors and those of their tokens; other models have one. The scores
/// of a cross-encoder are vectors of one number.
package struct TextVectors<Value> {
  package struct Part {
    package var vectors: Value
    package var groups: VectorGroups

    package init(vectors: Value, groups: VectorGroups) {
      self.vectors = vectors
      self.groups = groups
    }
  }

  package var parts: [Part]

  package init(_ parts: [Part]) { self.parts = parts }

  /// The texts with other values in the place of these.
  package func map<Other>(_ body: (Value) -> Other) -> TextVectors<Other> {
    TextVectors<Other>(
      parts.map { TextVectors<Other>.Part(vectors: body($0.vectors), groups: $0.groups) })
  }
}
