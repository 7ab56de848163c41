/// Sequences laid end to end: B sequences, T tokens in all, no padding anywhere.
package struct PackedBatch: Sendable {
  /// ids[T].
  package private(set) var ids: [Int32] = []
  /// typeIDs[T].
  package private(set) var typeIDs: [Int32] = []
  /// Index of each token in its sequence, positions[T].
  package private(set) var positions: [Int32] = []
  /// Where each sequence starts, offsets[B+1].
  package private(set) var offsets: [Int] = [0]

  package init() {}

  /// B.
  package var sequences: Int { offsets.count - 1 }
  /// T.
  package var tokens: Int { ids.count }

  /// Tokens of sequence `index`.
  package func range(_ index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }

  /// The same sequences with other ids, ids[T].
  package func withIDs(_ ids: [Int32]) -> PackedBatch {
    precondition(ids.count == tokens, "\(ids.count) ids for \(tokens) tokens")
    var batch = self
    batch.ids = ids
    return batch
  }

  /// Appends a sequence of at least one token.
  package mutating func append(
    ids: some Collection<Int32>, typeIDs: some Collection<UInt8>, attended: some Collection<UInt8>
  ) {
    append(ids: ids, typeIDs: typeIDs)
  }

  /// Appends a sequence of at least one token.
  package mutating func append(ids: some Collection<Int32>, typeIDs: some Collection<UInt8>) {
    precondition(!ids.isEmpty && ids.count == typeIDs.count, "a sequence of \(ids.count) tokens")
    self.ids.append(contentsOf: ids)
    self.typeIDs.append(contentsOf: typeIDs.lazy.map(Int32.init))
    positions.append(contentsOf: 0..<Int32(ids.count))
    offsets.append(self.ids.count)
  }
}
