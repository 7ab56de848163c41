import Failures

/// Which text of a pair loses tokens.
package enum TruncationStrategy: String, Sendable {
  /// The longer one, until both are equally long; then both.
  case longestFirst = "longest_first"
  case onlyFirst = "only_first"
  case onlySecond = "only_second"
}

/// Which end of a text loses tokens.
package enum TruncationSide: String, Sendable {
  case left, right
}

/// How many tokens of one or two texts are kept.
///
/// Source: `utils/truncation.rs` of Hugging Face `tokenizers` 0.22.2.
struct KeptLengths: Equatable {
  var first: Int
  var second: Int

  /// - Parameters:
  ///   - first: tokens of the first text.
  ///   - second: tokens of the second text, nil if there is none.
  ///   - limit: tokens that both may have together.
  ///   - strategy: which text is cut.
  /// - Throws: 65 where the text to be cut is too short to make room.
  init(
    first: Int, second: Int?, limit: Int, strategy: TruncationStrategy
  ) throws(Failure) {
    let total = first + (second ?? 0)
    self.init(first: first, second: second ?? 0)
    if total <= limit { return }
    if limit == 0 {
      self.init(first: 0, second: 0)
      return
    }
    let excess = total - limit
    switch strategy {
    case .longestFirst:
      guard let second else {
        self.first = limit
        return
      }
      self = Self.longestFirst(first, second, limit)
    case .onlyFirst:
      guard first > excess else { throw Self.tooShort(strategy, first, excess) }
      self.first = first - excess
    case .onlySecond:
      guard let second else {
        throw Failure(.usage, "truncation only_second needs a second text")
      }
      guard second > excess else { throw Self.tooShort(strategy, second, excess) }
      self.second = second - excess
    }
  }

  /// So many of each.
  init(first: Int, second: Int) {
    self.first = first
    self.second = second
  }

  private static func longestFirst(_ first: Int, _ second: Int, _ limit: Int) -> KeptLengths {
    let shorter = min(first, second)
    let longer = shorter > limit ? shorter : max(shorter, limit - shorter)
    var kept = KeptLengths(first: shorter, second: longer)
    if shorter + longer > limit {
      kept = KeptLengths(first: limit / 2, second: limit / 2 + limit % 2)
    }
    if first > second { swap(&kept.first, &kept.second) }
    // The formula may give the longer text more than it has.
    return KeptLengths(first: min(kept.first, first), second: min(kept.second, second))
  }

  private static func tooShort(
    _ strategy: TruncationStrategy, _ count: Int, _ excess: Int
  ) -> Failure {
    Failure(
      .data, "truncation \(strategy.rawValue) must remove \(excess) tokens of a text of \(count)",
      hint: "give it a larger maximum length, or truncate the other text first")
  }
}
