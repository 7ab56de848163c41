/// A value that the expressions of a chat template have.
indirect enum TemplateValue: Sendable, Equatable {
  case undefined, none
  case bool(Bool)
  case integer(Int)
  case string(String)
  case list([TemplateValue])
  case object([String: TemplateValue])

  /// Whether a condition on it holds, as in Python.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .string(let value): !value.isEmpty
    case .list(let values): !values.isEmpty
    case .object(let members): !members.isEmpty
    }
  }

  /// The text that an output prints.
  var text: String {
    switch self {
    case .undefined: ""
    case .none: "None"
    case .bool(let value): value ? "True" : "False"
    case .integer(let value): String(value)
    case .string(let value): value
    case .list(let values): "[" + values.map(\.quoted).joined(separator: ", ") + "]"
    case .object(let members):
      "{"
        + members.sorted { $0.key < $1.key }.map { "'\($0.key)': \($0.value.quoted)" }
        .joined(separator: ", ") + "}"
    }
  }

  private var quoted: String {
    if case .string(let value) = self { "'\(value)'" } else { text }
  }

  /// A member of an object, an element of a list, or a character of a string; undefined elsewhere.
  func member(_ key: TemplateValue) -> TemplateValue {
    switch (self, key) {
    case (.object(let members), .string(let name)): return members[name] ?? .undefined
    case (.list(let values), .integer(let index)):
      let place = index < 0 ? values.count + index : index
      return values.indices.contains(place) ? values[place] : .undefined
    case (.string(let text), .integer(let index)):
      let scalars = Array(text.unicodeScalars)
      let place = index < 0 ? scalars.count + index : index
      return scalars.indices.contains(place) ? .string(String(scalars[place])) : .undefined
    default: return .undefined
    }
  }

  /// What a loop goes over; nil for a value that has no elements.
  var elements: [TemplateValue]? {
    switch self {
    case .list(let values): values
    case .string(let text): text.unicodeScalars.map { .string(String($0)) }
    case .undefined: []
    default: nil
    }
  }

  /// Number of elements; nil for a value that has none.
  var count: Int? {
    switch self {
    case .object(let members): members.count
    default: elements?.count
    }
  }
}

/// An expression of a chat template.
indirect enum TemplateExpression: Sendable {
  case value(TemplateValue)
  case name(String)
  case list([TemplateExpression])
  case object([(TemplateExpression, TemplateExpression)])
  case member(TemplateExpression, TemplateExpression)
  /// From, to and step of a part.
  case slice(TemplateExpression, TemplateExpression?, TemplateExpression?, TemplateExpression?)
  case call(TemplateExpression, TemplateArguments)
  case filter(TemplateExpression, String, TemplateArguments)
  /// `is`; `isNot` for `is not`.
  case test(TemplateExpression, String, TemplateArguments, isNot: Bool)
  case not(TemplateExpression)
  case minus(TemplateExpression)
  case binary(String, TemplateExpression, TemplateExpression)
  /// `a if c else b`.
  case choice(TemplateExpression, condition: TemplateExpression, TemplateExpression?)
}

/// Arguments of a call, in order and by name.
struct TemplateArguments: Sendable {
  var plain: [TemplateExpression] = []
  var named: [(String, TemplateExpression)] = []
}

/// A part of a chat template.
indirect enum TemplateNode: Sendable {
  case text(String)
  case output(TemplateExpression)
  /// Conditions with what they guard, and what stands behind `else`.
  case choice([(TemplateExpression, [TemplateNode])], otherwise: [TemplateNode])
  case loop([String], over: TemplateExpression, condition: TemplateExpression?, [TemplateNode])
  /// A variable, or a member of a namespace.
  case set(String, member: String?, TemplateExpression)
}
