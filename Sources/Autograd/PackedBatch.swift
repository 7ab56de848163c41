/// Sequences laid end to end: B sequences, T tokens in all, no padding anywhere.
package struct PackedBatch: Sendable {
  /// ids[T].
  package private(set) var ids: [Int32] = []
  /// typeIDs[T].
  package private(set) var typeIDs: [Int32] = []
  /// Index of each token in its sequence, positions[T].
  package private(set) var positions: [Int32] = []
  /// 0 for tokens that nobody attends to, attended[T].
  package private(set) var attended: [UInt8] = []
  /// Whether there are such tokens.
  package private(set) var hidesTokens = false
  /// Sequences that attend to each other: none, or sets that together are all sequences.
  package private(set) var sets: [SequenceSet] = []
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
  ///
  /// `attended`: 0 for tokens that nobody attends to; not all of them.
  package mutating func append(
    ids: some Collection<Int32>, typeIDs: some Collection<UInt8>, attended: some Collection<UInt8>
  ) {
    precondition(attended.count == ids.count, "\(attended.count) marks for \(ids.count) tokens")
    append(ids: ids, typeIDs: typeIDs)
    guard attended.contains(0) else { return }
    precondition(attended.contains { $0 != 0 }, "a sequence that nobody attends to")
    self.attended.replaceSubrange(range(sequences - 1), with: attended)
    hidesTokens = true
  }

  /// Appends a sequence of at least one token.
  package mutating func append(ids: some Collection<Int32>, typeIDs: some Collection<UInt8>) {
    precondition(!ids.isEmpty && ids.count == typeIDs.count, "a sequence of \(ids.count) tokens")
    self.ids.append(contentsOf: ids)
    self.typeIDs.append(contentsOf: typeIDs.lazy.map(Int32.init))
    attended.append(contentsOf: repeatElement(1, count: ids.count))
    positions.append(contentsOf: 0..<Int32(ids.count))
    offsets.append(self.ids.count)
  }

  /// Makes the sequences since the last set one set.
  package mutating func endSet(sharedToken: Int, drawn: Int = 0, seed: UInt64 = 0) {
    let start = sets.last?.sequences.upperBound ?? 0
    for sequence in start..<sequences {
      precondition(range(sequence).count > sharedToken, "no token \(sharedToken) to share")
    }
    sets.append(
      SequenceSet(
        sequences: start..<sequences, sharedToken: sharedToken, drawn: drawn, seed: seed))
  }
}

/// Sequences whose tokens attend to one token of each other, besides their own tokens (Set-Encoder,
/// arXiv:2404.06912).
package struct SequenceSet: Sendable {
  package let sequences: Range<Int>
  /// Position of the token that the others attend to.
  package let sharedToken: Int
  /// States that stand for further sequences, drawn anew in every layer.
  package let drawn: Int
  /// Seed of the drawn states.
  package let seed: UInt64
}
