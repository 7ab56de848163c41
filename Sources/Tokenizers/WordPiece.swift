import Failures

/// The WordPiece model: a word is cut greedily into the longest pieces of the vocabulary.
///
/// Source: `models/wordpiece/mod.rs` of Hugging Face `tokenizers` 0.22.2.
struct WordPiece: Sendable {
  let vocabulary: Vocabulary
  /// Pieces inside words, without their prefix.
  private let continuations: TokenTable
  private let startLengths: PieceLengths
  private let continuationLengths: PieceLengths
  let unknownID: Int32
  let unknownToken: String
  let continuationPrefix: String
  /// Words of more scalars are unknown.
  let maximumScalarsPerWord: Int
  /// Tells the words of this model in a cache from those of others.
  private let stamp = WordCache.nextStamp()

  /// - Throws: 78 where `unknownToken` is not in the vocabulary.
  init(
    vocabulary: Vocabulary, unknownToken: String, continuationPrefix: String,
    maximumScalarsPerWord: Int, place: String
  ) throws(Failure) {
    guard let unknownID = vocabulary.id(of: unknownToken) else {
      throw .config(place, "expected the unknown token \(unknownToken) in the vocabulary")
    }
    self.vocabulary = vocabulary
    self.unknownID = unknownID
    self.unknownToken = unknownToken
    self.continuationPrefix = continuationPrefix
    self.maximumScalarsPerWord = maximumScalarsPerWord
    (continuations, continuationLengths) = Self.continuations(
      vocabulary, Array(continuationPrefix.utf8))
    var lengths = PieceLengths()
    vocabulary.arena.withUnsafeBufferPointer { arena in
      for span in vocabulary.spans {
        lengths.insert(arena.baseAddress.unsafelyUnwrapped + Int(span.offset), Int(span.length))
      }
    }
    startLengths = lengths
  }

  private static func continuations(
    _ vocabulary: Vocabulary, _ prefix: [UInt8]
  ) -> (TokenTable, PieceLengths) {
    var table = TokenTable(expected: vocabulary.count / 4)
    var lengths = PieceLengths()
    vocabulary.arena.withUnsafeBufferPointer { arena in
      let base = arena.baseAddress.unsafelyUnwrapped
      for (id, span) in vocabulary.spans.enumerated() where span.length >= prefix.count {
        let offset = Int(span.offset)
        guard (0..<prefix.count).allSatisfy({ base[offset + $0] == prefix[$0] }) else { continue }
        let length = Int(span.length) - prefix.count
        _ = table.insert(base, offset + prefix.count, length, id: Int32(id))
        lengths.insert(base + offset + prefix.count, length)
      }
    }
    return (table, lengths)
  }

  /// Opens the tables for one text.
  @inline(__always)
  func withReader<R>(_ cache: WordCache, _ body: (Reader) -> R) -> R {
    cache.use(stamp)
    return vocabulary.arena.withUnsafeBufferPointer { arena in
      let base = arena.baseAddress.unsafelyUnwrapped
      return vocabulary.table.withLookup(base) { starts in
        continuations.withLookup(base) { continuations in
          body(
            Reader(
              starts: starts, continuations: continuations, startLengths: startLengths,
              continuationLengths: continuationLengths, unknownID: unknownID,
              maximumScalars: maximumScalarsPerWord, cache: cache))
        }
      }
    }
  }

  /// The model with its tables opened.
  struct Reader {
    let starts: TokenTable.Lookup
    let continuations: TokenTable.Lookup
    let startLengths: PieceLengths
    let continuationLengths: PieceLengths
    let unknownID: Int32
    let maximumScalars: Int
    let cache: WordCache

    /// Appends the pieces of a word, after which eight bytes can be read; `ids` has room for one a
    /// byte.
    @inline(__always)
    func append(_ word: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>) {
      if count <= maximumScalars {
        let id = starts.find(word, count)
        if id >= 0 { return ids.push(id) }
      }
      guard count <= WordCache.longestWord else { return appendPieces(word, count, to: ids) }
      let slot = cache.slot(word, count)
      if cache.copy(slot, word, count, to: ids) { return }
      let mark = ids.count
      appendPieces(word, count, to: ids)
      cache.store(slot, word, count, ids, from: mark)
    }

    /// Appends the pieces of a word that is no piece itself, or too long.
    @inline(never)
    private func appendPieces(
      _ word: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>
    ) {
      let mark = ids.count
      if count > maximumScalars, scalarCount(word, count) > maximumScalars {
        return ids.push(unknownID)
      }
      var start = 0
      while start < count {
        let (id, length) =
          start == 0
          ? longest(word, count, starts, startLengths)
          : longest(word + start, count &- start, continuations, continuationLengths)
        if id < 0 {
          ids.count = mark
          return ids.push(unknownID)
        }
        ids.push(id)
        start &+= length
      }
    }

    /// The longest piece that `bytes` start with, and its length; -1 for none.
    ///
    /// Pieces are whole scalars, so that one that matches ends where a scalar does.
    @inline(__always)
    private func longest(
      _ bytes: UnsafePointer<UInt8>, _ count: Int, _ table: TokenTable.Lookup,
      _ lengths: PieceLengths
    ) -> (id: Int32, length: Int) {
      var length = min(count, table.longest)
      while length >= PieceLengths.longest {
        let id = table.find(bytes, length)
        if id >= 0 { return (id, length) }
        length &-= 1
      }
      var candidates = lengths.starting(bytes, upTo: length)
      while candidates != 0 {
        length = 63 &- candidates.leadingZeroBitCount
        let id = table.find(bytes, length)
        if id >= 0 { return (id, length) }
        candidates ^= 1 &<< UInt64(length)
      }
      return (-1, 0)
    }

    private func scalarCount(_ word: UnsafePointer<UInt8>, _ count: Int) -> Int {
      var scalars = 0
      for i in 0..<count where word[i] & 0xC0 != 0x80 { scalars &+= 1 }
      return scalars
    }
  }
}

/// How long the pieces can be that start with given bytes.
///
/// Other lengths need not be looked up, and most starts have few.
struct PieceLengths: Sendable {
  /// From here on lengths are not told apart.
  static let longest = 63
  private static let bits: UInt64 = 13

  /// By a hash of the first three bytes, bit n for a piece of n bytes; shorter pieces are in all.
  private var lengths = [UInt64](repeating: 0b110, count: 1 << Int(bits))

  @inline(__always)
  private static func slot(_ bytes: UnsafePointer<UInt8>) -> Int {
    let key = UInt64(bytes[0]) | UInt64(bytes[1]) &<< 8 | UInt64(bytes[2]) &<< 16
    return Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) &>> (64 &- bits))
  }

  mutating func insert(_ piece: UnsafePointer<UInt8>, _ count: Int) {
    if 3..<Self.longest ~= count { lengths[Self.slot(piece)] |= 1 &<< UInt64(count) }
  }

  /// Bit n for each length n up to `count`, less than 63, of pieces that may start as `bytes` do.
  ///
  /// Two bytes beyond their end can be read.
  @inline(__always)
  func starting(_ bytes: UnsafePointer<UInt8>, upTo count: Int) -> UInt64 {
    lengths[Self.slot(bytes)] & (2 &<< UInt64(count) &- 1)
  }
}
