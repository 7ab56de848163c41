/// Documents that may be among the k best, with their scores: more than k are kept until there is no
/// room, and then those below the k-th score dropped at once.
///
/// Documents with the k-th score itself are kept, however many: others decide among them.
struct ScoreBuffer {
  private var k = 1
  private var room = 0
  private(set) var scores: [Float] = []
  private(set) var ordinals: [Int32] = []
  private var sorted: [Float] = []
  /// The score below which a document is out.
  private(set) var threshold = -Float.infinity
  /// How many documents came since the threshold was looked for.
  private var newcomers = 0

  /// Forgets all documents; those below `floor` are out from the start.
  mutating func begin(k: Int, floor: Float) {
    self.k = k
    room = 2 * k + 16
    scores.removeAll(keepingCapacity: true)
    ordinals.removeAll(keepingCapacity: true)
    threshold = floor
    newcomers = 0
  }

  @inline(__always)
  mutating func insert(_ ordinal: Int32, _ score: Float) {
    if score < threshold { return }
    scores.append(score)
    ordinals.append(ordinal)
    newcomers += 1
    if scores.count > room { drop() }
  }

  /// Looks for the k-th score where enough documents came to make that worth it.
  mutating func refresh() {
    if newcomers > k / 8 || threshold == -.infinity { drop() }
  }

  /// Looks for the k-th score among those so far.
  private mutating func drop() {
    guard newcomers > 0, scores.count >= k else { return }
    newcomers = 0
    threshold = max(threshold, kthLargest())
    if scores.count == k { return }
    var kept = 0
    for place in scores.indices where scores[place] >= threshold {
      scores[kept] = scores[place]
      ordinals[kept] = ordinals[place]
      kept += 1
    }
    scores.removeLast(scores.count - kept)
    ordinals.removeLast(ordinals.count - kept)
    room = max(room, 2 * kept)
  }

  private mutating func kthLargest() -> Float {
    sorted.removeAll(keepingCapacity: true)
    sorted += scores
    let k = k
    return sorted.withUnsafeMutableBufferPointer { $0.bringForward(largest: k) }
  }
}
