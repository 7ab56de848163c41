import IndexFormat

/// Documents that may be among the k best of a query, by ranges in which their scores lie.
///
/// A document is out once k others have lower ends above its upper one. Which documents are left in
/// the end depends neither on the order in which they come nor on how they are split between workers.
package struct Contenders: Sendable {
  private let admission: Admission
  /// The least score that a document is found with.
  private let floor: Float
  /// The k largest lower ends, in a heap whose root is the least of them.
  private var lowest: LargestNumbers
  private var ordinals: [Int32] = []
  private var uppers: [Float] = []
  /// How many may be kept before those that are out are dropped.
  private var room: Int

  /// - Parameters:
  ///   - id: The query's.
  ///   - request: What may answer it.
  ///   - documents: The index's.
  package init(_ id: [UInt8], _ request: SearchRequest, _ documents: DocumentTable) {
    admission = Admission(id, request, documents)
    floor = request.floor
    lowest = LargestNumbers(request.k)
    room = 2 * request.k + 512
  }

  /// The score below which a document need not be offered.
  package var threshold: Float { max(lowest.threshold, floor) }

  /// Takes note of the range in which a document's score lies.
  package mutating func offer(_ ordinal: Int, least: Float, most: Float) {
    guard most >= threshold, admission.admits(ordinal) else { return }
    lowest.insert(least)
    ordinals.append(Int32(ordinal))
    uppers.append(most)
    if ordinals.count > room { drop() }
  }

  private mutating func drop() {
    var kept = 0
    for place in ordinals.indices where uppers[place] >= threshold {
      ordinals[kept] = ordinals[place]
      uppers[kept] = uppers[place]
      kept += 1
    }
    ordinals.removeLast(ordinals.count - kept)
    uppers.removeLast(uppers.count - kept)
    room = max(room, 2 * kept)
  }

  /// Ordinals of the documents that are left, ascending.
  package var survivors: [Int] {
    zip(ordinals, uppers).filter { $1 >= threshold }.map { Int($0.0) }.sorted()
  }
}

extension Contenders: MergeableCollector {
  package mutating func merge(_ other: Contenders) {
    lowest.insert(other.lowest)
    ordinals += other.ordinals
    uppers += other.uppers
    drop()
  }
}

/// What collects documents of a query, for workers that each have a part of the collection.
package protocol MergeableCollector: Sendable {
  /// Takes over what another worker found for the same query.
  mutating func merge(_ other: Self)
}

extension Candidates: MergeableCollector {}

/// The largest of some numbers, in a heap whose root is the least of them.
private struct LargestNumbers: Sendable {
  private let capacity: Int
  private var heap: [Float] = []

  init(_ capacity: Int) { self.capacity = capacity }

  /// The least number that is kept; below all numbers while there is room.
  var threshold: Float { heap.count < capacity ? -.infinity : heap[0] }

  mutating func insert(_ number: Float) {
    if heap.count < capacity {
      heap.append(number)
      var child = heap.count - 1
      while child > 0, heap[child] < heap[(child - 1) / 2] {
        heap.swapAt(child, (child - 1) / 2)
        child = (child - 1) / 2
      }
    } else if heap[0] < number {
      heap[0] = number
      siftDown()
    }
  }

  private mutating func siftDown() {
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child] < heap[least] {
        least = child
      }
      if least == parent { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  mutating func insert(_ other: LargestNumbers) {
    for number in other.heap { insert(number) }
  }
}
