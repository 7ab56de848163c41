/// A hash table from byte strings, which lie in somebody's arena, to ids.
///
/// Open addressing, linear probing, at most half full. Strings of up to eight bytes, which most
/// word pieces are, are keys themselves; longer ones are compared in the arena.
struct TokenTable: Sendable {
  struct Entry: Sendable {
    /// The bytes of a short string, zero-padded; the hash of a long one.
    var key: UInt64
    /// Where the string lies in the arena.
    var offset: UInt32
    /// 0 in empty slots.
    var length: UInt32
    var id: Int32
    var unused: Int32
  }

  /// How many bytes beyond a string's end may be read.
  static let slack = 8

  private var entries: [Entry]
  private var shift: UInt64
  private var used = 0
  /// The id of the empty string, -1 for none.
  private var emptyID: Int32 = -1
  /// Length of the longest string.
  private(set) var longest = 0

  init(expected: Int) {
    var bits = 4
    while 1 << bits < 2 * expected { bits += 1 }
    shift = UInt64(64 - bits)
    entries = Self.empty(1 << bits)
  }

  private static func empty(_ count: Int) -> [Entry] {
    [Entry](
      repeating: Entry(key: 0, offset: 0, length: 0, id: -1, unused: 0), count: count)
  }

  /// Adds the string at `arena[offset..<offset + count]`, or gives it another id.
  ///
  /// - Returns: the id that the string had before.
  mutating func insert(
    _ arena: UnsafePointer<UInt8>, _ offset: Int, _ count: Int, id: Int32
  ) -> Int32? {
    if count == 0 {
      defer { emptyID = id }
      return emptyID < 0 ? nil : emptyID
    }
    if 2 * (used + 1) > entries.count { grow() }
    longest = max(longest, count)
    let key = Self.key(arena + offset, count)
    var slot = Self.slot(key, count, shift)
    while entries[slot].length != 0 {
      let entry = entries[slot]
      if entry.key == key, entry.length == UInt32(count),
        count <= 8 || Self.equal(arena + Int(entry.offset), arena + offset, count)
      {
        entries[slot].id = id
        return entry.id
      }
      slot = (slot + 1) & (entries.count - 1)
    }
    entries[slot] = Entry(
      key: key, offset: UInt32(offset), length: UInt32(count), id: id, unused: 0)
    used += 1
    return nil
  }

  private mutating func grow() {
    let old = entries
    shift -= 1
    entries = Self.empty(2 * old.count)
    for entry in old where entry.length != 0 {
      var slot = Self.slot(entry.key, Int(entry.length), shift)
      while entries[slot].length != 0 { slot = (slot + 1) & (entries.count - 1) }
      entries[slot] = entry
    }
  }

  /// Gives `body` the table for look-ups in `arena`.
  @inline(__always)
  func withLookup<R>(_ arena: UnsafePointer<UInt8>, _ body: (Lookup) -> R) -> R {
    entries.withUnsafeBufferPointer { entries in
      body(
        Lookup(
          entries: entries.baseAddress.unsafelyUnwrapped, mask: entries.count - 1, shift: shift,
          arena: arena, longest: longest, emptyID: emptyID))
    }
  }

  // MARK: Hashing

  /// The low `count` bytes, 1...8 of them, at `bytes`.
  @inline(__always)
  private static func short(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self)
      & (UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* count))
  }

  @inline(__always)
  fileprivate static func key(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    count <= 8 ? short(bytes, count) : hash(bytes, count)
  }

  private static func hash(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    var hash: UInt64 = 0
    var i = 0
    while i &+ 8 < count {
      hash = (hash ^ short(bytes + i, 8)) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash &>> 29
      i &+= 8
    }
    hash = (hash ^ short(bytes + i, count &- i)) &* 0xBF58_476D_1CE4_E5B9
    return hash ^ hash &>> 32
  }

  @inline(__always)
  fileprivate static func slot(_ key: UInt64, _ count: Int, _ shift: UInt64) -> Int {
    let mixed =
      (key ^ UInt64(truncatingIfNeeded: count) &* 0x94D0_49BB_1331_11EB) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: (mixed ^ mixed &<< 31) &>> shift)
  }

  fileprivate static func equal(
    _ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int
  ) -> Bool {
    for i in 0..<count where a[i] != b[i] { return false }
    return true
  }
}

extension TokenTable {
  /// A table opened for reading.
  struct Lookup {
    fileprivate let entries: UnsafePointer<Entry>
    fileprivate let mask: Int
    fileprivate let shift: UInt64
    fileprivate let arena: UnsafePointer<UInt8>
    let longest: Int
    fileprivate let emptyID: Int32

    /// The id of the `count` bytes at `bytes`, after which `slack` bytes can be read; -1 for none.
    @inline(__always)
    func find(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
      if count > longest { return -1 }
      if count == 0 { return emptyID }
      let key = TokenTable.key(bytes, count)
      var slot = TokenTable.slot(key, count, shift)
      while true {
        let entry = entries + slot
        if entry.pointee.length == 0 { return -1 }
        if entry.pointee.key == key, entry.pointee.length == UInt32(truncatingIfNeeded: count),
          count <= 8 || TokenTable.equal(arena + Int(entry.pointee.offset), bytes, count)
        {
          return entry.pointee.id
        }
        slot = (slot &+ 1) & mask
      }
    }
  }
}
