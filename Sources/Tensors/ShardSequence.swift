import Failures

/// Watches that shards follow each other from the first on, without a gap and without repeats.
package struct ShardSequence: Sendable {
  private var last: (index: Int, count: Int)?
  private let allowsLonePart: Bool
  private var isLonePart = false

  /// - Parameter allowsLonePart: Whether one part of any number may stand alone.
  package init(allowsLonePart: Bool = false) { self.allowsLonePart = allowsLonePart }

  /// Takes note of the next part's shard, `i/n`; nil for a part that is no shard.
  ///
  /// - Throws: 65 where a shard is missing, comes twice or is of another division.
  package mutating func follow(_ shard: String?, _ place: String) throws(Failure) {
    let parts = shard?.split(separator: "/").compactMap { Int($0) } ?? []
    guard parts.count == 2 else { return }
    let expected = isLonePart ? 1 : last.map { $0.index + 1 } ?? 1
    if last == nil, allowsLonePart, parts[0] != 1 {
      isLonePart = true
      last = (parts[0], parts[1])
      return
    }
    guard parts[0] == expected, last.map({ $0.count == parts[1] }) ?? true else {
      throw .data(
        place,
        "expected shard \(expected)/\(last?.count ?? parts[1]), found \(parts[0])/\(parts[1])")
    }
    last = (parts[0], parts[1])
  }

  /// What is missing at the end; nil if the shards are complete or there are none.
  package var missing: String? {
    guard let last, last.index != last.count else { return nil }
    return last.index + 1 == last.count
      ? "shard \(last.count)/\(last.count)"
      : "shards \(last.index + 1) to \(last.count) of \(last.count)"
  }
}
