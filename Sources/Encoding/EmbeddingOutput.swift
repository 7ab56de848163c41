import Models
import Tensors

/// What the embeddings of a model are: the one place that asks its head.
package struct EmbeddingOutput: Sendable, Equatable {
  /// The kind of stream that holds them.
  package var kind: StreamKind
  /// Width of a vector.
  package var width: Int
  /// Whether the model brings its vectors to length 1.
  package var normalizes: Bool
  /// Width of the vector of the text beside those of its tokens; nil where there is none.
  package var clsWidth: Int?
  /// Whether every vector belongs to a token.
  package var hasTokens: Bool

  package init(
    _ kind: StreamKind, width: Int, normalizes: Bool = false, clsWidth: Int? = nil,
    hasTokens: Bool = false
  ) {
    self.kind = kind
    self.width = width
    self.normalizes = normalizes
    self.clsWidth = clsWidth
    self.hasTokens = hasTokens
  }

  /// - Precondition: the model is a bi-encoder.
  package init(_ model: Model) {
    guard case .biEncoder(let head) = model.head else {
      preconditionFailure("a cross-encoder has no embeddings")
    }
    let form = head.form
    self.init(form.kind, width: form.dimension, normalizes: head.normalizes)
    if case .vectors(let shape) = form {
      clsWidth = shape.cls
      hasTokens = shape.hasTokens
    }
  }
}
