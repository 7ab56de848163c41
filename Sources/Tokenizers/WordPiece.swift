import Failures

/// The WordPiece model: a word is cut greedily into the longest pieces of the vocabulary.
///
/// Source: `models/wordpiece/mod.rs` of Hugging Face `tokenizers` 0.22.2.
struct WordPiece: Sendable {
  let vocabulary: Vocabulary
  /// Pieces inside words, without their prefix.
  private let continuations: TokenTable
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
    continuations = Self.continuations(vocabulary, Array(continuationPrefix.utf8))
  }

  private static func continuations(_ vocabulary: Vocabulary, _ prefix: [UInt8]) -> TokenTable {
    var table = TokenTable(expected: vocabulary.count / 4)
    vocabulary.arena.withUnsafeBufferPointer { arena in
      let base = arena.baseAddress.unsafelyUnwrapped
      for (id, span) in vocabulary.spans.enumerated() where span.length >= prefix.count {
        let offset = Int(span.offset)
        guard (0..<prefix.count).allSatisfy({ base[offset + $0] == prefix[$0] }) else { continue }
        _ = table.insert(
          base, offset + prefix.count, Int(span.length) - prefix.count, id: Int32(id))
      }
    }
    return table
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
              starts: starts, continuations: continuations, unknownID: unknownID,
              maximumScalars: maximumScalarsPerWord, cache: cache))
        }
      }
    }
  }

  /// The model with its tables opened.
  struct Reader {
    let starts: TokenTable.Lookup
    let continuations: TokenTable.Lookup
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
        let lookup = start == 0 ? starts : continuations
        var length = min(count &- start, lookup.longest)
        var id: Int32 = -1
        while length > 0 {
          // Pieces end where scalars do.
          if start &+ length == count || word[start &+ length] & 0xC0 != 0x80 {
            id = lookup.find(word + start, length)
            if id >= 0 { break }
          }
          length &-= 1
        }
        if id < 0 {
          ids.count = mark
          return ids.push(unknownID)
        }
        ids.push(id)
        start &+= length
      }
    }

    private func scalarCount(_ word: UnsafePointer<UInt8>, _ count: Int) -> Int {
      var scalars = 0
      for i in 0..<count where word[i] & 0xC0 != 0x80 { scalars &+= 1 }
      return scalars
    }
  }
}
