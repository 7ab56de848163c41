/// Passes over the records that an earlier run has written.
///
/// Bad records that were skipped then are skipped again, so good ones are counted, not places.
package struct RecordSkipper {
  private var left: Int

  /// Passes over so many records.
  package init(_ count: Int) { left = count }

  /// Takes from the front of a batch what is done already.
  package mutating func skip(in batch: inout RecordBatch) {
    let count = min(left, batch.count)
    batch.slots.removeFirst(count)
    left -= count
  }
}
