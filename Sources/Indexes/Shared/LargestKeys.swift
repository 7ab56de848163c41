/// Keys whose order is that of scores: the larger the better.
enum LargestKeys {
  /// A number for a score, in whose order scores are; equal ones have equal numbers, and what is no number
  /// is the least.
  @inline(__always)
  static func order(of score: Float) -> UInt32 {
    if score.isNaN { return 0 }
    // Zeros of both signs are equal.
    let bits = (score + 0).bitPattern
    return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
  }

  /// Brings the largest keys to the front, in no order.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - keys: All of them.
  static func bringForward(_ count: Int, of keys: UnsafeMutableBufferPointer<UInt64>) {
    if count <= 0 || count >= keys.count { return }
    var (low, high) = (0, keys.count)
    for _ in 0..<rounds {
      if high - low < 2 { return }
      let pivot = median(keys[low], keys[(low + high) / 2], keys[high - 1])
      let above = partition(keys, low..<high) { $0 > pivot }
      if count <= above {
        if count == above { return }
        high = above
        continue
      }
      low = above
      // Nothing is above the pivot, or what is there is in front already: those equal to it follow.
      let notBelow = partition(keys, low..<high) { $0 == pivot }
      if count <= notBelow { return }
      low = notBelow
    }
    // Keys that lie so that pivots do not halve them.
    var rest = UnsafeMutableBufferPointer(rebasing: keys[low..<high])
    rest.sort(by: >)
  }

  /// Rounds in which keys are halved; twice as many as those of a billion take.
  private static let rounds = 60

  /// Brings keys of a kind to the front of some.
  ///
  /// - Returns: The place behind them.
  @inline(__always)
  private static func partition(
    _ keys: UnsafeMutableBufferPointer<UInt64>, _ range: Range<Int>, _ belongs: (UInt64) -> Bool
  ) -> Int {
    var end = range.lowerBound
    for place in range {
      let key = keys[place]
      keys[place] = keys[end]
      keys[end] = key
      end += belongs(key) ? 1 : 0
    }
    return end
  }

  private static func median(_ a: UInt64, _ b: UInt64, _ c: UInt64) -> UInt64 {
    max(min(a, b), min(max(a, b), c))
  }
}
