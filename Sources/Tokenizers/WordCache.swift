import Synchronization

/// What one thread remembers of the words that a model has cut: of those that share a pair of slots,
/// two.
///
/// It has a fixed size, and changes nothing but time.
final class WordCache {
  /// One word; an entry is a cache line.
  private struct Entry: BitwiseCopyable {
    var word: (UInt64, UInt64, UInt64)
    var ids: (Int32, Int32, Int32, Int32, Int32, Int32, Int32, Int32)
    /// Bytes of the word; 0 for no word.
    var length: UInt8
    var count: UInt8
    var unused: (UInt16, UInt32)
  }

  /// Bytes of the longest word that is remembered.
  static let longestWord = 24
  private static let mostIDs = 8
  private static let bits: UInt64 = 15

  /// Working memory of the search for the best way.
  let steps = GrowableBuffer<Unigram.Step>(capacity: 256)

  /// Working memory of merging: a symbol of several parts; the merges of a short word; the symbols
  /// of a long one and the merges that wait.
  let symbol = GrowableBuffer<UInt8>(capacity: 64)
  let ranks = GrowableBuffer<UInt64>(capacity: 64)
  let symbols = GrowableBuffer<MergeQueue.Symbol>(capacity: 64)
  let waiting = GrowableBuffer<MergeQueue.Waiting>(capacity: 64)

  /// Whether a word could not be cut.
  var hasFailed = false

  private var entries: UnsafeMutablePointer<Entry>?
  private var stamp: UInt64 = 0

  private static let stamps = Atomic<UInt64>(1)

  /// A number that no other model has.
  static func nextStamp() -> UInt64 {
    stamps.wrappingAdd(1, ordering: .relaxed).newValue
  }

  init() {}

  deinit { entries?.deallocate() }

  /// Forgets the words of other models.
  @inline(__always)
  func use(_ stamp: UInt64) {
    if self.stamp != stamp { clear(stamp) }
  }

  private func clear(_ stamp: UInt64) {
    let count = 1 << Self.bits
    let entries = entries ?? .allocate(capacity: count)
    let empty = Entry(
      word: (0, 0, 0), ids: (0, 0, 0, 0, 0, 0, 0, 0), length: 0, count: 0, unused: (0, 0))
    entries.update(repeating: empty, count: count)
    self.entries = entries
    self.stamp = stamp
  }

  /// The bytes of a word of 1...24 bytes, zero-padded.
  @inline(__always)
  private func words(
    _ word: UnsafePointer<UInt8>, _ count: Int
  ) -> (UInt64, UInt64, UInt64) {
    let raw = UnsafeRawPointer(word)
    func part(_ offset: Int) -> UInt64 {
      let left = count &- offset
      if left <= 0 { return 0 }
      let value = (raw + offset).loadUnaligned(as: UInt64.self)
      return left >= 8 ? value : value & (1 &<< UInt64(truncatingIfNeeded: 8 &* left) &- 1)
    }
    return (part(0), part(8), part(16))
  }

  /// Where a word is looked for.
  @inline(__always)
  func slot(_ word: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let (a, b, c) = words(word, count)
    var hash = (a ^ UInt64(truncatingIfNeeded: count)) &* 0x9E37_79B9_7F4A_7C15
    hash = (hash ^ hash &>> 32 ^ b) &* 0xBF58_476D_1CE4_E5B9
    hash = (hash ^ hash &>> 32 ^ c) &* 0x94D0_49BB_1331_11EB
    return Int(truncatingIfNeeded: hash &>> (64 &- Self.bits))
  }

  /// Appends the ids of a word where it is remembered.
  @inline(__always)
  func copy(
    _ slot: Int, _ word: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>
  ) -> Bool {
    if count == 0 { return false }
    let (a, b, c) = words(word, count)
    var entry = entries.unsafelyUnwrapped + slot
    func isWord() -> Bool {
      entry.pointee.length == UInt8(truncatingIfNeeded: count) && entry.pointee.word.0 == a
        && entry.pointee.word.1 == b && entry.pointee.word.2 == c
    }
    if !isWord() {
      entry = entries.unsafelyUnwrapped + (slot ^ 1)
      if !isWord() { return false }
    }
    let found = Int(entry.pointee.count)
    ids.reserve(Self.mostIDs)
    let target = UnsafeMutableRawPointer(ids.pointer + ids.count)
    target.storeBytes(of: entry.pointee.ids, as: type(of: entry.pointee.ids))
    ids.count &+= found
    return true
  }

  /// Remembers the ids from `mark` on as those of a word, where they are few.
  func store(
    _ slot: Int, _ word: UnsafePointer<UInt8>, _ count: Int, _ ids: GrowableBuffer<Int32>,
    from mark: Int
  ) {
    let found = ids.count - mark
    if found > Self.mostIDs || count == 0 { return }
    let entry = entries.unsafelyUnwrapped + slot
    entries.unsafelyUnwrapped[slot ^ 1] = entry.pointee
    entry.pointee.word = words(word, count)
    entry.pointee.length = UInt8(count)
    entry.pointee.count = UInt8(found)
    withUnsafeMutableBytes(of: &entry.pointee.ids) { target in
      target.copyMemory(
        from: UnsafeRawBufferPointer(start: ids.pointer + mark, count: 4 * found))
    }
  }
}
