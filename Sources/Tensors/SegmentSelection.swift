/// Picks a range of a stream's records out of its segments, which come one after the other: a shard,
/// or what a run that was killed has left.
package struct SegmentSelection: Sendable {
  private let wanted: Range<Int>
  private var passed = 0

  /// - Parameters:
  ///   - records: The records that are wanted; nil for all.
  ///   - done: How many of them, from the first on, are done already.
  package init(_ records: Range<Int>? = nil, skipping done: Int = 0) {
    let records = records ?? 0..<Int.max
    let start = records.lowerBound + done
    wanted = start..<max(start, records.upperBound)
  }

  /// The wanted records of the next segment, by their places in it.
  package mutating func next(_ count: Int) -> Range<Int> {
    let range = (passed..<passed + count).clamped(to: wanted)
    defer { passed += count }
    return range.isEmpty ? 0..<0 : range.lowerBound - passed..<range.upperBound - passed
  }
}
