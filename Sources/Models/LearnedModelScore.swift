import Autograd
import Failures
import Kernels
import Vectors

/// The learned scorer of a model, on the vectors that the model made.
package struct LearnedModelScore: LearnedInteraction {
  private let scorer: LearnedScorer
  private let width: Int
  private let place: String
  private let kernels: Kernels

  /// Pairs that are scored at a time.
  private static let block = 16

  /// The scorer of a model; nil where its scores are a rule's.
  package init?(_ model: Model, _ kernels: Kernels) {
    guard case .biEncoder(let head) = model.head, let scorer = head.scorer else { return nil }
    self.scorer = scorer
    width = head.form.dimension
    place = model.description.folder.path
    self.kernels = kernels
  }

  package func scores(
    _ query: VectorSet, _ docs: [VectorSet], width: Int
  ) throws(Failure) -> [Float] {
    guard width == self.width else {
      throw .config(
        place, "the scorer takes vectors of dimension \(self.width), found \(width)")
    }
    try check(query, "query", scorer.queryTokens)
    for set in docs { try check(set, "document", scorer.docTokens) }
    let inference = Inference(kernels)
    var scores: [Float] = []
    for first in stride(from: 0, to: docs.count, by: Self.block) {
      let block = docs[first..<min(first + Self.block, docs.count)]
      let similarities = inference.constant(
        0, rows: block.count * scorer.queryTokens, columns: scorer.docTokens)
      fill(similarities, query, block)
      scores += scorer.scores(similarities, inference).elements
    }
    return scores
  }

  private func check(_ set: VectorSet, _ what: String, _ most: Int) throws(Failure) {
    let count = set.values.count / width
    guard count > most else { return }
    throw .config(
      place, "a \(what) has \(count) vectors, the scorer takes at most \(most)",
      hint: "encode it with the model's own length")
  }

  private func fill(_ out: Matrix, _ query: VectorSet, _ docs: ArraySlice<VectorSet>) {
    query.values.withUnsafeBufferPointer { q in
      for (pair, set) in docs.enumerated() {
        set.values.withUnsafeBufferPointer { d in
          for i in 0..<q.count / width {
            let row = (pair * scorer.queryTokens + i) * scorer.docTokens
            for j in 0..<d.count / width {
              out.elements[row + j] = kernels.dot(
                UnsafeBufferPointer(rebasing: q[i * width..<(i + 1) * width]),
                UnsafeBufferPointer(rebasing: d[j * width..<(j + 1) * width]))
            }
          }
        }
      }
    }
  }
}
