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

  /// attended[T], 0 for a token that nobody attends to, itself included; nil where all are.
  ///
  /// ColBERT's query expansion may be so: its tokens look at the text, nobody looks at them.
  package private(set) var attended: [UInt8]?
  /// Runs of neighbouring sequences that see one token of each other; none for most models.
  package var groups: [SequenceGroup] = []

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
  /// `attended`: one byte a token, 0 for one that is not attended to; nil where all are.
  package mutating func append(
    ids: some Collection<Int32>, typeIDs: some Collection<UInt8>, attended: [UInt8]? = nil
  ) {
    precondition(!ids.isEmpty && ids.count == typeIDs.count, "a sequence of \(ids.count) tokens")
    precondition(attended == nil || attended?.count == ids.count, "a mask of other length")
    if attended != nil || self.attended != nil {
      var mask = self.attended ?? Array(repeating: 1, count: tokens)
      mask += attended ?? Array(repeating: 1, count: ids.count)
      self.attended = mask
    }
    self.ids.append(contentsOf: ids)
    self.typeIDs.append(contentsOf: typeIDs.lazy.map(Int32.init))
    positions.append(contentsOf: 0..<Int32(ids.count))
    offsets.append(self.ids.count)
  }
}

/// Sequences that attend to one token of each other besides their own tokens: the documents of a
/// query in a Set-Encoder (Schlatt et al., arXiv:2404.06912).
package struct SequenceGroup: Sendable, Equatable {
  /// Neighbouring sequences of the batch.
  package var sequences: Range<Int>
  /// Index of the shared token in each sequence.
  package var token: Int
  /// Rows behind the batch's T tokens that all of the group attend to: states that `draw` makes.
  package var additionalRows: Range<Int>
  /// Of the drawn states.
  package var seed: UInt64

  package init(
    sequences: Range<Int>, token: Int, additionalRows: Range<Int> = 0..<0, seed: UInt64 = 0
  ) {
    self.sequences = sequences
    self.token = token
    self.additionalRows = additionalRows
    self.seed = seed
  }
}
