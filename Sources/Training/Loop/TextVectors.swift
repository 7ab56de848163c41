import Autograd
import Kernels
import Models

extension TextVectors<Matrix> {
  /// The vectors of several batches of texts behind one another.
  init(joining all: [TextVectors], on tape: Tape) {
    self.init(
      (all.first?.parts ?? []).indices.map { index in
        let parts = all.map { $0.parts[index] }
        return Part(
          vectors: tape.matrix(joining: parts.map(\.vectors)),
          groups: VectorGroups(
            joining: parts.map(\.groups), sizes: parts.map { $0.vectors.rows }))
      })
  }
}
