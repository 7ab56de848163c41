import Failures

/// Makes an expression of the words and signs of a tag, by the precedences of Jinja.
struct ExpressionParser {
  /// The word that the block begins with.
  var word = ""
  private let tokens: [TemplateToken]
  private let place: String
  private var index = 0
  /// Expressions that stand in one another.
  private var levels = 0

  /// Words and signs of a tag.
  ///
  /// As deep an expression may be, whose parts are rendered one in another.
  static let mostTokens = 1000
  /// Brackets, and signs in front of a value.
  static let mostLevels = 64

  init(_ tokens: [TemplateToken], _ place: String) throws(Failure) {
    guard tokens.count <= Self.mostTokens else {
      throw .data(
        place,
        "chat template: expected at most \(Self.mostTokens) words and signs in a tag, found more")
    }
    self.tokens = tokens
    self.place = place
  }

  private func failure(_ text: String) -> Failure { .data(place, "chat template: \(text)") }

  private var next: TemplateToken? { index < tokens.count ? tokens[index] : nil }

  mutating func nextName() -> String? {
    guard case .name(let name)? = next else { return nil }
    index += 1
    return name
  }

  mutating func name() throws(Failure) -> String {
    guard let name = nextName() else { throw failure("expected a name") }
    return name
  }

  mutating func take(_ sign: String) -> Bool {
    guard next == .sign(sign) else { return false }
    index += 1
    return true
  }

  mutating func takeName(_ name: String) -> Bool {
    guard next == .name(name) else { return false }
    index += 1
    return true
  }

  mutating func expect(_ sign: String) throws(Failure) {
    guard take(sign) else { throw failure("expected \(sign)") }
  }

  func finish() throws(Failure) {
    guard next == nil else { throw failure("too much in a tag") }
  }

  /// All that is left, as one expression.
  mutating func whole() throws(Failure) -> TemplateExpression {
    let expression = try self.expression()
    try finish()
    return expression
  }

  private mutating func enter() throws(Failure) {
    levels += 1
    guard levels <= Self.mostLevels else {
      throw failure("expected at most \(Self.mostLevels) levels, found more")
    }
  }

  mutating func expression(withChoice: Bool = true) throws(Failure) -> TemplateExpression {
    try enter()
    defer { levels -= 1 }
    let value = try disjunction()
    guard withChoice, takeName("if") else { return value }
    let condition = try disjunction()
    let other = takeName("else") ? try expression() : nil
    return .choice(value, condition: condition, other)
  }

  private mutating func disjunction() throws(Failure) -> TemplateExpression {
    var left = try conjunction()
    while takeName("or") { left = .binary("or", left, try conjunction()) }
    return left
  }

  private mutating func conjunction() throws(Failure) -> TemplateExpression {
    var left = try negation()
    while takeName("and") { left = .binary("and", left, try negation()) }
    return left
  }

  private mutating func negation() throws(Failure) -> TemplateExpression {
    guard takeName("not") else { return try comparison() }
    try enter()
    defer { levels -= 1 }
    return .not(try negation())
  }

  private mutating func comparison() throws(Failure) -> TemplateExpression {
    var left = try sum()
    while true {
      if let sign = ["==", "!=", "<=", ">=", "<", ">"].first(where: { next == .sign($0) }) {
        index += 1
        left = .binary(sign, left, try sum())
      } else if takeName("in") {
        left = .binary("in", left, try sum())
      } else if next == .name("not"), index + 1 < tokens.count, tokens[index + 1] == .name("in") {
        index += 2
        left = .not(.binary("in", left, try sum()))
      } else if takeName("is") {
        left = try test(of: left)
      } else {
        return left
      }
    }
  }

  private mutating func test(of value: TemplateExpression) throws(Failure) -> TemplateExpression {
    let isNot = takeName("not")
    let name = try self.name()
    let arguments = next == .sign("(") ? try self.arguments() : TemplateArguments()
    return .test(value, name, arguments, isNot: isNot)
  }

  private mutating func sum() throws(Failure) -> TemplateExpression {
    var left = try product()
    while let sign = ["+", "-", "~"].first(where: { next == .sign($0) }) {
      index += 1
      left = .binary(sign, left, try product())
    }
    return left
  }

  private mutating func product() throws(Failure) -> TemplateExpression {
    var left = try unary()
    while let sign = ["*", "//", "%"].first(where: { next == .sign($0) }) {
      index += 1
      left = .binary(sign, left, try unary())
    }
    return left
  }

  private mutating func unary() throws(Failure) -> TemplateExpression {
    guard take("-") else { return try behind(try primary()) }
    try enter()
    defer { levels -= 1 }
    return .minus(try unary())
  }

  /// Members, calls and filters behind a value.
  private mutating func behind(_ first: TemplateExpression) throws(Failure) -> TemplateExpression {
    var value = first
    while true {
      if take(".") {
        value = .member(value, .value(.string(try name())))
      } else if take("[") {
        value = try subscripted(value)
      } else if next == .sign("(") {
        value = .call(value, try arguments())
      } else if take("|") {
        let name = try self.name()
        value = .filter(
          value, name, next == .sign("(") ? try arguments() : TemplateArguments())
      } else {
        return value
      }
    }
  }

  private mutating func subscripted(
    _ value: TemplateExpression
  ) throws(Failure) -> TemplateExpression {
    var parts: [TemplateExpression?] = [nil]
    while !take("]") {
      if take(":") {
        parts.append(nil)
      } else {
        parts[parts.count - 1] = try expression()
      }
      if parts.count > 3 { throw failure("a slice of too many parts") }
    }
    if parts.count == 1 {
      guard let key = parts[0] else { throw failure("empty brackets") }
      return .member(value, key)
    }
    return .slice(value, parts[0], parts[1], parts.count > 2 ? parts[2] : nil)
  }

  private mutating func arguments() throws(Failure) -> TemplateArguments {
    try expect("(")
    var arguments = TemplateArguments()
    while !take(")") {
      if case .name(let name)? = next, index + 1 < tokens.count, tokens[index + 1] == .sign("=") {
        index += 2
        arguments.named.append((name, try expression()))
      } else {
        arguments.plain.append(try expression())
      }
      if next != .sign(")") { try expect(",") }
    }
    return arguments
  }

  private mutating func primary() throws(Failure) -> TemplateExpression {
    guard let token = next else { throw failure("an expression that ends early") }
    index += 1
    switch token {
    case .string(let text): return .value(.string(text))
    case .integer(let number): return .value(.integer(number))
    case .sign("("):
      let value = try expression()
      try expect(")")
      return value
    case .sign("["):
      var values: [TemplateExpression] = []
      while !take("]") {
        values.append(try expression())
        if next != .sign("]") { try expect(",") }
      }
      return .list(values)
    case .sign("{"): return .object(try members())
    case .sign(let sign): throw failure("\(sign) in the place of a value")
    case .name(let name): return Self.constant(name)
    }
  }

  private mutating func members() throws(Failure) -> [(TemplateExpression, TemplateExpression)] {
    var members: [(TemplateExpression, TemplateExpression)] = []
    while !take("}") {
      let key = try expression()
      try expect(":")
      members.append((key, try expression()))
      if next != .sign("}") { try expect(",") }
    }
    return members
  }

  private static func constant(_ name: String) -> TemplateExpression {
    switch name {
    case "true", "True": .value(.bool(true))
    case "false", "False": .value(.bool(false))
    case "none", "None": .value(.none)
    default: .name(name)
    }
  }
}
