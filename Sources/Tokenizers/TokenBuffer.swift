/// Encoded texts laid end to end, owned and reused by the caller.
package struct TokenBuffer: Sendable {
  package var ids: [Int32] = []
  /// The segment of each token: 0, and 1 for the second text of a pair where the model has it.
  package var typeIDs: [UInt8] = []
  /// 1 where the post-processor put the token, 0 where it came from the text.
  package var specialTokensMask: [UInt8] = []

  package init() {}

  package var count: Int { ids.count }

  /// Forgets the tokens and keeps the memory.
  package mutating func removeAll() {
    ids.removeAll(keepingCapacity: true)
    typeIDs.removeAll(keepingCapacity: true)
    specialTokensMask.removeAll(keepingCapacity: true)
  }

  /// Forgets the tokens behind the first `count`.
  package mutating func cut(to count: Int) {
    ids.removeLast(ids.count - count)
    typeIDs.removeLast(typeIDs.count - count)
    specialTokensMask.removeLast(specialTokensMask.count - count)
  }

  /// Has all tokens from one on in segment 0.
  package mutating func clearTypeIDs(from start: Int) {
    for place in start..<typeIDs.count { typeIDs[place] = 0 }
  }

  mutating func append(_ tokens: UnsafeBufferPointer<Int32>, typeID: UInt8, special: UInt8) {
    ids.append(contentsOf: tokens)
    typeIDs.append(contentsOf: repeatElement(typeID, count: tokens.count))
    specialTokensMask.append(contentsOf: repeatElement(special, count: tokens.count))
  }
}

/// What `Tokenizer.encode` did to one text or pair.
package struct EncodedCounts: Sendable, Equatable {
  /// Tokens appended, special ones included.
  package var tokens: Int
  /// Tokens that truncation removed.
  package var removed: Int

  package init(tokens: Int, removed: Int) {
    self.tokens = tokens
    self.removed = removed
  }
}

/// The working memory of one thread: make it once and pass it to every call.
package struct TokenizerScratch {
  /// Between two steps of a normalizer.
  let between = GrowableBuffer<UInt8>(capacity: 4096)
  /// The words of the pre-tokenizer that changes them.
  let words = GrowableBuffer<UInt8>(capacity: 256)
  /// The characters of byte-level words.
  let characters = GrowableBuffer<UInt8>(capacity: 256)
  /// Between two steps of a pre-tokenizer.
  let pieces = (GrowableBuffer<PreTokenizer.Piece>(), GrowableBuffer<PreTokenizer.Piece>())
  let texts = (GrowableBuffer<UInt8>(), GrowableBuffer<UInt8>())
  let matcher = RegexMatcher()
  let growth = TextGrowth()
  let cache = WordCache()
  let normalized = GrowableBuffer<UInt8>(capacity: 4096)
  let pending = GrowableBuffer<PendingScalar>(capacity: 64)
  let first = GrowableBuffer<Int32>()
  let second = GrowableBuffer<Int32>()

  package init() {}
}
