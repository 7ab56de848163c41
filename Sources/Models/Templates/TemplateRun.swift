import Failures

/// Renders a chat template.
struct TemplateRun {
  private let place: String
  private var variables: [String: TemplateValue]
  /// Members of namespaces, by the variable that has one.
  private var namespaces: [String: [String: TemplateValue]] = [:]
  private var output = ""
  private let work: TemplateWork

  /// - Parameters:
  ///   - nodes: The template.
  ///   - variables: What it may name.
  ///   - place: The file of the template, for messages.
  /// - Returns: The text.
  /// - Throws: 65 for what is not supported, or what the template itself refuses.
  static func text(
    of nodes: [TemplateNode], _ variables: [String: TemplateValue], at place: String
  ) throws(Failure) -> String {
    var run = TemplateRun(place: place, variables: variables)
    try run.run(nodes)
    return run.output
  }

  private init(place: String, variables: [String: TemplateValue]) {
    self.place = place
    self.variables = variables
    work = TemplateWork(place)
  }

  private func failure(_ text: String) -> Failure { .data(place, "chat template: \(text)") }

  private mutating func run(_ nodes: [TemplateNode]) throws(Failure) {
    for node in nodes {
      switch node {
      case .text(let text):
        try work.add(text.utf8.count)
        output += text
      case .output(let expression): output += try value(of: expression).text
      case .choice(let branches, let otherwise):
        var taken = otherwise
        for (condition, body) in branches where try value(of: condition).isTrue {
          taken = body
          break
        }
        try run(taken)
      case .loop(let names, let list, let condition, let body):
        try loop(names, try value(of: list), condition, body)
      case .set(let name, let member, let expression): try set(name, member, expression)
      }
    }
  }

  private mutating func set(
    _ name: String, _ member: String?, _ expression: TemplateExpression
  ) throws(Failure) {
    if let member {
      guard namespaces[name] != nil else { throw failure("\(name) is no namespace") }
      let value = try value(of: expression)
      namespaces[name]?[member] = value
      return
    }
    if case .call(.name("namespace"), let arguments) = expression {
      var members: [String: TemplateValue] = [:]
      for (key, argument) in arguments.named { members[key] = try value(of: argument) }
      namespaces[name] = members
      return
    }
    variables[name] = try value(of: expression)
  }

  /// What is set in a loop is forgotten behind it, as in Jinja.
  private mutating func loop(
    _ names: [String], _ list: TemplateValue, _ condition: TemplateExpression?,
    _ body: [TemplateNode]
  ) throws(Failure) {
    guard var elements = list.elements else { throw failure("a loop over what has no elements") }
    let outer = variables
    if let condition {
      var kept: [TemplateValue] = []
      for element in elements {
        try work.add(1)
        bind(names, element)
        if try value(of: condition).isTrue { kept.append(element) }
      }
      elements = kept
    }
    for (i, element) in elements.enumerated() {
      // All variables are copied where the body sets one.
      try work.add(1 + outer.count)
      variables = outer
      bind(names, element)
      variables["loop"] = .object([
        "index": .integer(i + 1), "index0": .integer(i), "first": .bool(i == 0),
        "last": .bool(i == elements.count - 1), "length": .integer(elements.count),
      ])
      try run(body)
    }
    variables = outer
  }

  private mutating func bind(_ names: [String], _ element: TemplateValue) {
    if names.count == 1 {
      variables[names[0]] = element
    } else {
      for (i, name) in names.enumerated() { variables[name] = element.member(.integer(i)) }
    }
  }

  // MARK: Expressions

  private func value(of expression: TemplateExpression) throws(Failure) -> TemplateValue {
    try work.counted(try uncounted(expression))
  }

  private func uncounted(_ expression: TemplateExpression) throws(Failure) -> TemplateValue {
    switch expression {
    case .value(let value): return value
    case .name(let name):
      return namespaces[name].map { .object($0) } ?? variables[name] ?? .undefined
    case .list(let items): return .list(try values(of: items))
    case .object(let members):
      var object: [String: TemplateValue] = [:]
      for (key, item) in members { object[try value(of: key).text] = try value(of: item) }
      return .object(object)
    case .member(let whole, let key):
      return try value(of: whole).member(try value(of: key))
    case .slice(let whole, let from, let to, let step):
      return try slice(value(of: whole), from, to, step)
    case .call(let function, let arguments): return try call(function, arguments)
    case .filter(let input, let name, let arguments):
      return try TemplateFilter(name, work, place).apply(
        to: value(of: input), values(of: arguments.plain), named: named(arguments))
    case .test(let input, let name, let arguments, let isNot):
      let holds = try TemplateFilter.test(
        name, value(of: input), values(of: arguments.plain), at: place)
      return .bool(holds != isNot)
    case .not(let inner): return .bool(!(try value(of: inner).isTrue))
    case .minus(let inner):
      guard case .integer(let number) = try value(of: inner) else {
        throw failure("minus what is no number")
      }
      return .integer(try exact(0.subtractingReportingOverflow(number)))
    case .binary(let sign, let left, let right): return try binary(sign, left, right)
    case .choice(let first, let condition, let other):
      if try value(of: condition).isTrue { return try value(of: first) }
      return try other.map { inner throws(Failure) in try value(of: inner) } ?? .undefined
    }
  }

  private func values(of items: [TemplateExpression]) throws(Failure) -> [TemplateValue] {
    var values: [TemplateValue] = []
    for item in items { values.append(try value(of: item)) }
    return values
  }

  private func named(_ arguments: TemplateArguments) throws(Failure) -> [String: TemplateValue] {
    var named: [String: TemplateValue] = [:]
    for (name, item) in arguments.named { named[name] = try value(of: item) }
    return named
  }

  private func slice(
    _ whole: TemplateValue, _ from: TemplateExpression?, _ to: TemplateExpression?,
    _ step: TemplateExpression?
  ) throws(Failure) -> TemplateValue {
    guard let elements = whole.elements else { throw failure("a slice of what has no elements") }
    func number(_ item: TemplateExpression?, _ fallback: Int) throws(Failure) -> Int {
      guard let item else { return fallback }
      guard case .integer(let number) = try value(of: item) else {
        throw failure("a slice by what is no number")
      }
      return number < 0 ? max(0, elements.count + number) : min(number, elements.count)
    }
    var part: [TemplateValue]
    if case .minus(.value(.integer(1)))? = step, from == nil, to == nil {
      part = elements.reversed()
    } else {
      guard step == nil else { throw failure("slices of this step are not supported") }
      let (first, last) = (try number(from, 0), try number(to, elements.count))
      part = first < last ? Array(elements[first..<last]) : []
    }
    if case .string = whole { return .string(part.map(\.text).joined()) }
    return .list(part)
  }

  private func call(
    _ function: TemplateExpression, _ arguments: TemplateArguments
  ) throws(Failure) -> TemplateValue {
    let plain = try values(of: arguments.plain)
    switch function {
    case .name("raise_exception"):
      throw failure("refused: \(plain.first?.text ?? "")")
    case .member(let whole, .value(.string(let name))):
      return try TemplateFilter(name, work, place).method(of: value(of: whole), plain)
    default: throw failure("a call that is not supported")
    }
  }

  private func binary(
    _ sign: String, _ first: TemplateExpression, _ second: TemplateExpression
  ) throws(Failure) -> TemplateValue {
    let left = try value(of: first)
    if sign == "and" { return left.isTrue ? try value(of: second) : left }
    if sign == "or" { return left.isTrue ? left : try value(of: second) }
    let right = try value(of: second)
    switch (sign, left, right) {
    case ("==", _, _): return .bool(left == right)
    case ("!=", _, _): return .bool(left != right)
    case ("~", _, _): return .string(left.text + right.text)
    case ("in", _, .string(let text)): return .bool(text.containsText(left.text))
    case ("in", _, .object(let members)): return .bool(members[left.text] != nil)
    case ("in", _, _): return .bool(right.elements?.contains(left) == true)
    case ("+", .string(let a), .string(let b)): return .string(a + b)
    case ("+", .list(let a), .list(let b)): return .list(a + b)
    case (_, .integer(let a), .integer(let b)): return try arithmetic(sign, a, b)
    default: throw failure("\(sign) of a \(left.text.prefix(20)) and a \(right.text.prefix(20))")
    }
  }

  private func arithmetic(_ sign: String, _ a: Int, _ b: Int) throws(Failure) -> TemplateValue {
    switch sign {
    case "<": return .bool(a < b)
    case ">": return .bool(a > b)
    case "<=": return .bool(a <= b)
    case ">=": return .bool(a >= b)
    case "+": return .integer(try exact(a.addingReportingOverflow(b)))
    case "-": return .integer(try exact(a.subtractingReportingOverflow(b)))
    case "*": return .integer(try exact(a.multipliedReportingOverflow(by: b)))
    case "%" where b > 0: return .integer(a % b < 0 ? a % b + b : a % b)
    case "//" where b > 0: return .integer(a % b < 0 ? a / b - 1 : a / b)
    default: throw failure("\(sign) of \(a) and \(b)")
    }
  }

  /// Python's numbers have no end, those here have 64 bits.
  private func exact(_ result: (partialValue: Int, overflow: Bool)) throws(Failure) -> Int {
    guard !result.overflow else { throw failure("a number of more than 64 bits") }
    return result.partialValue
  }
}

extension String {
  /// Whether another string is in this one, scalar by scalar.
  func containsText(_ other: String) -> Bool {
    other.isEmpty || Array(utf8).firstRange(of: Array(other.utf8), from: 0) != nil
  }
}
