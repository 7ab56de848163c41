/// Merges the symbols of a word: always the pair of the lowest rank, of equal ones the leftmost.
enum MergeQueue {
  /// A symbol of a long word; removed ones have `id` -1.
  struct Symbol: BitwiseCopyable {
    var id: Int32
    var previous: Int32
    var next: Int32
  }

  /// A merge that waits: `merge` as in the table, then the place of the left symbol.
  struct Waiting: BitwiseCopyable {
    var merge: UInt64
    var place: Int32

    @inline(__always)
    static func < (a: Waiting, b: Waiting) -> Bool {
      a.merge < b.merge || a.merge == b.merge && a.place < b.place
    }
  }

  /// Words of more symbols are merged with a heap.
  private static let longest = 48

  /// Merges the symbols `ids[mark...]` in place.
  static func merge(
    _ ids: GrowableBuffer<Int32>, from mark: Int, _ merges: MergeTable.Lookup, _ cache: WordCache
  ) {
    let count = ids.count &- mark
    if count < 2 { return }
    if count > longest { return mergeLong(ids, from: mark, merges, cache) }
    let symbols = ids.pointer + mark
    let ranks = cache.ranks
    ranks.count = 0
    ranks.reserve(longest)
    let merge = ranks.pointer
    for i in 0..<count &- 1 { merge[i] = merges.find(symbols[i], symbols[i &+ 1]) }
    var left = count
    while left > 1 {
      var best = MergeTable.none
      var place = 0
      for i in 0..<left &- 1 where merge[i] < best { (best, place) = (merge[i], i) }
      if best == MergeTable.none { break }
      symbols[place] = Int32(truncatingIfNeeded: best)
      left &-= 1
      var i = place &+ 1
      while i < left {
        symbols[i] = symbols[i &+ 1]
        merge[i &- 1] = merge[i]
        i &+= 1
      }
      if place &+ 1 < left { merge[place] = merges.find(symbols[place], symbols[place &+ 1]) }
      if place > 0 { merge[place &- 1] = merges.find(symbols[place &- 1], symbols[place]) }
    }
    ids.count = mark &+ left
  }

  /// Merges a long word in O(n log n), with a heap of the pairs that may be merged next.
  private static func mergeLong(
    _ ids: GrowableBuffer<Int32>, from mark: Int, _ merges: MergeTable.Lookup, _ cache: WordCache
  ) {
    let count = ids.count &- mark
    let (list, heap) = (cache.symbols, cache.waiting)
    list.count = 0
    list.reserve(count)
    heap.count = 0
    for i in 0..<count {
      list.push(
        Symbol(
          id: ids.pointer[mark &+ i], previous: Int32(i) - 1,
          next: i + 1 < count ? Int32(i) + 1 : -1))
    }
    let symbols = list.pointer
    func wait(_ place: Int32) {
      let next = symbols[Int(place)].next
      if next < 0 { return }
      let merge = merges.find(symbols[Int(place)].id, symbols[Int(next)].id)
      if merge != MergeTable.none { heap.insert(Waiting(merge: merge, place: place)) }
    }
    for i in 0..<count { wait(Int32(i)) }
    while let top = heap.removeFirst() {
      let place = Int(top.place)
      let next = symbols[place].next
      // Its symbols may have been merged since.
      if symbols[place].id < 0 || next < 0 { continue }
      if merges.find(symbols[place].id, symbols[Int(next)].id) != top.merge { continue }
      symbols[place].id = Int32(truncatingIfNeeded: top.merge)
      let after = symbols[Int(next)].next
      symbols[Int(next)].id = -1
      symbols[place].next = after
      if after >= 0 { symbols[Int(after)].previous = top.place }
      if symbols[place].previous >= 0 { wait(symbols[place].previous) }
      wait(top.place)
    }
    ids.count = mark
    for i in 0..<count where symbols[i].id >= 0 { ids.push(symbols[i].id) }
  }
}

extension GrowableBuffer where Element == MergeQueue.Waiting {
  /// Adds an element to the heap.
  fileprivate func insert(_ element: Element) {
    reserve(1)
    var i = count
    count &+= 1
    while i > 0 {
      let parent = (i &- 1) / 2
      if !(element < pointer[parent]) { break }
      pointer[i] = pointer[parent]
      i = parent
    }
    pointer[i] = element
  }

  /// Takes the first element from the heap.
  fileprivate func removeFirst() -> Element? {
    if count == 0 { return nil }
    let first = pointer[0]
    count &-= 1
    if count == 0 { return first }
    let last = pointer[count]
    var i = 0
    while true {
      var child = 2 &* i &+ 1
      if child >= count { break }
      if child &+ 1 < count, pointer[child &+ 1] < pointer[child] { child &+= 1 }
      if !(pointer[child] < last) { break }
      pointer[i] = pointer[child]
      i = child
    }
    pointer[i] = last
    return first
  }
}
