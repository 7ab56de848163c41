import Kernels

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
  /// Whether there are tokens that nobody attends to.
  package private(set) var hidesTokens = false
  /// Sequences that attend to each other: none, or sets that together are all sequences.
  package private(set) var sets: [SequenceSet] = []
  /// What the first sequences have to do with prefixes; the others have none.
  private var prefixes: [SequencePrefix] = []
  /// Index of each sequence's first token, and the number of tokens at the end, offsets[B+1].
  package private(set) var offsets: [Int] = [0]

  package init() {}

  /// B.
  package var sequences: Int { offsets.count - 1 }
  /// T.
  package var tokens: Int { ids.count }

  /// Tokens of the longest sequence and of what stands in front of it; 0 where there is none.
  var longest: Int {
    (0..<sequences).reduce(0) { max($0, prefix($1).tokens + range($1).count) }
  }

  /// What a sequence has to do with a prefix.
  func prefix(_ index: Int) -> SequencePrefix {
    index < prefixes.count ? prefixes[index] : .none
  }

  /// Tokens of sequence `index`.
  package func range(_ index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }

  /// A copy of the batch in which the tokens have other ids, ids[T].
  package func withIDs(_ ids: [Int32]) -> PackedBatch {
    precondition(ids.count == tokens, "\(ids.count) ids for \(tokens) tokens")
    var batch = self
    batch.ids = ids
    return batch
  }

  /// One sequence of the ids 0..<count: the rows of a table.
  package static func counting(_ count: Int) -> PackedBatch {
    var batch = PackedBatch()
    batch.append(ids: 0..<Int32(count), typeIDs: repeatElement(UInt8(0), count: count))
    return batch
  }

  /// The first token of each sequence.
  package var firstTokens: PackedBatch {
    var batch = PackedBatch()
    for start in offsets.dropLast() {
      batch.append(ids: [ids[start]], typeIDs: [UInt8(truncatingIfNeeded: typeIDs[start])])
    }
    return batch
  }

  /// Appends a sequence of at least one token, of which some may be hidden from attention.
  ///
  /// - Parameters:
  ///   - ids: Ids of the tokens.
  ///   - typeIDs: Type id of each token.
  ///   - attended: 0 for a token that nobody attends to; at least one token is attended to.
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

  /// Appends a sequence of at least one token, which is a prefix or stands behind one.
  ///
  /// Only backbones with `Backbone.prefixBytes` take notice, in inference.
  package mutating func append(
    ids: some Collection<Int32>, typeIDs: some Collection<UInt8>, _ prefix: SequencePrefix
  ) {
    prefixes += Array(repeating: SequencePrefix.none, count: sequences - prefixes.count)
    let first = tokens
    append(ids: ids, typeIDs: typeIDs)
    prefixes.append(prefix)
    for token in first..<tokens { positions[token] += Int32(prefix.tokens) }
  }

  /// Some of the sequences, in their order.
  ///
  /// - Precondition: The range holds a set as a whole or not at all.
  package func sequences(_ range: Range<Int>) -> PackedBatch {
    let tokens = offsets[range.lowerBound]..<offsets[range.upperBound]
    var part = PackedBatch()
    part.ids = Array(ids[tokens])
    part.typeIDs = Array(typeIDs[tokens])
    part.positions = Array(positions[tokens])
    part.attended = Array(attended[tokens])
    part.hidesTokens = part.attended.contains(0)
    part.prefixes = prefixes.isEmpty ? [] : range.map { prefix($0) }
    part.offsets = offsets[range.lowerBound...range.upperBound].map { $0 - tokens.lowerBound }
    for set in sets where set.sequences.overlaps(range) {
      precondition(range.clamped(to: set.sequences) == set.sequences, "half a set")
      let first = set.sequences.lowerBound - range.lowerBound
      part.sets.append(
        SequenceSet(
          sequences: first..<first + set.sequences.count, sharedToken: set.sharedToken,
          drawn: set.drawn, seed: set.seed))
    }
    return part
  }

  /// Makes all sequences sets.
  ///
  /// - Parameters:
  ///   - sizes: For each set the number of its sequences, the number of states that are drawn, and
  ///     their seed. The sets together hold all sequences.
  ///   - sharedToken: Position of the token that the other sequences of a set attend to.
  package mutating func makeSets(
    _ sizes: [(count: Int, drawn: Int, seed: UInt64)], sharedToken: Int
  ) {
    precondition(
      sizes.reduce(0) { $0 + $1.count } == sequences, "sets of \(sizes), \(sequences) sequences")
    for sequence in 0..<sequences {
      precondition(range(sequence).count > sharedToken, "no token \(sharedToken) to share")
    }
    var first = 0
    sets = sizes.map { size in
      defer { first += size.count }
      return SequenceSet(
        sequences: first..<first + size.count, sharedToken: sharedToken, drawn: size.drawn,
        seed: size.seed)
    }
  }
}

/// States that the tokens of each sequence attend to in a batch of sets: those of its own tokens, of
/// the shared token of each other sequence of its set, and the drawn states of the set.
struct SetKeys {
  /// Rows of the states, of each sequence: its own first.
  let rows: [[Int]]
  /// 0 for a state that is not attended to.
  let keep: [[UInt8]]

  init(_ batch: PackedBatch) {
    var (rows, keep): ([[Int]], [[UInt8]]) = ([], [])
    var firstDrawn = batch.tokens
    for set in batch.sets {
      let drawn = firstDrawn..<firstDrawn + set.drawn
      firstDrawn = drawn.upperBound
      for sequence in set.sequences {
        let own = batch.range(sequence)
        let shared = set.sequences.filter { $0 != sequence }.map {
          batch.offsets[$0] + set.sharedToken
        }
        rows.append(Array(own) + shared + drawn)
        keep.append(
          batch.attended[own] + [UInt8](repeating: 1, count: shared.count + drawn.count))
      }
    }
    (self.rows, self.keep) = (rows, keep)
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

extension PackedBatch {
  /// Draws the states behind the tokens of states[T+S,D], set by set.
  func drawStates(into states: MutableMatrixView, layer: Int) {
    let width = states.columns
    func state(_ sequence: Int, _ set: SequenceSet) -> UnsafeMutablePointer<Float> {
      states.base + (offsets[sequence] + set.sharedToken) * states.stride
    }
    var row = tokens
    for set in sets where set.drawn > 0 {
      let random = CounterRandom(seed: set.seed, stream: UInt64(layer))
      for column in 0..<width {
        let (mean, deviation) = Self.moments(set.sequences.map { state($0, set)[column] })
        for drawn in 0..<set.drawn {
          let index = drawn * width + column
          states.base[(row + drawn) * states.stride + column] =
            mean + deviation * random.normal(at: UInt64(index))
        }
      }
      row += set.drawn
    }
  }

  /// Mean and standard deviation as `torch.mean` and `torch.std` have them; a deviation of 0 for one
  /// value.
  private static func moments(_ values: [Float]) -> (mean: Float, deviation: Float) {
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    if values.count == 1 { return (Float(mean), 0) }
    let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return (Float(mean), Float((squares / Double(values.count - 1)).squareRoot()))
  }
}
