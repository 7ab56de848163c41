import Failures
import Models
import Tokenizers

/// Cuts tokens into passages: `--window N:STRIDE`.
struct WindowCutter {
  private let content: Int
  private let stride: Int
  private let prefix: [Int32]
  private let suffix: [Int32]

  /// Nil where no window was asked for.
  ///
  /// - Throws: 64 where the window is no pair of numbers or leaves no room for a text.
  init?(
    parsing text: String?, _ tokenizer: Tokenizer, _ role: RoleTokenizer?
  ) throws(Failure) {
    guard let text else { return nil }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let length = parts[0], let stride = parts[1], stride >= 1 else {
      throw .usage("--window: expected N:STRIDE, found \(text)")
    }
    if let role, role.settings.filling != .none {
      throw .usage("--window is not for roles whose texts are filled up")
    }
    var scratch = TokenizerScratch()
    if let role {
      (prefix, suffix) = try role.surroundings(&scratch)
    } else {
      (prefix, suffix) = tokenizer.surroundings(scratch: &scratch)
    }
    content = length - prefix.count - suffix.count
    guard content >= 1, stride <= content else {
      throw .usage(
        "--window: \(length) tokens, \(prefix.count + suffix.count) of them special, "
          + "cannot start every \(stride) without leaving some out")
    }
    self.stride = stride
  }

  /// Passages of the texts; a text that fits is one passage.
  func cut(_ ids: [[UInt8]], _ tokens: TokenWindow) -> (ids: [[UInt8]], TokenWindow) {
    var newIDs: [[UInt8]] = []
    var cut = TokenWindow()
    cut.truncated = tokens.truncated
    for (record, id) in ids.enumerated() {
      let range = tokens.range(record)
      var number = 0
      var start = range.lowerBound
      while true {
        let end = min(start + content, range.upperBound)
        cut.ids += prefix + tokens.ids[start..<end] + suffix
        cut.typeIDs += Array(repeating: 0, count: prefix.count + (end - start) + suffix.count)
        cut.attended += repeatElement(1, count: cut.ids.count - cut.attended.count)
        cut.offsets.append(cut.ids.count)
        newIDs.append(id + Array("#\(number)".utf8))
        if end == range.upperBound { break }
        number += 1
        start += stride
      }
    }
    return (newIDs, cut)
  }
}

/// Passes over the passages (or texts) that an earlier run has written.
struct PassageSkipper {
  private var left: Int

  init(_ count: Int) { left = count }

  mutating func skip(_ ids: inout [[UInt8]], _ tokens: inout TokenWindow) {
    let count = min(left, ids.count)
    if count == 0 { return }
    left -= count
    ids.removeFirst(count)
    tokens = tokens.dropFirst(count)
  }
}
