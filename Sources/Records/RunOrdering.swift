import Failures
import Workers

/// Puts the entries of a run into trec_eval's order, and looks for documents that occur twice.
struct RunOrdering: Sendable {
  /// What came of it.
  enum Outcome: Sendable {
    /// The entries were in order.
    case asRead
    /// The places in the input, query by query, best first.
    case anew([UInt32])
    /// Two places in the input with one document of a query.
    case duplicate(Int, Int, query: Int)
  }

  let scores: [Float]
  let hashes: [UInt32]
  let ids: FlatBytes
  let offsets: [Int]
  /// The places in the input, query by query; nil if those are 0, 1, 2 and so on.
  let grouped: [UInt32]?

  /// Queries that a thread takes at once.
  private static let batch = 16

  /// The order; of several mistakes the one of the first query.
  func order(_ pool: WorkerPool) throws(Failure) -> Outcome {
    let queries = offsets.count - 1
    let batches = (queries + Self.batch - 1) / Self.batch
    let results = Results<[(query: Int, finding: Finding)]>(batches)
    let finders = WorkerLocal(pool) { DuplicateFinder() }
    try pool.forEach(batches) { batch, worker throws(Failure) in
      finders.with(worker) { finder in
        let range = batch * Self.batch..<min(queries, (batch + 1) * Self.batch)
        results.set(batch, range.compactMap { query in look(query, &finder).map { (query, $0) } })
      }
    }
    var order = grouped
    for batch in 0..<batches {
      for (query, finding) in results.take(batch) {
        switch finding {
        case .duplicate(let first, let second):
          return .duplicate(first, second, query: query)
        case .order(let places):
          if order == nil { order = (0..<UInt32(scores.count)).map { $0 } }
          order?.replaceSubrange(offsets[query]..<offsets[query + 1], with: places)
        }
      }
    }
    return order.map { .anew($0) } ?? .asRead
  }

  /// What there is to say of a query that is not in order.
  private enum Finding: Sendable {
    case order([UInt32])
    case duplicate(Int, Int)
  }

  private func look(_ query: Int, _ finder: inout DuplicateFinder) -> Finding? {
    let range = offsets[query]..<offsets[query + 1]
    let places = grouped.map { Array($0[range]) }
    let first = range.lowerBound
    func place(_ index: Int) -> Int { places.map { Int($0[index]) } ?? first + index }
    if let (one, two) = finder.find(count: range.count, place, hashes, ids) {
      return .duplicate(place(one), place(two))
    }
    // Most runs come in order.
    let isSorted = scores.withUnsafeBufferPointer { scores in
      var last = range.isEmpty ? 0 : place(0)
      for index in 0..<range.count where index > 0 {
        let next = place(index)
        if scores[last] > scores[next] || (scores[last] == scores[next] && precedes(last, next)) {
          last = next
          continue
        }
        return false
      }
      return true
    }
    if isSorted { return nil }
    var sorted = places ?? range.map { UInt32($0) }
    sorted.sort { precedes(Int($0), Int($1)) }
    return .order(sorted)
  }

  private func precedes(_ left: Int, _ right: Int) -> Bool {
    if scores[left] != scores[right] { return scores[left] > scores[right] }
    return ids.withBytes(left) { l in
      ids.withBytes(right) { r in ByteOrder.compare(l, r) > 0 }
    }
  }
}

/// Finds documents that occur twice; keeps its table for the next query.
private struct DuplicateFinder {
  /// Open addressing, linear probing; a slot holds an index plus 1, or 0.
  private var slots: [UInt32] = []

  /// The first two of `count` entries that name one document; nil if all differ.
  mutating func find(
    count: Int, _ place: (Int) -> Int, _ hashes: [UInt32], _ ids: FlatBytes
  ) -> (Int, Int)? {
    if count < 2 { return nil }
    var capacity = 16
    while capacity < count * 2 { capacity *= 2 }
    if slots.count < capacity { slots = [UInt32](repeating: 0, count: capacity) }
    return slots.withUnsafeMutableBufferPointer { slots in
      hashes.withUnsafeBufferPointer { hashes in
        slots[..<capacity].update(repeating: 0)
        for index in 0..<count {
          let entry = place(index)
          let hash = hashes[entry]
          var slot = Int(hash) & (capacity - 1)
          while slots[slot] != 0 {
            let other = Int(slots[slot]) - 1
            if hashes[place(other)] == hash, Self.isSame(place(other), entry, ids) {
              return (other, index)
            }
            slot = (slot + 1) & (capacity - 1)
          }
          slots[slot] = UInt32(index + 1)
        }
        return nil
      }
    }
  }

  private static func isSame(_ left: Int, _ right: Int, _ ids: FlatBytes) -> Bool {
    ids.withBytes(left) { l in ids.withBytes(right) { r in ByteOrder.compare(l, r) == 0 } }
  }
}
