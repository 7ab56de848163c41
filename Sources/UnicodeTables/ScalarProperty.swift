/// Properties of scalars by name, Unicode 16.0: those of `\p{…}` in Oniguruma, with which Hugging Face
/// `tokenizers` 0.22 runs regular expressions.
///
/// A set is a text of numbers in base 32, least significant digit first; digits are the characters
/// from `0` (0x30) on, and all digits of a number but its last have 32 more. They are, in turn, how many
/// scalars the set lacks and, less one, how many it has.
package enum ScalarProperty {
  private static let sets: [String: Int] = {
    var found: [String: Int] = [:]
    for (index, group) in names.description.split(separator: " ").enumerated() {
      for name in group.split(separator: ",") { found[String(name)] = index }
    }
    return found
  }()

  /// Where each set starts, in which part.
  private static let places: [(part: Int, start: Int)] = {
    var found: [(part: Int, start: Int)] = []
    for (index, part) in parts.enumerated() {
      var start = 0
      for i in 0..<part.utf8CodeUnitCount where part.utf8Start[i] == 0x20 {
        found.append((index, start))
        start = i + 1
      }
    }
    return found
  }()

  /// Which set has a name of lower-case letters and digits: `latin`; nil where none has.
  package static func index(of name: String) -> Int? { sets[name] }

  /// The scalars of a named set; nil where there is none.
  package static func named(_ name: String) -> [ClosedRange<UInt32>]? {
    index(of: name).flatMap(ranges)
  }

  /// The scalars of a set; nil where there is none.
  package static func ranges(_ index: Int) -> [ClosedRange<UInt32>]? {
    guard places.indices.contains(index) else { return nil }
    let part = parts[places[index].part]
    var i = places[index].start
    func number() -> UInt32 {
      var value: UInt32 = 0
      var shift: UInt32 = 0
      while true {
        let digit = UInt32(part.utf8Start[i]) &- 0x30
        i += 1
        value |= (digit & 31) << shift
        if digit < 32 { return value }
        shift += 5
      }
    }
    var found: [ClosedRange<UInt32>] = []
    var end: UInt32 = 0
    while part.utf8Start[i] != 0x20 {
      let low = end + number()
      let high = low + number()
      found.append(low...high)
      end = high + 1
    }
    return found
  }
}
