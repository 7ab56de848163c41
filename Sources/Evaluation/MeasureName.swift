import Failures

/// A measure's name taken apart: `provider:Name(key=value, …)@cutoff`, as ir-measures has it.
package struct MeasureName: Sendable, Equatable, CustomStringConvertible {
  /// The implementation that is asked for; nil for none in particular.
  package var provider: String?
  /// The name alone.
  package var name: String
  /// The parameters in the order of their keys.
  package var parameters: [Parameter] = []
  /// What stands behind the `@`.
  package var cutoff: String?

  /// A parameter as it was written.
  package struct Parameter: Sendable, Equatable {
    /// The word before the `=`.
    package var key: String
    /// The value as it was written, so that the name can be written again.
    package var value: Value
  }

  /// The value of a parameter.
  package enum Value: Sendable, Equatable, CustomStringConvertible {
    /// `2`.
    case integer(Int)
    /// `0.8`.
    case number(Double)
    /// `True`.
    case boolean(Bool)
    /// `'log2'`.
    case string(String)
    /// `{0:0,1:1}`.
    case table([Int: Double])

    /// The value as ir-measures writes it.
    package var description: String {
      switch self {
      case .integer(let value): "\(value)"
      case .number(let value): "\(value)"
      case .boolean(let value): value ? "True" : "False"
      case .string(let value): "'\(value)'"
      case .table(let value):
        "{"
          + value.sorted { $0.key < $1.key }.map { "\($0.key):\(Self.text($0.value))" }
          .joined(separator: ",") + "}"
      }
    }

    private static func text(_ number: Double) -> String {
      Int(exactly: number).map { "\($0)" } ?? "\(number)"
    }
  }

  /// The name as ir-measures writes it.
  package var description: String {
    let inside = parameters.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    return (provider.map { "\($0):" } ?? "") + name + (inside.isEmpty ? "" : "(\(inside))")
      + (cutoff.map { "@\($0)" } ?? "")
  }

  /// A name of its parts.
  package init(
    provider: String? = nil, _ name: String, _ parameters: [(String, Value)] = [],
    cutoff: String? = nil
  ) {
    self.provider = provider
    self.name = name
    self.parameters = parameters.map { Parameter(key: $0.0, value: $0.1) }
    self.cutoff = cutoff
  }

  /// Takes a name apart.
  ///
  /// - Throws: 64 where it does not have the form.
  package init(parsing text: String) throws(Failure) {
    var scanner = NameScanner(text)
    var name = try scanner.word("a measure's name")
    if scanner.take(":") {
      provider = name
      name = try scanner.word("a measure's name")
    }
    self.name = name
    if scanner.take("(") {
      while !scanner.take(")") {
        let key = try scanner.word("a parameter's name")
        try scanner.expect("=")
        if parameters.contains(where: { $0.key == key }) {
          throw scanner.failure("each parameter once")
        }
        parameters.append(Parameter(key: key, value: try scanner.value()))
        if scanner.take(",") { continue }
        try scanner.expect(")")
        break
      }
    }
    parameters.sort { $0.key < $1.key }
    if scanner.take("@") { cutoff = try scanner.rest() }
    try scanner.finish()
  }
}

/// Reads a measure's name from left to right.
private struct NameScanner {
  private let text: String
  private var remaining: Substring

  init(_ text: String) {
    self.text = text
    remaining = text[...]
    skipSpace()
  }

  private mutating func skipSpace() { remaining = remaining.drop { $0 == " " } }

  /// Takes `character` if it comes next.
  mutating func take(_ character: Character) -> Bool {
    guard remaining.first == character else { return false }
    remaining.removeFirst()
    skipSpace()
    return true
  }

  mutating func expect(_ character: Character) throws(Failure) {
    if !take(character) { throw failure("'\(character)'") }
  }

  private mutating func prefix(while condition: (Character) -> Bool) -> String {
    let taken = remaining.prefix(while: condition)
    remaining = remaining[taken.endIndex...]
    skipSpace()
    return String(taken)
  }

  mutating func word(_ what: String) throws(Failure) -> String {
    let word = prefix { $0 == "α" || $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    if word.isEmpty { throw failure(what) }
    return word
  }

  mutating func rest() throws(Failure) -> String {
    let rest = prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    if rest.isEmpty { throw failure("a cutoff") }
    return rest
  }

  func finish() throws(Failure) {
    if !remaining.isEmpty { throw failure("the end") }
  }

  mutating func value() throws(Failure) -> MeasureName.Value {
    for quote: Character in ["'", "\""] where take(quote) {
      let string = prefix { $0 != quote }
      try expect(quote)
      return .string(string)
    }
    if take("{") { return .table(try table()) }
    let word = prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "._+-".contains($0)) }
    if let integer = Int(word) { return .integer(integer) }
    if let number = Double(word), number.isFinite { return .number(number) }
    switch word {
    case "True", "true": return .boolean(true)
    case "False", "false": return .boolean(false)
    case "": throw failure("a value")
    default: return .string(word)
    }
  }

  private mutating func table() throws(Failure) -> [Int: Double] {
    var table: [Int: Double] = [:]
    while !take("}") {
      let key = prefix { $0.isASCII && ($0.isNumber || $0 == "-") }
      try expect(":")
      let value = prefix { $0.isASCII && ($0.isNumber || ".-".contains($0)) }
      guard let key = Int(key), let value = Double(value) else {
        throw failure("a table {grade:gain,…}")
      }
      table[key] = value
      if take(",") { continue }
      try expect("}")
      break
    }
    return table
  }

  /// Says what was expected where the scanner stands.
  func failure(_ expected: String) -> Failure {
    .usage(
      "measure '\(text)': expected \(expected), found \(remaining.isEmpty ? "the end" : "'\(remaining)'")",
      hint: "measures are written like nDCG@10, AP(rel=2)@1000, P@5")
  }
}
