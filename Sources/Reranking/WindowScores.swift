import Models
import Records

/// The scores of a window's pairs.
package struct WindowScores: Sendable {
  /// scores[query][document].
  package var scores: [[Float]]
  /// What these are made of; nil where they are so already, and nothing else could tell them apart.
  package var logits: [[Float]]?
  /// Texts that were cut.
  package var truncated: Int

  /// Scores that are what they are made of.
  package init(scores: [[Float]], truncated: Int) {
    self.scores = scores
    self.truncated = truncated
  }

  /// - Parameters:
  ///   - flat: The scores of all pairs.
  ///   - lists: The documents of each query.
  ///   - truncated: Texts that were cut.
  package init(_ flat: [PairScore], like lists: [[RecordID]], truncated: Int = 0) {
    var start = 0
    let parts = lists.map { list in
      defer { start += list.count }
      return flat[start..<start + list.count]
    }
    scores = parts.map { $0.map(\.score) }
    logits = parts.map { $0.map(\.logit) }
    self.truncated = truncated
  }
}
