/// A compiled regular expression.
///
/// It finds what Oniguruma finds, by backtracking. A match for which more than `retryLimit` ways fail is
/// given up, as there, and a text for which more than `stepLimit` instructions are run.
struct Regex: Sendable {
  struct Instruction: Sendable {
    enum Code: Sendable {
      case scalar, set
      /// As often as possible, at least `a` and at most `b` times (-1: no limit) one of set `set`.
      case greedyRun, lazyRun, possessiveRun
      /// First `a`, then `b`.
      case split
      case jump
      case assertion
      /// The instructions up to `a` must match here, or not; afterwards the place is the old one.
      case lookAhead, noLookAhead
      /// What the instructions up to `a` match must end here, or not; afterwards the place is the
      /// old one.
      case lookBehind, noLookBehind
      /// The instructions up to `a` match in their first way.
      case atomic
      /// Goes back `a` scalars.
      case back
      /// Remembers the place in register `a`.
      case mark
      /// Goes to `b` if the place is not that of register `a`: a round of a loop took something.
      case again
      case accept
    }

    var code: Code
    var a: Int32 = 0
    var b: Int32 = 0
    var set: Int32 = 0
  }

  let program: [Instruction]
  let sets: [ScalarSet]
  let registerCount: Int
  /// The bytes with which a match can start; nil where it can be empty.
  let firstBytes: [Bool]?

  static let retryLimit = 10_000_000
  static let stepLimit = 2_000_000_000
  private static let mostInstructions = 20_000

  init(_ pattern: String) throws(RegexError) {
    var compiler = RegexCompiler()
    let node = try RegexParser.parse(pattern)
    try compiler.add(node)
    compiler.emit(Instruction(code: .accept))
    if compiler.program.count > Self.mostInstructions {
      throw RegexError(reason: "a pattern of more than \(Self.mostInstructions) instructions")
    }
    program = compiler.program
    sets = compiler.sets
    registerCount = compiler.registers
    firstBytes = Self.firstBytes(node)
  }

  /// A pattern that is `text` itself.
  init(literal text: String) throws(RegexError) {
    var compiler = RegexCompiler()
    let scalars = text.unicodeScalars.map { RegexNode.scalar($0.value) }
    try compiler.add(.sequence(scalars))
    compiler.emit(Instruction(code: .accept))
    program = compiler.program
    sets = []
    registerCount = 0
    firstBytes = Self.firstBytes(.sequence(scalars))
  }

  private static func firstBytes(_ node: RegexNode) -> [Bool]? {
    var table = [Bool](repeating: false, count: 256)
    return first(node, &table) ? table : nil
  }

  /// Adds the first bytes of `node`; says no where it can match nothing.
  private static func first(_ node: RegexNode, _ table: inout [Bool]) -> Bool {
    switch node {
    case .scalar(let scalar):
      Unicode.Scalar(scalar).map { table[Int(Array(String(Character($0)).utf8)[0])] = true }
      return true
    case .set(let set):
      for byte in 0..<128 where set.contains(UInt32(byte)) { table[byte] = true }
      for byte in 128..<256 { table[byte] = true }
      return true
    case .sequence(let nodes):
      for node in nodes where first(node, &table) { return true }
      return false
    case .alternation(let nodes):
      var isNeverEmpty = true
      for node in nodes where !first(node, &table) { isNeverEmpty = false }
      return isNeverEmpty
    case .repetition(let node, let least, let most, _):
      return first(node, &table) && least > 0 && most != 0
    case .atomic(let node): return first(node, &table)
    case .look, .assertion: return false
    }
  }
}

/// Turns a parsed regular expression into instructions.
struct RegexCompiler {
  private(set) var program: [Regex.Instruction] = []
  private(set) var sets: [ScalarSet] = []
  private(set) var registers = 0

  @discardableResult
  mutating func emit(_ instruction: Regex.Instruction) -> Int {
    program.append(instruction)
    return program.count - 1
  }

  private var here: Int32 { Int32(program.count) }

  mutating func add(_ node: RegexNode) throws(RegexError) {
    if program.count > 100_000 { throw RegexError(reason: "a pattern that is too large") }
    switch node {
    case .scalar(let scalar):
      emit(.init(code: .scalar, a: Int32(scalar)))
    case .set(let set):
      emit(.init(code: .set, set: index(of: set)))
    case .sequence(let nodes): for node in nodes { try add(node) }
    case .alternation(let nodes): try addBranches(nodes)
    case .repetition(let node, let least, let most, let greed):
      try addRepetition(node, least, most, greed)
    case .look(let body, let isAhead, let isNegated):
      try addLook(body, isAhead, isNegated)
    case .atomic(let body): try addBody(body, .atomic)
    case .assertion(let assertion):
      emit(.init(code: .assertion, a: Int32(assertion.rawValue)))
    }
  }

  private mutating func index(of set: ScalarSet) -> Int32 {
    sets.append(set)
    return Int32(sets.count - 1)
  }

  private mutating func addBranches(_ nodes: [RegexNode]) throws(RegexError) {
    var ends: [Int] = []
    for (index, node) in nodes.enumerated() {
      if index == nodes.count - 1 {
        try add(node)
      } else {
        let split = emit(.init(code: .split))
        program[split].a = here
        try add(node)
        ends.append(emit(.init(code: .jump)))
        program[split].b = here
      }
    }
    for end in ends { program[end].a = here }
  }

  private mutating func addBody(_ body: RegexNode, _ code: Regex.Instruction.Code)
    throws(RegexError)
  {
    let start = emit(.init(code: code))
    try add(body)
    emit(.init(code: .accept))
    program[start].a = here
  }

  private mutating func addLook(
    _ body: RegexNode, _ isAhead: Bool, _ isNegated: Bool
  ) throws(RegexError) {
    if isAhead { return try addBody(body, isNegated ? .noLookAhead : .lookAhead) }
    var branches = [body]
    if case .alternation(let nodes) = body { branches = nodes }
    var moved: [(RegexNode, Int)] = []
    for branch in branches {
      guard let width = branch.width else {
        throw RegexError(reason: "a look-behind whose length is not fixed")
      }
      moved.append((branch, width))
    }
    let start = emit(.init(code: isNegated ? .noLookBehind : .lookBehind))
    var ends: [Int] = []
    for (index, (branch, width)) in moved.enumerated() {
      let split = index == moved.count - 1 ? nil : emit(.init(code: .split))
      if let split { program[split].a = here }
      emit(.init(code: .back, a: Int32(width)))
      try add(branch)
      ends.append(emit(.init(code: .jump)))
      if let split { program[split].b = here }
    }
    for end in ends { program[end].a = here }
    emit(.init(code: .accept))
    program[start].a = here
  }

  private mutating func addRepetition(
    _ node: RegexNode, _ least: Int, _ most: Int?, _ greed: RegexNode.Greed
  ) throws(RegexError) {
    if let set = single(node) {
      let code: Regex.Instruction.Code =
        switch greed {
        case .greedy: .greedyRun
        case .lazy: .lazyRun
        case .possessive: .possessiveRun
        }
      emit(.init(code: code, a: Int32(least), b: Int32(most ?? -1), set: index(of: set)))
      return
    }
    if greed == .possessive {
      return try addBody(.repetition(node, least: least, most: most, .greedy), .atomic)
    }
    for _ in 0..<least { try add(node) }
    guard let most else { return try addLoop(node, greed) }
    var splits: [Int] = []
    for _ in least..<max(most, least) {
      splits.append(emit(.init(code: .split)))
      try add(node)
    }
    for split in splits {
      let (inside, outside) = (Int32(split + 1), here)
      (program[split].a, program[split].b) =
        greed == .greedy ? (inside, outside) : (outside, inside)
    }
  }

  private mutating func addLoop(
    _ node: RegexNode, _ greed: RegexNode.Greed
  ) throws(RegexError) {
    let split = emit(.init(code: .split))
    let register = Int32(registers)
    registers += 1
    emit(.init(code: .mark, a: register))
    try add(node)
    emit(.init(code: .again, a: register, b: Int32(split)))
    let (inside, outside) = (Int32(split + 1), here)
    (program[split].a, program[split].b) =
      greed == .greedy ? (inside, outside) : (outside, inside)
  }

  /// The set of a node that matches one scalar.
  private func single(_ node: RegexNode) -> ScalarSet? {
    switch node {
    case .scalar(let scalar): ScalarSet([scalar...scalar])
    case .set(let set): set
    default: nil
    }
  }
}
