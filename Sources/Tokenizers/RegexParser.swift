import UnicodeTables

/// Why a regular expression was refused.
struct RegexError: Error {
  /// What is not supported or wrong: `the back reference \1`.
  let reason: String
}

/// Reads regular expressions in the syntax of Oniguruma (Ruby's), as far as tokenizers use it.
///
/// Not supported, and refused by name: back references, captures that matter, conditionals, absent
/// operators, `\G` `\K` `\X`, POSIX brackets, properties that are no general categories, scalars
/// beyond ASCII under `(?i)`.
struct RegexParser {
  private let text: [UInt32]
  private var position = 0
  private var ignoresCase = false
  private var dotIsAny = false
  private var depth = 0

  static func parse(_ pattern: String) throws(RegexError) -> RegexNode {
    var parser = RegexParser(text: pattern.unicodeScalars.map(\.value))
    let node = try parser.alternation()
    if parser.position < parser.text.count { throw RegexError(reason: "a ')' without its '('") }
    return node
  }

  private init(text: [UInt32]) { self.text = text }

  // MARK: Text

  private func peek(_ offset: Int = 0) -> UInt32? {
    position + offset < text.count ? text[position + offset] : nil
  }

  private mutating func take(_ string: StaticString) -> Bool {
    let scalars = string.description.unicodeScalars.map(\.value)
    guard text[position...].starts(with: scalars) else { return false }
    position += scalars.count
    return true
  }

  private mutating func next(_ what: String) throws(RegexError) -> UInt32 {
    guard let scalar = peek() else { throw RegexError(reason: "an end inside \(what)") }
    position += 1
    return scalar
  }

  private static func name(_ scalar: UInt32) -> String {
    Unicode.Scalar(scalar).map { String(Character($0)) } ?? ""
  }

  // MARK: Structure

  private mutating func alternation() throws(RegexError) -> RegexNode {
    depth += 1
    defer { depth -= 1 }
    if depth > 100 { throw RegexError(reason: "nesting deeper than 100") }
    let (ignoresCase, dotIsAny) = (ignoresCase, dotIsAny)
    defer { (self.ignoresCase, self.dotIsAny) = (ignoresCase, dotIsAny) }
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .alternation(branches)
  }

  private mutating func sequence() throws(RegexError) -> RegexNode {
    var nodes: [RegexNode] = []
    var lastFolded: UInt32?
    while let scalar = peek(), scalar != 0x7C, scalar != 0x29 {
      let folded = ignoresCase && Self.isLetter(scalar) ? scalar | 0x20 : nil
      if let lastFolded, let folded, Self.foldsTogether(lastFolded, folded) {
        throw RegexError(reason: "(?i) with letters that a ligature stands for")
      }
      lastFolded = folded
      guard var node = try atom() else { continue }
      while let repeated = try quantified(node) { node = repeated }
      nodes.append(node)
    }
    return nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  private static func isLetter(_ scalar: UInt32) -> Bool {
    scalar < 0x80 && (scalar | 0x20) &- 0x61 < 26
  }

  /// Whether one scalar folds to both letters: ß, ﬀ, ﬁ, ﬂ, ﬆ.
  private static func foldsTogether(_ a: UInt32, _ b: UInt32) -> Bool {
    switch (a, b) {
    case (0x73, 0x73), (0x66, 0x66), (0x66, 0x69), (0x66, 0x6C), (0x73, 0x74): true
    default: false
    }
  }

  private mutating func quantified(_ node: RegexNode) throws(RegexError) -> RegexNode? {
    var (least, most): (Int, Int?) = (0, nil)
    let isInterval: Bool
    if take("*") {
      isInterval = false
    } else if take("+") {
      (least, isInterval) = (1, false)
    } else if take("?") {
      (most, isInterval) = (1, false)
    } else if let interval = try interval() {
      (least, most) = interval
      isInterval = true
    } else {
      return nil
    }
    var greed = RegexNode.Greed.greedy
    // `{n}?` is `(?:{n})?`, and `{n,m}+` is `(?:{n,m})+`, which the next round reads.
    if !(isInterval && least == most), take("?") {
      greed = .lazy
    } else if !isInterval, take("+") {
      greed = .possessive
    }
    return .repetition(node, least: least, most: most, greed)
  }

  /// `{n}`, `{n,}`, `{n,m}`, `{,m}`; nil for anything else, which stands for itself.
  private mutating func interval() throws(RegexError) -> (Int, Int?)? {
    guard peek() == 0x7B else { return nil }
    let mark = position
    position += 1
    let least = number()
    var most = least
    if take(",") { most = number() } else if least == nil { most = nil }
    let hasComma = text[mark..<position].contains(0x2C)
    guard take("}"), least != nil || most != nil else {
      position = mark
      return nil
    }
    if let least, let most, least > most { throw RegexError(reason: "{n,m} with n larger than m") }
    if max(least ?? 0, most ?? 0) > 1000 { throw RegexError(reason: "more than 1000 repetitions") }
    return (least ?? 0, hasComma ? most : least)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = peek(), scalar &- 0x30 < 10, (value ?? 0) < 100_000 {
      value = 10 * (value ?? 0) + Int(scalar - 0x30)
      position += 1
    }
    return value
  }

  // MARK: Atoms

  /// Nil for what matches nothing by itself: comments, options.
  private mutating func atom() throws(RegexError) -> RegexNode? {
    let scalar = try next("the pattern")
    switch scalar {
    case UInt32(UInt8(ascii: "(")): return try group()
    case UInt32(UInt8(ascii: "[")): return .set(try characterClass())
    case UInt32(UInt8(ascii: ".")):
      return .set(dotIsAny ? ScalarSet().inverted : ScalarSet([0xA...0xA]).inverted)
    case UInt32(UInt8(ascii: "^")): return .assertion(.lineStart)
    case UInt32(UInt8(ascii: "$")): return .assertion(.lineEnd)
    case UInt32(UInt8(ascii: "\\")): return try escape()
    case UInt32(UInt8(ascii: "*")), UInt32(UInt8(ascii: "+")), UInt32(UInt8(ascii: "?")):
      throw RegexError(reason: "a '\(Self.name(scalar))' that repeats nothing")
    default: return try literal(scalar)
    }
  }

  private func literal(_ scalar: UInt32) throws(RegexError) -> RegexNode {
    if !ignoresCase { return .scalar(scalar) }
    if scalar >= 0x80 {
      throw RegexError(reason: "(?i) with \"\(Self.name(scalar))\"")
    }
    if !Self.isLetter(scalar) { return .scalar(scalar) }
    var set = ScalarSet([scalar...scalar])
    set.foldCase()
    return .set(set)
  }

  private mutating func group() throws(RegexError) -> RegexNode? {
    guard take("?") else { return try closed(try alternation()) }
    if take(":") { return try closed(try alternation()) }
    if take(">") { return .atomic(try closed(try alternation())) }
    if take("=") {
      return .look(try closed(try alternation()), isAhead: true, isNegated: false)
    }
    if take("!") { return .look(try closed(try alternation()), isAhead: true, isNegated: true) }
    if take("<=") || take("<!") {
      let isNegated = text[position - 1] == 0x21
      let body = try closed(try alternation())
      return .look(body, isAhead: false, isNegated: isNegated)
    }
    if take("#") {
      while try next("a comment") != 0x29 {}
      return nil
    }
    if take("<") {
      while try next("a group's name") != 0x3E {}
      return try closed(try alternation())
    }
    return try options()
  }

  private mutating func closed(_ node: RegexNode) throws(RegexError) -> RegexNode {
    guard take(")") else { throw RegexError(reason: "a '(' without its ')'") }
    return node
  }

  /// `(?i)`, `(?i:…)`, `(?m-i:…)`.
  private mutating func options() throws(RegexError) -> RegexNode? {
    let (oldCase, oldDot) = (ignoresCase, dotIsAny)
    var isOn = true
    while true {
      let scalar = try next("a group's options")
      switch scalar {
      case UInt32(UInt8(ascii: "-")): isOn = false
      case UInt32(UInt8(ascii: "i")): ignoresCase = isOn
      case UInt32(UInt8(ascii: "m")): dotIsAny = isOn
      case UInt32(UInt8(ascii: ")")):
        // For the rest of the group around it, with all its branches.
        let rest = try alternation()
        (ignoresCase, dotIsAny) = (oldCase, oldDot)
        return rest
      case UInt32(UInt8(ascii: ":")):
        let body = try closed(try alternation())
        (ignoresCase, dotIsAny) = (oldCase, oldDot)
        return body
      default: throw RegexError(reason: "the group (?\(Self.name(scalar))")
      }
    }
  }

  // MARK: Escapes

  private mutating func escape() throws(RegexError) -> RegexNode {
    let scalar = try next("an escape")
    switch scalar {
    case UInt32(UInt8(ascii: "b")): return .assertion(.wordBoundary)
    case UInt32(UInt8(ascii: "B")): return .assertion(.noWordBoundary)
    case UInt32(UInt8(ascii: "A")): return .assertion(.textStart)
    case UInt32(UInt8(ascii: "z")): return .assertion(.textEnd)
    case UInt32(UInt8(ascii: "Z")): return .assertion(.textEndOrNewline)
    case UInt32(UInt8(ascii: "R")):
      return .atomic(
        .alternation([
          .sequence([.scalar(0xD), .scalar(0xA)]),
          .set(ScalarSet([0xA...0xD, 0x85...0x85, 0x2028...0x2029])),
        ]))
    default:
      if let set = try classEscape(scalar, word: .word) { return .set(set) }
      return try literal(try scalarEscape(scalar))
    }
  }

  /// The set of `\s` and the like, nil for other escapes.
  private mutating func classEscape(
    _ scalar: UInt32, word: ScalarSet
  ) throws(RegexError) -> ScalarSet? {
    switch scalar {
    case UInt32(UInt8(ascii: "s")): return .space
    case UInt32(UInt8(ascii: "S")): return ScalarSet.space.inverted
    case UInt32(UInt8(ascii: "d")): return .digit
    case UInt32(UInt8(ascii: "D")): return ScalarSet.digit.inverted
    case UInt32(UInt8(ascii: "w")): return word
    case UInt32(UInt8(ascii: "W")): return word.inverted
    case UInt32(UInt8(ascii: "h")): return .hexadecimal
    case UInt32(UInt8(ascii: "H")): return ScalarSet.hexadecimal.inverted
    case UInt32(UInt8(ascii: "p")): return try property(isNegated: false)
    case UInt32(UInt8(ascii: "P")): return try property(isNegated: true)
    default: return nil
    }
  }

  private mutating func property(isNegated: Bool) throws(RegexError) -> ScalarSet {
    guard take("{") else { throw RegexError(reason: "a \\p without {…}") }
    let isInverted = take("^") != isNegated
    var name = ""
    while case let scalar = try next("\\p{…}"), scalar != 0x7D { name += Self.name(scalar) }
    guard let categories = GeneralCategory.named(name) else {
      throw RegexError(reason: "the property \\p{\(name)}")
    }
    if ignoresCase, ["Lu", "Ll", "Lt"].contains(name) {
      throw RegexError(reason: "(?i) with \\p{\(name)}")
    }
    return ScalarSet(
      categories: isInverted ? GeneralCategory.all.subtracting(categories) : categories)
  }

  private mutating func scalarEscape(_ scalar: UInt32) throws(RegexError) -> UInt32 {
    switch scalar {
    case UInt32(UInt8(ascii: "t")): return 9
    case UInt32(UInt8(ascii: "n")): return 10
    case UInt32(UInt8(ascii: "v")): return 11
    case UInt32(UInt8(ascii: "f")): return 12
    case UInt32(UInt8(ascii: "r")): return 13
    case UInt32(UInt8(ascii: "a")): return 7
    case UInt32(UInt8(ascii: "e")): return 27
    case UInt32(UInt8(ascii: "u")): return try hexadecimal(4...4)
    case UInt32(UInt8(ascii: "x")):
      if take("{") {
        let value = try hexadecimal(1...8)
        guard take("}") else { throw RegexError(reason: "a \\x{ without its '}'") }
        return value
      }
      let value = try hexadecimal(1...2)
      // Two digits give a byte, which beyond ASCII is not a scalar.
      if value >= 0x80 { throw RegexError(reason: "\\x of a byte beyond ASCII") }
      return value
    default:
      if scalar < 0x80, Self.isLetter(scalar) || scalar &- 0x30 < 10 {
        throw RegexError(reason: "the escape \\\(Self.name(scalar))")
      }
      return scalar
    }
  }

  private mutating func hexadecimal(_ lengths: ClosedRange<Int>) throws(RegexError) -> UInt32 {
    var value: UInt32 = 0
    var count = 0
    while count < lengths.upperBound, let digit = peek(), digit < 0x80,
      let number = UInt32(Self.name(digit), radix: 16)
    {
      value = value << 4 | number
      position += 1
      count += 1
    }
    guard count >= lengths.lowerBound, Unicode.Scalar(value) != nil else {
      throw RegexError(reason: "an escape with a number that is no scalar")
    }
    return value
  }

  // MARK: Classes

  /// A class whose `[` was read.
  private mutating func characterClass() throws(RegexError) -> ScalarSet {
    depth += 1
    defer { depth -= 1 }
    if depth > 100 { throw RegexError(reason: "nesting deeper than 100") }
    let isNegated = take("^")
    var set = ScalarSet()
    var operands: [ScalarSet] = []
    // A bracket that comes first stands for itself.
    if take("]") { set.add(0x5D...0x5D) }
    while !take("]") {
      if take("&&") {
        operands.append(set)
        set = ScalarSet()
      } else {
        try classItem(&set)
      }
    }
    if ignoresCase {
      if !operands.isEmpty { throw RegexError(reason: "(?i) with [&&]") }
      set.index()
      set.foldCase()
    }
    set.index()
    for operand in operands {
      var operand = operand
      operand.index()
      set.intersect(operand)
    }
    set.index()
    return isNegated ? set.inverted : set
  }

  private mutating func classItem(_ set: inout ScalarSet) throws(RegexError) {
    let scalar = try next("a class")
    if scalar == 0x5B {
      if peek() == 0x3A { throw RegexError(reason: "the POSIX bracket [:…:]") }
      set.add(try characterClass())
      return
    }
    guard let low = try classScalar(scalar, &set) else { return }
    guard peek() == 0x2D, let after = peek(1), after != 0x5D, after != 0x5B else {
      set.add(low...low)
      return
    }
    position += 1
    var other = ScalarSet()
    guard let high = try classScalar(try next("a class"), &other) else {
      throw RegexError(reason: "a range to a class")
    }
    if high < low { throw RegexError(reason: "a range that ends before it starts") }
    set.add(low...high)
  }

  /// A scalar of a class; nil where it was a set, which was added.
  private mutating func classScalar(
    _ scalar: UInt32, _ set: inout ScalarSet
  ) throws(RegexError) -> UInt32? {
    var value = scalar
    if scalar == 0x5C {
      let escaped = try next("an escape")
      if escaped == UInt32(UInt8(ascii: "b")) {
        value = 8
      } else if let escapedSet = try classEscape(escaped, word: .wordInClass) {
        set.add(escapedSet)
        return nil
      } else {
        value = try scalarEscape(escaped)
      }
    }
    if ignoresCase, value >= 0x80 {
      throw RegexError(reason: "(?i) with \"\(Self.name(value))\"")
    }
    return value
  }
}
