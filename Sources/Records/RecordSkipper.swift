/// Passes over the records that an earlier run has written.
///
/// Bad records that were skipped then are skipped again, so good ones are counted, not places.
package struct RecordSkipper {
  private var left: Int

  /// Passes over so many records.
  package init(_ count: Int) { left = count }

  /// Takes from the front of a batch what is done already.
  package mutating func skip(in batch: inout RecordBatch) {
    batch.slots.removeFirst(take(atMost: batch.count))
  }

  /// How many of some records are done already, which are passed over by that.
  package mutating func take(atMost count: Int) -> Int {
    let taken = min(left, count)
    left -= taken
    return taken
  }
}
