import Streams

/// Notices ids that occur again, in bounded memory.
///
/// A table holds a hash of 64 bits for each id. When it has as many as it may (six million, in 64 MB),
/// half of them are dropped, those whose hash does not begin with a zero, and from then on only ids whose
/// hash does are looked at; then a quarter, and so on. So up to six million ids every repetition is
/// noticed, and of more ids those of a part that is drawn at random. Two ids with one hash are one in
/// three million tables of six million.
package struct RepeatedIDs: Sendable {
  /// Hashes by their low bits, with linear probing; 0 is a free slot.
  private var slots: [UInt64]
  private var held = 0
  private let maximumSlots: Int
  /// High bits that are zero in every hash that is looked at.
  private var zeroBits = 0

  /// Occurrences of an id that occurred before.
  package private(set) var count = 0
  /// Share of the ids that are looked at: 1, a half, a quarter and so on.
  package var share: Double { 1 / Double(1 << zeroBits) }

  /// Nothing yet.
  ///
  /// - Parameter maximumSlots: Size of the table at most, a power of two.
  package init(maximumSlots: Int = 1 << 23) {
    precondition(maximumSlots >= 16 && maximumSlots & (maximumSlots - 1) == 0, "a power of two")
    self.maximumSlots = maximumSlots
    slots = [UInt64](repeating: 0, count: min(maximumSlots, 1 << 10))
  }

  /// Takes note of an id; whether it is known to have occurred before.
  package mutating func note(_ id: UnsafeRawBufferPointer) -> Bool {
    note(hash: Checksum.xxh3(id))
  }

  /// Takes note of an id by its hash.
  package mutating func note(hash: UInt64) -> Bool {
    let hash = max(hash, 1)
    guard isLookedAt(hash) else { return false }
    if !insert(hash) {
      count += 1
      return true
    }
    held += 1
    if 4 * held > 3 * slots.count { makeRoom() }
    return false
  }

  private func isLookedAt(_ hash: UInt64) -> Bool {
    zeroBits == 0 || hash >> UInt64(64 - zeroBits) == 0
  }

  /// Puts a hash into the table, if it is not there.
  private mutating func insert(_ hash: UInt64) -> Bool {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      if slots[slot] == hash { return false }
      slot = (slot + 1) & mask
    }
    slots[slot] = hash
    return true
  }

  /// A table twice as large, or, where that is too large, half of the hashes.
  private mutating func makeRoom() {
    let old = slots
    if slots.count < maximumSlots {
      slots = [UInt64](repeating: 0, count: 2 * slots.count)
    } else {
      zeroBits += 1
      slots = [UInt64](repeating: 0, count: slots.count)
    }
    held = 0
    for hash in old where hash != 0 && isLookedAt(hash) {
      _ = insert(hash)
      held += 1
    }
  }
}

extension RepeatedIDs {
  /// Takes note of the ids of a batch.
  ///
  /// - Parameters:
  ///   - batch: The records.
  ///   - warn: Gets what is to be said of the first id of all that occurs again.
  package mutating func note(_ batch: RecordBatch, warn: (String) -> Void) {
    for index in 0..<batch.count {
      guard batch.withID(index, { note($0) }), count == 1 else { continue }
      warn("\(batch.place(index)): id \(batch.idString(index)) occurs twice")
    }
  }

  /// Takes note of ids of a stream.
  ///
  /// - Parameters:
  ///   - ids: The ids.
  ///   - place: The stream's name, for messages.
  ///   - warn: Gets what is to be said of the first id of all that occurs again.
  package mutating func note(
    _ ids: [[UInt8]], at place: String, warn: (String) -> Void
  ) {
    for id in ids {
      guard id.withUnsafeBytes({ note($0) }), count == 1 else { continue }
      warn("\(place): id \(String(decoding: id, as: UTF8.self)) occurs twice")
    }
  }

  /// What is to be said at the end; nil where it was said, or there is nothing to say.
  package var summary: String? {
    if count < 2 { return nil }
    let seen = share < 1 ? " among the 1 of \(1 << zeroBits) ids that were looked at" : ""
    return "\(count) records have an id that occurred before\(seen)"
  }
}
