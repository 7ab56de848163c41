import Kernels

/// Dropout mask of some rows of a value.
struct RowMask {
  let rows: Range<Int>
  let mask: Dropout
}

/// Masks of the elements that the operations of one forward pass drop.
struct DropoutMasks {
  private let seed: UInt64
  private let step: UInt64
  private let records: [Int]
  private let batch: PackedBatch
  /// Operations so far.
  private var operation: UInt64 = 0

  /// Offset of the elements of drawn states behind those of their set's first sequence.
  private static let drawnIndex: UInt64 = 1 << 39

  init(seed: UInt64, step: UInt64, records: [Int], _ batch: PackedBatch) {
    precondition(
      batch.sequences == records.count,
      "\(batch.sequences) sequences, \(records.count) records")
    (self.seed, self.step, self.records, self.batch) = (seed, step, records, batch)
  }

  /// The masks of the next operation, one a sequence.
  mutating func next(_ rate: Float, _ sequences: Int) -> [Dropout] {
    precondition(sequences == records.count, "\(sequences) sequences, \(records.count) records")
    defer { operation += 1 }
    return records.map {
      Dropout(
        rate: rate, seed: seed, stream: step << 24 | operation, index: UInt64($0) << 40)
    }
  }

  /// The masks of the next operation for a value of some rows: the tokens, the tokens and behind
  /// them the drawn states, or one row a sequence.
  mutating func next(_ rate: Float, rows: Int) -> [RowMask] {
    let masks = next(rate, records.count)
    if rows != batch.tokens, rows == batch.sequences {
      return masks.indices.map { RowMask(rows: $0..<$0 + 1, mask: masks[$0]) }
    }
    var all = masks.indices.map { RowMask(rows: batch.range($0), mask: masks[$0]) }
    var first = batch.tokens
    for set in batch.sets where set.drawn > 0 && rows > batch.tokens {
      var mask = masks[set.sequences.lowerBound]
      mask.index += Self.drawnIndex
      all.append(RowMask(rows: first..<first + set.drawn, mask: mask))
      first += set.drawn
    }
    precondition(first == rows, "dropout of \(rows) rows that are no sequence's")
    return all
  }
}
