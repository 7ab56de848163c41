import Failures
import Models
import Tokenizers

/// Cuts the tokens of texts into passages that start every few tokens: `--window N:STRIDE`.
package struct PassageCutter: Sendable {
  /// Most tokens of the text in a passage.
  private let room: Int
  private let stride: Int
  private let prefix: [Int32]
  private let suffix: [Int32]

  /// - Parameters:
  ///   - length: Most tokens of a passage, special ones included.
  ///   - stride: Tokens from the start of a passage to the start of the next.
  ///   - prefix: Special tokens in front of every passage.
  ///   - suffix: Special tokens behind every passage.
  /// - Throws: 64 where there is no room for a text, or passages would leave tokens out.
  package init(
    length: Int, stride: Int, prefix: [Int32], suffix: [Int32]
  ) throws(Failure) {
    let specials = prefix.count + suffix.count
    guard length > specials, (1...length - specials).contains(stride) else {
      throw .usage(
        "--window: \(length) tokens, \(specials) of them special, "
          + "cannot start every \(stride) without leaving some out")
    }
    room = length - specials
    self.stride = stride
    self.prefix = prefix
    self.suffix = suffix
  }

  /// Reads `N:STRIDE` and asks a tokenizer for the special tokens.
  ///
  /// - Throws: 64 where the text is no pair of numbers, the role fills its texts up, or there is no
  ///   room for a text.
  package init(
    parsing text: String, _ tokenizer: Tokenizer, _ role: RoleTokenizer?
  ) throws(Failure) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let length = parts[0], let stride = parts[1], stride >= 1 else {
      throw .usage("--window: expected N:STRIDE, found \(text)")
    }
    if let role, role.settings.filling != .none {
      throw .usage("--window is not for roles whose texts are filled up")
    }
    var scratch = TokenizerScratch()
    let (prefix, suffix) =
      try role?.surroundings(&scratch) ?? tokenizer.surroundings(scratch: &scratch)
    try self.init(length: length, stride: stride, prefix: prefix, suffix: suffix)
  }

  /// Cuts texts into passages, whose ids are `ID#0`, `ID#1` and so on; a text that fits is one.
  ///
  /// - Parameters:
  ///   - ids: The ids of the texts.
  ///   - tokens: Their tokens, without special ones.
  /// - Returns: The passages with their special tokens.
  package func cut(
    _ ids: [[UInt8]], _ tokens: TokenWindow
  ) -> (ids: [[UInt8]], tokens: TokenWindow) {
    var passageIDs: [[UInt8]] = []
    var passages = TokenWindow()
    passages.truncated = tokens.truncated
    for (record, id) in ids.enumerated() {
      let range = tokens.range(record)
      var number = 0
      var start = range.lowerBound
      while true {
        let end = min(start + room, range.upperBound)
        append(tokens.ids[start..<end], to: &passages)
        passageIDs.append(id + Array("#\(number)".utf8))
        if end == range.upperBound { break }
        number += 1
        start += stride
      }
    }
    return (passageIDs, passages)
  }

  private func append(_ content: ArraySlice<Int32>, to passages: inout TokenWindow) {
    let count = prefix.count + content.count + suffix.count
    passages.ids += prefix + content + suffix
    passages.typeIDs += repeatElement(0, count: count)
    passages.attended += repeatElement(1, count: count)
    passages.offsets.append(passages.ids.count)
  }
}

/// Passes over the texts or passages that an earlier run has written.
package struct PassageSkipper: Sendable {
  private var left: Int

  /// - Parameter count: How many are to be passed over.
  package init(_ count: Int) { left = count }

  /// Takes from the front of a block what is done already.
  package mutating func skip(_ ids: inout [[UInt8]], _ tokens: inout TokenWindow) {
    let count = min(left, ids.count)
    if count == 0 { return }
    left -= count
    ids.removeFirst(count)
    tokens = tokens.dropFirst(count)
  }
}
