/// The WordLevel model: a word is a token or unknown.
///
/// Source: `models/wordlevel/mod.rs` of Hugging Face `tokenizers` 0.22.2.
struct WordLevel: Sendable {
  let vocabulary: Vocabulary
  /// -1: a word that is no token is an error.
  let unknownID: Int32

  init(vocabulary: Vocabulary, unknownToken: String) {
    self.vocabulary = vocabulary
    unknownID = vocabulary.id(of: unknownToken) ?? -1
  }

  /// Opens the tables for one text.
  @inline(__always)
  func withReader<R>(_ cache: WordCache, _ body: (Reader) -> R) -> R {
    vocabulary.withLookup { body(Reader(tokens: $0, unknownID: unknownID, cache: cache)) }
  }

  /// The model with its table opened.
  struct Reader {
    let tokens: TokenTable.Lookup
    let unknownID: Int32
    let cache: WordCache

    /// Appends the token of a word, after which eight bytes can be read; sets `cache.hasFailed`
    /// where there is none.
    @inline(__always)
    func append(_ word: UnsafePointer<UInt8>, _ count: Int, to ids: GrowableBuffer<Int32>) {
      let id = tokens.find(word, count)
      ids.reserve(1)
      if id >= 0 { return ids.push(id) }
      if unknownID < 0 { cache.hasFailed = true }
      ids.push(unknownID)
    }
  }
}
