/// Distinct ids, numbered from 0 in the order of their first insertion, stored flat.
package struct IDTable: Sendable {
  private var bytes: [UInt8] = []
  /// Where id `i` ends in `bytes`; it starts where id `i - 1` ends.
  private var ends: [Int] = []
  /// Open addressing, linear probing; a slot holds an id's number plus 1, or 0.
  private var slots: [UInt32] = []

  /// An empty table.
  package init() {}

  /// Number of ids.
  package var count: Int { ends.count }

  /// Whether there is no id.
  package var isEmpty: Bool { ends.isEmpty }

  /// The number of `id`, which is inserted if it is new.
  package mutating func insert(_ id: UnsafeRawBufferPointer) -> (index: Int, inserted: Bool) {
    if ends.count * 2 >= slots.count { grow() }
    let slot = slot(of: id)
    if slots[slot] != 0 { return (Int(slots[slot]) - 1, false) }
    bytes.append(contentsOf: id)
    ends.append(bytes.count)
    slots[slot] = UInt32(ends.count)
    return (ends.count - 1, true)
  }

  /// The number of `id`, which is inserted if it is new.
  package mutating func insert(_ id: RecordID) -> (index: Int, inserted: Bool) {
    id.bytes.withUnsafeBytes { insert($0) }
  }

  /// The number of `id`, or nil.
  package func find(_ id: UnsafeRawBufferPointer) -> Int? {
    if slots.isEmpty { return nil }
    let entry = slots[slot(of: id)]
    return entry == 0 ? nil : Int(entry) - 1
  }

  /// The number of `id`, or nil.
  package func find(_ id: RecordID) -> Int? { id.bytes.withUnsafeBytes { find($0) } }

  /// The id with this number.
  package subscript(index: Int) -> RecordID { withBytes(index) { RecordID($0) } }

  /// Calls `body` with the bytes of the id with this number.
  @inline(__always)
  package func withBytes<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    let range = (index == 0 ? 0 : ends[index - 1])..<ends[index]
    return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// The slot that holds `id`, or the empty one where it belongs.
  private func slot(of id: UnsafeRawBufferPointer) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: IDHash.hash(id)) & mask
    while slots[slot] != 0 {
      if withBytes(Int(slots[slot]) - 1, { ByteOrder.compare($0, id) == 0 }) { break }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func grow() {
    precondition(ends.count < Int(UInt32.max) / 2, "more than 2^31 ids")
    let capacity = max(16, slots.count * 2)
    slots = [UInt32](repeating: 0, count: capacity)
    for index in 0..<ends.count {
      var slot = withBytes(index) { Int(truncatingIfNeeded: IDHash.hash($0)) } & (capacity - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
      slots[slot] = UInt32(index + 1)
    }
  }
}
