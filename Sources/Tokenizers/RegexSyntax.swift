import UnicodeTables

/// A set of scalars, as a class of a regular expression describes it.
struct ScalarSet: Sendable {
  private var ranges: [ClosedRange<UInt32>] = []
  private var categories: GeneralCategory = []
  private var subsets: [ScalarSet] = []
  /// All of these must have a scalar, too.
  private var intersections: [ScalarSet] = []
  private(set) var isNegated = false
  /// Bit n: whether it has the ASCII character n; then those from 64 on.
  private var ascii: (low: UInt64, high: UInt64) = (0, 0)

  init(_ ranges: [ClosedRange<UInt32>] = [], categories: GeneralCategory = []) {
    self.ranges = ranges
    self.categories = categories
    index()
  }

  /// White_Space.
  static let space = ScalarSet([
    0x9...0xD, 0x20...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A,
    0x2028...0x2029, 0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000,
  ])
  static let digit = ScalarSet(categories: .digits)
  static let hexadecimal = ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66])
  /// `\w` in a class: letters, marks, digits, connectors, and what counts as alphabetic besides.
  static let wordInClass = ScalarSet(
    [0x24B6...0x24E9, 0x1F130...0x1F149, 0x1F150...0x1F169, 0x1F170...0x1F189],
    categories: ["L", "M", "Nd", "Nl", "Pc"].reduce([]) { $0.union(.named($1) ?? []) })
  /// `\w` by itself, and of `\b`: an oddity of Oniguruma, also the numbers below U+0100.
  static let word: ScalarSet = {
    var set = wordInClass
    for range: ClosedRange<UInt32> in [0xB2...0xB3, 0xB9...0xB9, 0xBC...0xBE] { set.add(range) }
    return set
  }()

  mutating func add(_ range: ClosedRange<UInt32>) { ranges.append(range) }
  mutating func add(_ set: ScalarSet) { subsets.append(set) }
  mutating func intersect(_ set: ScalarSet) { intersections.append(set) }

  /// Adds the ASCII letters in other cases, and the two other scalars that fold to such.
  mutating func foldCase() {
    for letter in UInt32(0x41)...0x5A where contains(letter) || contains(letter | 0x20) {
      ranges += [letter...letter, (letter | 0x20)...(letter | 0x20)]
      if letter == 0x53 { ranges.append(0x17F...0x17F) }
      if letter == 0x4B { ranges.append(0x212A...0x212A) }
    }
    index()
  }

  var inverted: ScalarSet {
    var set = self
    set.isNegated.toggle()
    set.index()
    return set
  }

  /// Prepares the look-up of ASCII characters: after changes.
  mutating func index() {
    ascii = (0, 0)
    for scalar in UInt32(0)..<64 where search(scalar) { ascii.low |= 1 << UInt64(scalar) }
    for scalar in UInt32(64)..<128 where search(scalar) { ascii.high |= 1 << UInt64(scalar - 64) }
  }

  @inline(__always)
  func contains(_ scalar: UInt32) -> Bool {
    if scalar < 64 { return ascii.low &>> UInt64(scalar) & 1 != 0 }
    if scalar < 128 { return ascii.high &>> UInt64(scalar &- 64) & 1 != 0 }
    return search(scalar)
  }

  private func search(_ scalar: UInt32) -> Bool {
    var found = !categories.isEmpty && categories.contains(GeneralCategory.of(scalar))
    for range in ranges where !found { found = range.contains(scalar) }
    for set in subsets where !found { found = set.search(scalar) }
    for set in intersections where found { found = set.search(scalar) }
    return found != isNegated
  }
}

/// A regular expression as its parser sees it.
indirect enum RegexNode: Sendable {
  enum Greed: Sendable { case greedy, lazy, possessive }

  enum Assertion: UInt8, Sendable {
    case lineStart, lineEnd, textStart, textEnd, textEndOrNewline, wordBoundary, noWordBoundary
  }

  case scalar(UInt32)
  case set(ScalarSet)
  case sequence([RegexNode])
  case alternation([RegexNode])
  case repetition(RegexNode, least: Int, most: Int?, Greed)
  case look(RegexNode, isAhead: Bool, isNegated: Bool)
  case atomic(RegexNode)
  case assertion(Assertion)

  /// How many scalars it matches, nil where that is not fixed.
  var width: Int? {
    switch self {
    case .scalar, .set: return 1
    case .sequence(let nodes):
      return nodes.reduce(0) { sum, node in
        guard let sum, let width = node.width else { return nil }
        return sum + width
      }
    case .alternation(let nodes):
      let widths = Set(nodes.map(\.width))
      return widths.count == 1 ? widths.first.flatMap { $0 } : nil
    case .repetition(let node, let least, let most, _):
      return least == most ? node.width.map { $0 * least } : nil
    case .look, .assertion: return 0
    case .atomic(let node): return node.width
    }
  }
}
