import Autograd
import Failures
import Models

/// Documents that got each term, and terms that are taken out of the vocabulary: weights of the model that no
/// derivative changes, so that a training that is resumed goes on with them.
struct TermCounts {
  private let mask: TrainedValues
  private let counts: TrainedValues
  /// Documents that were counted, and times that something was pruned.
  private let state: TrainedValues

  /// - Returns: Nil where the model has no such weights.
  init?(_ store: ParameterStore) {
    guard let mask = store[DualDocumentHead.Settings.mask]?.training,
      let counts = store[DualDocumentHead.Settings.counts]?.training,
      let state = store[DualDocumentHead.Settings.state]?.training
    else { return nil }
    (self.mask, self.counts, self.state) = (mask, counts, state)
  }

  /// Counts the terms of documents, [B,V].
  func add(_ documents: Matrix) {
    for row in 0..<documents.rows {
      for (term, weight) in documents.row(row).enumerated() where weight != 0 {
        counts.values.pointer[term] += 1
      }
    }
    state.values.pointer[0] += Float(documents.rows)
  }

  /// Prunes, and begins to count anew, where it is time for that before a step, from 1.
  func advance(to step: Int, _ pruning: TermPruning) {
    let (documents, times) = (Double(state.values.pointer[0]), Int(state.values.pointer[1]))
    if let cutoff = pruning.cutoff(step, documents: documents, times: times) {
      for term in 0..<counts.values.count where Double(counts.values.pointer[term]) > cutoff {
        mask.values.pointer[term] = 0
      }
      state.values.pointer[1] += 1
    }
    guard pruning.endsBefore(step) else { return }
    counts.values.pointer.update(repeating: 0, count: counts.values.count)
    state.values.pointer[0] = 0
  }
}
