import Autograd
import Vectors

/// What a model makes of some texts: matrices of vectors, and to which text their rows belong.
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
