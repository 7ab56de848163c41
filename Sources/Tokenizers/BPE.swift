import Failures

/// The BPE model: the characters of a word are merged pair by pair, in the order of the merges.
///
/// Source: `models/bpe/model.rs` and `word.rs` of Hugging Face `tokenizers` 0.22.2.
struct BPE: Sendable {
  /// What `tokenizer.json` says besides the vocabulary and the merges.
  struct Settings: Sendable {
    /// Nil: what is not in the vocabulary is left out.
    var unknownToken: String?
    /// Before all characters of a word but its first.
    var continuationPrefix: [UInt8] = []
    /// After the last character of a word.
    var wordSuffix: [UInt8] = []
    /// Whether unknown characters that follow each other are one.
    var fusesUnknown = false
    /// Whether unknown characters become the tokens of their bytes.
    var byteFallback = false
    /// Whether words that are tokens are not taken apart.
    var ignoresMerges = false
  }

  let vocabulary: Vocabulary
  private let merges: MergeTable
  private let settings: Settings
  /// -1 where the vocabulary has no unknown token.
  let unknownID: Int32
  /// The ids of `<0x00>`…`<0xFF>`, -1 for those that are no tokens; empty without byte fallback.
  private let byteTokens: [Int32]
  /// The ids of ASCII characters, and of the characters of all bytes, by their place in a word.
  ///
  /// The places are inside, first, last, alone; -1 for those that are no tokens.
  private let asciiIDs: [Int32]
  private let byteIDs: [Int32]
  /// The tokens as the bytes that they stand for; read where words are given as bytes and merges
  /// can be ignored.
  private let byteVocabulary: Vocabulary?
  /// Whether words are given as bytes instead of the characters that stand for them.
  let readsBytes: Bool
  /// Tells the words of this model in a cache from those of others.
  private let stamp = WordCache.nextStamp()

  /// - Parameters:
  ///   - vocabulary: tokens and ids.
  ///   - merges: their pairs, in order.
  ///   - settings: the other fields.
  ///   - readsBytes: whether words will be given as bytes (see `ByteLevel`).
  init(
    vocabulary: Vocabulary, merges: MergeTable, settings: Settings, readsBytes: Bool = false
  ) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.settings = settings
    self.readsBytes = readsBytes
    unknownID = settings.unknownToken.flatMap { vocabulary.id(of: $0) } ?? -1
    byteTokens =
      settings.byteFallback
      ? (0..<256).map { vocabulary.id(of: BytePiece.name(UInt8($0))) ?? -1 } : []
    func ids(_ characters: [[UInt8]]) -> [Int32] {
      (0..<4).flatMap { place in
        characters.map { character in
          Self.symbol(character, place, settings).withUnsafeBytes { vocabulary.id(of: $0) } ?? -1
        }
      }
    }
    asciiIDs = ids((0..<128).map { [UInt8($0)] })
    byteIDs = readsBytes ? ids((0...255).map { ByteCharacters.of(UInt8($0)) }) : []
    byteVocabulary =
      readsBytes && settings.ignoresMerges ? Self.bytes(of: vocabulary) : nil
  }

  /// This model, reading the bytes of words instead of their characters.
  func readingBytes() -> BPE {
    BPE(vocabulary: vocabulary, merges: merges, settings: settings, readsBytes: true)
  }

  /// A character with what its place in the word adds: bit 0 for the first, bit 1 for the last.
  private static func symbol(
    _ character: [UInt8], _ place: Int, _ settings: Settings
  ) -> [UInt8] {
    (place & 1 == 0 ? settings.continuationPrefix : []) + character
      + (place & 2 == 0 ? [] : settings.wordSuffix)
  }

  private static func bytes(of vocabulary: Vocabulary) -> Vocabulary {
    var result = Vocabulary(expected: vocabulary.count, bytes: vocabulary.arena.count)
    for id in vocabulary.spans.indices {
      guard let token = vocabulary.bytes(of: Int32(id)), let bytes = ByteCharacters.read(token)
      else { continue }
      _ = bytes.withUnsafeBytes { result.add($0, id: id) }
    }
    return result
  }

  /// Opens the tables for one text.
  @inline(__always)
  func withReader<R>(_ cache: WordCache, _ body: (Reader) -> R) -> R {
    cache.use(stamp)
    let whole = byteVocabulary ?? vocabulary
    return vocabulary.withLookup { tokens in
      whole.withLookup { whole in
        merges.withLookup { merges in
          asciiIDs.withUnsafeBufferPointer { asciiIDs in
            byteIDs.withUnsafeBufferPointer { byteIDs in
              body(
                Reader(
                  tokens: tokens, whole: whole, merges: merges, settings: settings,
                  unknownID: unknownID, byteTokens: byteTokens,
                  asciiIDs: asciiIDs.baseAddress.unsafelyUnwrapped,
                  byteIDs: readsBytes ? byteIDs.baseAddress : nil, cache: cache))
            }
          }
        }
      }
    }
  }
}

extension BPE {
  /// The model with its tables opened.
  struct Reader {
    let tokens: TokenTable.Lookup
    /// Where whole words are looked for.
    let whole: TokenTable.Lookup
    let merges: MergeTable.Lookup
    let settings: Settings
    let unknownID: Int32
    let byteTokens: [Int32]
    let asciiIDs: UnsafePointer<Int32>
    /// Nil where words are given as characters.
    let byteIDs: UnsafePointer<Int32>?
    let cache: WordCache

    /// Appends the tokens of a word, after which eight bytes can be read.
    ///
    /// `cache.hasFailed` is set where the word has an unknown character, and the unknown token is
    /// not in the vocabulary.
    @inline(__always)
    func append(_ word: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>) {
      if count > WordCache.longestWord { return appendMerged(word, count, to: ids) }
      let slot = cache.slot(word, count)
      if cache.copy(slot, word, count, to: ids) { return }
      let mark = ids.count
      appendMerged(word, count, to: ids)
      cache.store(slot, word, count, ids, from: mark)
    }

    @inline(never)
    private func appendMerged(
      _ word: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>
    ) {
      if settings.ignoresMerges {
        let id = whole.find(word, count)
        if id >= 0 {
          ids.reserve(1)
          return ids.push(id)
        }
      }
      let mark = ids.count
      ids.reserve(count &+ 1)
      if let byteIDs {
        if !appendBytes(word, count, byteIDs, to: ids) {
          ids.count = mark
          // Rare: a byte without a token.
          let characters = GrowableBuffer<UInt8>(capacity: 2 * count + TokenTable.slack)
          ByteCharacters.write(word, count, into: characters)
          appendSymbols(characters.pointer, characters.count, to: ids)
        }
      } else {
        appendSymbols(word, count, to: ids)
      }
      MergeQueue.merge(ids, from: mark, merges, cache)
    }

    /// Appends the tokens of bytes; says no where one has none.
    private func appendBytes(
      _ word: UnsafePointer<UInt8>, _ count: Int, _ byteIDs: UnsafePointer<Int32>,
      to ids: GrowableBuffer<Int32>
    ) -> Bool {
      var missing: Int32 = 0
      for i in 0..<count {
        let place = (i == 0 ? 1 : 0) | (i == count &- 1 ? 2 : 0)
        let id = byteIDs[place &* 256 &+ Int(word[i])]
        missing |= id
        ids.push(id)
      }
      return missing >= 0
    }

    /// Appends the tokens of characters.
    private func appendSymbols(
      _ word: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>
    ) {
      var isUnknownPending = false
      var i = 0
      while i < count {
        let length = UTF8Scalar.decode(word + i).length
        let place = (i == 0 ? 1 : 0) | (i &+ length == count ? 2 : 0)
        let id =
          word[i] < 0x80
          ? asciiIDs[place &* 128 &+ Int(word[i])]
          : find(word + i, length, place)
        ids.reserve(2)
        if id >= 0 {
          if isUnknownPending { ids.push(unknownID) }
          isUnknownPending = false
          ids.push(id)
        } else if !appendByteTokens(word + i, length, place, to: ids),
          settings.unknownToken != nil
        {
          if unknownID < 0 { cache.hasFailed = true }
          if isUnknownPending, !settings.fusesUnknown { ids.push(unknownID) }
          isUnknownPending = true
        }
        i &+= length
      }
      if isUnknownPending {
        ids.reserve(1)
        ids.push(unknownID)
      }
    }

    /// The bytes of a character in its place, put together in working memory.
    private func symbol(_ bytes: UnsafePointer<UInt8>, _ length: Int, _ place: Int) -> (
      UnsafePointer<UInt8>, Int
    ) {
      let buffer = cache.symbol
      buffer.count = 0
      buffer.reserve(
        settings.continuationPrefix.count + settings.wordSuffix.count + length + TokenTable.slack)
      if place & 1 == 0 { settings.continuationPrefix.forEach(buffer.push) }
      for i in 0..<length { buffer.push(bytes[i]) }
      if place & 2 != 0 { settings.wordSuffix.forEach(buffer.push) }
      return (UnsafePointer(buffer.pointer), buffer.count)
    }

    private func find(_ bytes: UnsafePointer<UInt8>, _ length: Int, _ place: Int) -> Int32 {
      let (symbol, count) = symbol(bytes, length, place)
      return tokens.find(symbol, count)
    }

    /// Appends the byte tokens of a character; says no where they are not all there.
    private func appendByteTokens(
      _ bytes: UnsafePointer<UInt8>, _ length: Int, _ place: Int, to ids: GrowableBuffer<Int32>
    ) -> Bool {
      if byteTokens.isEmpty { return false }
      let (symbol, count) = symbol(bytes, length, place)
      for i in 0..<count where byteTokens[Int(symbol[i])] < 0 { return false }
      ids.reserve(count + 2)
      for i in 0..<count { ids.push(byteTokens[Int(symbol[i])]) }
      return true
    }
  }
}
