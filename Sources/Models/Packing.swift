/// Division of texts into batches: sequences of about the same length, as many as fit a number of
/// tokens.
///
/// Nothing that is computed depends on it, so it may be changed at will.
package enum Packing {
  /// Splits sequences into batches of at most `tokens` tokens (or one longer sequence), long ones
  /// first, so that the last batches to be handed out are short.
  ///
  /// - Parameters:
  ///   - lengths: Number of tokens of each sequence.
  ///   - tokens: Most tokens of a batch.
  /// - Returns: Indices of each batch's sequences; empty sequences are in none.
  package static func batches(lengths: [Int], tokens: Int) -> [[Int]] {
    precondition(tokens >= 1, "batches of \(tokens) tokens")
    let order = lengths.indices.filter { lengths[$0] > 0 }
      .sorted { lengths[$0] != lengths[$1] ? lengths[$0] > lengths[$1] : $0 < $1 }
    var batches: [[Int]] = []
    var current: [Int] = []
    var used = 0
    for index in order {
      if !current.isEmpty, used + lengths[index] > tokens {
        batches.append(current)
        current = []
        used = 0
      }
      current.append(index)
      used += lengths[index]
    }
    if !current.isEmpty { batches.append(current) }
    return batches
  }
}
