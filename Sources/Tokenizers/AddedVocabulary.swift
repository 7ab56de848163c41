import Failures
import Glibc
import UnicodeTables

/// A token that is found in texts before the model sees them.
struct AddedToken: Sendable, Hashable {
  var content: String
  /// Only between characters that are not of words.
  var singleWord = false
  /// Takes the white space before it.
  var stripsLeft = false
  /// Takes the white space after it.
  var stripsRight = false
  /// Looked for in the normalized text, in its normalized form.
  var normalized: Bool
  /// Left out by decoding without special tokens.
  var special: Bool

  static func == (a: AddedToken, b: AddedToken) -> Bool {
    a.content.utf8.elementsEqual(b.content.utf8) && a.singleWord == b.singleWord
      && a.stripsLeft == b.stripsLeft && a.stripsRight == b.stripsRight
      && a.normalized == b.normalized && a.special == b.special
  }

  func hash(into hasher: inout Hasher) {
    for byte in content.utf8 { hasher.combine(byte) }
  }
}

/// The added tokens of a tokenizer.
///
/// Source: `tokenizer/added_vocabulary.rs` of Hugging Face `tokenizers` 0.22.2, with what it does
/// when a token is added again with other flags: the lists keep the first, look-ups the last.
struct AddedVocabulary: Sendable {
  /// Ids by content.
  private(set) var ids: [[UInt8]: Int32] = [:]
  /// Tokens by id.
  private(set) var tokens: [Int32: AddedToken] = [:]
  private var specials: [AddedToken] = []
  private var others: [AddedToken] = []
  private(set) var specialContents: Set<[UInt8]> = []

  /// What is looked for in raw texts.
  private(set) var rawPatterns = PatternSet([])
  /// What is looked for in normalized texts.
  private(set) var normalizedPatterns = PatternSet([])

  /// Adds tokens; contents that neither the model nor this vocabulary has get the next ids.
  mutating func add(_ new: [AddedToken], model: Vocabulary) {
    for token in new where token.special && !token.content.isEmpty {
      if specialContents.insert(Array(token.content.utf8)).inserted { specials.append(token) }
    }
    var known = Set(tokens.values)
    var next = Int32(model.count)
    if let largest = tokens.keys.max(), largest >= next { next = largest + 1 }
    for token in new where !token.content.isEmpty && !known.contains(token) {
      let content = Array(token.content.utf8)
      let id: Int32
      if let known = ids[content] ?? model.id(of: token.content) {
        id = known
      } else {
        id = next
        next += 1
      }
      ids[content] = id
      tokens[id] = token
      if !specialContents.contains(content) { others.append(token) }
      known.insert(token)
    }
  }

  /// Prepares the search.
  ///
  /// - Parameters:
  ///   - place: the checkpoint, for messages.
  ///   - normalize: the tokenizer's normalizer.
  /// - Throws: 78 where a normalized token normalizes to nothing, which would be found everywhere.
  mutating func finish(
    place: String, normalize: ([UInt8]) throws(Failure) -> [UInt8]
  ) throws(Failure) {
    var raw: [PatternSet.Pattern] = []
    var normalized: [PatternSet.Pattern] = []
    for token in specials + others {
      let content = Array(token.content.utf8)
      guard let id = ids[content], let flags = tokens[id] else { continue }
      // Which text is searched is up to the flags of the first, the rest up to those of the last.
      var pattern = PatternSet.Pattern(bytes: content, id: id, flags: flags)
      if token.normalized {
        pattern.bytes = try normalize(content)
        if pattern.bytes.isEmpty {
          throw .config(
            place,
            "expected an added token that normalizes to something, found "
              + "\"\(token.content)\"")
        }
        normalized.append(pattern)
      } else {
        raw.append(pattern)
      }
    }
    rawPatterns = PatternSet(raw)
    normalizedPatterns = PatternSet(normalized)
  }

  func isSpecial(_ content: ArraySlice<UInt8>) -> Bool { specialContents.contains(Array(content)) }

  /// Keeps the special tokens out of the search (`split_special_tokens`).
  mutating func splitSpecialTokens() {
    rawPatterns.drop { specialContents.contains(Array($0.flags.content.utf8)) }
    normalizedPatterns.drop { specialContents.contains(Array($0.flags.content.utf8)) }
  }
}

/// Strings that are searched for together: the leftmost, and of those at one place the longest.
struct PatternSet: Sendable {
  struct Pattern: Sendable {
    var bytes: [UInt8]
    var id: Int32
    var flags: AddedToken
    /// Found, and then ignored.
    var ignored = false
  }

  private var patterns: [Pattern]
  private let firstBytes: [Bool]
  /// The first byte of all patterns where they have the same.
  private let onlyFirstByte: UInt8?

  var isEmpty: Bool { patterns.isEmpty }

  init(_ patterns: [Pattern]) {
    self.patterns = patterns
    var first = [Bool](repeating: false, count: 256)
    for pattern in patterns { first[Int(pattern.bytes[0])] = true }
    firstBytes = first
    onlyFirstByte =
      first.count(where: \.self) == 1
      ? first.firstIndex(of: true).map { UInt8($0) } : nil
  }

  mutating func drop(where unwanted: (Pattern) -> Bool) {
    for i in patterns.indices where unwanted(patterns[i]) { patterns[i].ignored = true }
  }

  /// Cuts `text` at the patterns: calls `piece` with the start and end of what lies between, and
  /// `token` with the id of each pattern found.
  @inline(__always)
  func split(
    _ text: UnsafePointer<UInt8>, _ count: Int, piece: (Int, Int) -> Void, token: (Int32) -> Void
  ) {
    var done = 0
    var next = isEmpty ? count : candidate(text, 0, count)
    while next < count {
      guard let index = longest(text, next, count) else {
        next = candidate(text, next &+ 1, count)
        continue
      }
      let pattern = patterns[index]
      var (start, end) = (next, next &+ pattern.bytes.count)
      next = candidate(text, end, count)
      if pattern.ignored || pattern.flags.singleWord && !isSingleWord(text, start, end, count) {
        continue
      }
      if pattern.flags.stripsLeft { start = max(spaceStart(text, start), done) }
      if pattern.flags.stripsRight { end = spaceEnd(text, end, count) }
      if done < start { piece(done, start) }
      // White space that another token took already leaves nothing.
      if start < end { token(pattern.id) }
      done = end
    }
    if done < count { piece(done, count) }
  }

  /// Where the next pattern may start.
  @inline(__always)
  private func candidate(_ text: UnsafePointer<UInt8>, _ from: Int, _ count: Int) -> Int {
    if from >= count { return count }
    if let onlyFirstByte {
      guard let found = memchr(text + from, Int32(onlyFirstByte), count &- from) else {
        return count
      }
      return UnsafeRawPointer(found) - UnsafeRawPointer(text)
    }
    var i = from
    while i < count, !firstBytes[Int(text[i])] { i &+= 1 }
    return i
  }

  private func longest(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int? {
    var best: Int?
    var bestCount = 0
    for (index, pattern) in patterns.enumerated() {
      let length = pattern.bytes.count
      if length <= bestCount || length > count - start { continue }
      if memcmp(text + start, pattern.bytes, length) == 0 { (best, bestCount) = (index, length) }
    }
    return best
  }

  private func isSingleWord(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ count: Int
  ) -> Bool {
    if start > 0, isWord(UTF8Scalar.decode(before: text + start).scalar) { return false }
    return end == count || !isWord(UTF8Scalar.decode(text + end).scalar)
  }

  private func isWord(_ scalar: UInt32) -> Bool { ScalarProperties.of(scalar).contains(.word) }

  private func spaceStart(_ text: UnsafePointer<UInt8>, _ end: Int) -> Int {
    var start = end
    while start > 0 {
      let (scalar, length) = UTF8Scalar.decode(before: text + start)
      if !ScalarProperties.of(scalar).contains(.whiteSpace) { break }
      start -= length
    }
    return start
  }

  private func spaceEnd(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    var end = start
    while end < count {
      let (scalar, length) = UTF8Scalar.decode(text + end)
      if !ScalarProperties.of(scalar).contains(.whiteSpace) { break }
      end += length
    }
    return end
  }
}
