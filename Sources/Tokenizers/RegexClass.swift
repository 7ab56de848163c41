import COniguruma
import Synchronization
import UnicodeTables

/// The classes and properties of regular expressions, as Oniguruma numbers them: those of POSIX
/// first, then ours.
enum RegexClass {
  /// In the order of the library's numbers.
  private static let posix = [
    "newline", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "posixpunct",
    "space", "upper", "xdigit", "word", "alnum", "ascii",
  ]
  private static let word = Int32(12)

  /// The class of `\p{…}`; nil where there is none.
  ///
  /// - Parameters:
  ///   - start: the name, where spaces, `-`, `_` and the case of letters do not matter.
  ///   - count: its length in bytes.
  /// - Returns: its number.
  static func named(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32? {
    var name = ""
    for byte in UnsafeBufferPointer(start: start, count: count) {
      guard byte < 0x80 else { return nil }
      if [UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte) { continue }
      let isUpper = byte &- 0x41 < 26
      name.unicodeScalars.append(Unicode.Scalar(isUpper ? byte | 0x20 : byte))
    }
    if let index = posix.firstIndex(of: name) { return Int32(index) }
    return ScalarProperty.index(of: name).map { Int32(posix.count + $0) }
  }

  /// Whether `scalar` is of a class: what `\w` and `\b` ask for each character.
  static func contains(_ type: Int32, _ scalar: UInt32) -> Bool {
    type == word ? isWord(scalar) : isInRanges(scalar, ranges(type))
  }

  private static func isInRanges(_ scalar: UInt32, _ ranges: UnsafePointer<UInt32>?) -> Bool {
    guard let ranges else { return false }
    var (low, high) = (0, Int(ranges[0]))
    while low < high {
      let middle = (low + high) / 2
      if scalar > ranges[2 * middle + 2] { low = middle + 1 } else { high = middle }
    }
    return low < Int(ranges[0]) && ranges[2 * low + 1] <= scalar
  }

  /// `\w` by itself: an oddity of Oniguruma, also the numbers below U+0100.
  private static let oddWords: [UInt32] = [0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE]

  private static func isWord(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 {
      return (scalar | 0x20) &- 0x61 < 26 || scalar &- 0x30 < 10 || scalar == 0x5F
    }
    return oddWords.contains(scalar) || isInRanges(scalar, words)
  }

  nonisolated(unsafe) private static let words = ranges(word)

  /// Tables that were asked for; they are kept, since the library keeps their addresses.
  private struct Tables: @unchecked Sendable {
    var made: [Int32: UnsafePointer<UInt32>] = [:]
  }
  private static let tables = Mutex(Tables())

  /// The ranges of a class in the library's form: their number, then the first and last of each.
  static func ranges(_ type: Int32) -> UnsafePointer<UInt32>? {
    tables.withLock { tables in
      if let known = tables.made[type] { return known }
      guard let ranges = list(type) else { return nil }
      let table = UnsafeMutablePointer<UInt32>.allocate(capacity: 1 + 2 * ranges.count)
      table[0] = UInt32(ranges.count)
      for (index, range) in ranges.enumerated() {
        table[2 * index + 1] = range.lowerBound
        table[2 * index + 2] = range.upperBound
      }
      tables.made[type] = UnsafePointer(table)
      return UnsafePointer(table)
    }
  }

  private static func list(_ type: Int32) -> [ClosedRange<UInt32>]? {
    if type == 0 { return [0xA...0xA] }
    if type < 0 { return nil }
    if type < posix.count { return ScalarProperty.named(posix[Int(type)]) }
    return ScalarProperty.ranges(Int(type) - posix.count)
  }
}
