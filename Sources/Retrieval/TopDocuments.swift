import IndexFormat

/// The k best documents of one query so far, in a heap whose root is the worst of them.
///
/// The order is total: by score, then by the place of the id in bytewise order, larger ids first,
/// as trec_eval breaks ties. So the result does not depend on the order in which documents come,
/// nor on how they are split between workers.
package struct TopDocuments: Sendable {
  package struct Entry: Sendable, Equatable {
    package var score: Float
    /// Place of the document's id in bytewise order.
    package var rank: Int32
    package var ordinal: Int32

    package init(score: Float, rank: Int32, ordinal: Int32) {
      self.score = score
      self.rank = rank
      self.ordinal = ordinal
    }
  }

  package let capacity: Int
  private var heap: [Entry] = []

  package init(_ capacity: Int) {
    precondition(capacity >= 1, "the best \(capacity) documents")
    self.capacity = capacity
  }

  /// Whether `a` stands behind `b` in the ranking.
  private static func isWorse(_ a: Entry, _ b: Entry) -> Bool {
    a.score != b.score ? a.score < b.score : a.rank < b.rank
  }

  /// The score below which nothing can enter.
  package var threshold: Float { heap.count < capacity ? -.infinity : heap[0].score }

  package mutating func insert(_ entry: Entry) {
    if heap.count < capacity {
      heap.append(entry)
      siftUp(heap.count - 1)
    } else if Self.isWorse(heap[0], entry) {
      heap[0] = entry
      siftDown(0)
    }
  }

  package mutating func insert(_ other: TopDocuments) {
    for entry in other.heap { insert(entry) }
  }

  /// Best first.
  package var sorted: [Entry] { heap.sorted { Self.isWorse($1, $0) } }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      if !Self.isWorse(heap[child], heap[parent]) { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var worst = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && Self.isWorse(heap[child], heap[worst]) {
        worst = child
      }
      if worst == parent { return }
      heap.swapAt(parent, worst)
      parent = worst
    }
  }
}
