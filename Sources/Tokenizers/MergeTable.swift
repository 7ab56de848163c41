/// The merges of a BPE model: which pairs of tokens become one, and in which order.
///
/// Open addressing with linear probing, at most half full.
struct MergeTable: Sendable {
  struct Entry: Sendable, BitwiseCopyable {
    /// Both ids, the left one in the upper half; `UInt64.max` in empty slots.
    var pair: UInt64
    /// The rank in the upper half, the id of the merged token in the lower.
    var merge: UInt64
  }

  /// No merge: later than all others.
  static let none = UInt64.max

  private var entries: [Entry]
  private let shift: UInt64

  init(expected: Int) {
    var bits: UInt64 = 4
    while 1 << bits < 2 * expected { bits += 1 }
    shift = 64 - bits
    entries = [Entry](
      repeating: Entry(pair: .max, merge: Self.none), count: 1 << Int(bits))
  }

  /// Adds a merge; of those of the same pair the last counts.
  mutating func insert(_ left: Int32, _ right: Int32, rank: Int, id: Int32) {
    let pair = Self.pair(left, right)
    var slot = Self.slot(pair, shift)
    while entries[slot].pair != .max, entries[slot].pair != pair {
      slot = (slot + 1) & (entries.count - 1)
    }
    entries[slot] = Entry(
      pair: pair, merge: UInt64(rank) << 32 | UInt64(UInt32(bitPattern: id)))
  }

  @inline(__always)
  fileprivate static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) &<< 32 | UInt64(UInt32(bitPattern: right))
  }

  @inline(__always)
  fileprivate static func slot(_ pair: UInt64, _ shift: UInt64) -> Int {
    let mixed = (pair ^ pair &>> 29) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed &>> shift)
  }

  /// Gives `body` the table for look-ups.
  @inline(__always)
  func withLookup<R>(_ body: (Lookup) -> R) -> R {
    entries.withUnsafeBufferPointer {
      body(
        Lookup(
          entries: $0.baseAddress.unsafelyUnwrapped, mask: $0.count - 1, shift: shift))
    }
  }

  /// A table opened for reading.
  struct Lookup {
    fileprivate let entries: UnsafePointer<Entry>
    fileprivate let mask: Int
    fileprivate let shift: UInt64

    /// The merge of a pair, `none` for none.
    @inline(__always)
    func find(_ left: Int32, _ right: Int32) -> UInt64 {
      let pair = MergeTable.pair(left, right)
      var slot = MergeTable.slot(pair, shift)
      while true {
        let entry = entries + slot
        if entry.pointee.pair == pair { return entry.pointee.merge }
        if entry.pointee.pair == .max { return MergeTable.none }
        slot = (slot &+ 1) & mask
      }
    }
  }
}
