import Failures

/// A filter of a chat template, or a method of a string, by its name.
struct TemplateFilter {
  private let name: String
  private let work: TemplateWork
  private let place: String

  init(_ name: String, _ work: TemplateWork, _ place: String) {
    self.name = name
    self.work = work
    self.place = place
  }

  private func failure(_ text: String) -> Failure { .data(place, "chat template: \(text)") }

  /// - Parameters:
  ///   - input: What stands in front of the bar.
  ///   - plain: Arguments in order.
  ///   - named: Arguments by name.
  /// - Returns: What comes out.
  /// - Throws: 65 for a filter that is not supported, or an input that it does not take.
  func apply(
    to input: TemplateValue, _ plain: [TemplateValue], named: [String: TemplateValue]
  ) throws(Failure) -> TemplateValue {
    switch (name, input) {
    case ("default", _), ("d", _):
      let isEmpty = plain.count > 1 && plain[1].isTrue ? !input.isTrue : input == .undefined
      return isEmpty ? plain.first ?? .string("") : input
    case ("first", _): return try elements(input).first ?? .undefined
    case ("last", _): return try elements(input).last ?? .undefined
    case ("list", _): return .list(try elements(input))
    case ("reverse", _): return .list(try elements(input).reversed())
    case ("length", _), ("count", _): return .integer(input.count ?? 0)
    case ("string", _): return .string(input.text)
    case ("join", _):
      return .string(
        try work.joined(
          try elements(input).map(\.text), separator: plain.first?.text ?? ""))
    case ("map", _):
      guard let attribute = named["attribute"] else {
        throw failure("map without an attribute is not supported")
      }
      return .list(try elements(input).map { $0.member(attribute) })
    case ("selectattr", _), ("rejectattr", _): return try select(input, plain)
    case ("trim", .string), ("upper", .string), ("lower", .string), ("replace", .string),
      ("title", .string), ("capitalize", .string):
      return try method(of: input, plain)
    case ("trim", .undefined), ("trim", .none): return .string(input.text)
    default: throw failure("the filter \(name) is not supported there")
    }
  }

  private func elements(_ input: TemplateValue) throws(Failure) -> [TemplateValue] {
    guard let elements = input.elements else { throw failure("\(name) of what has no elements") }
    return elements
  }

  private func select(
    _ input: TemplateValue, _ plain: [TemplateValue]
  ) throws(Failure) -> TemplateValue {
    guard let attribute = plain.first else { throw failure("\(name) without an attribute") }
    var kept: [TemplateValue] = []
    for element in try elements(input) {
      let member = element.member(attribute)
      let holds =
        plain.count > 1
        ? try Self.test(plain[1].text, member, Array(plain.dropFirst(2)), at: place)
        : member.isTrue
      if holds == (name == "selectattr") { kept.append(element) }
    }
    return .list(kept)
  }

  /// A method of a string, or `get` of an object.
  func method(of input: TemplateValue, _ plain: [TemplateValue]) throws(Failure) -> TemplateValue {
    if case .object(let members) = input {
      switch name {
      case "get":
        return members[plain.first?.text ?? ""] ?? (plain.count > 1 ? plain[1] : .none)
      default: break
      }
    }
    guard case .string(let text) = input else { throw failure("\(name) of what is no string") }
    let argument = plain.first?.text ?? ""
    switch name {
    case "strip", "trim": return .string(text.stripped(front: true, back: true))
    case "lstrip": return .string(text.stripped(front: true, back: false))
    case "rstrip": return .string(text.stripped(front: false, back: true))
    case "upper": return .string(text.uppercased())
    case "lower": return .string(text.lowercased())
    case "startswith": return .bool(text.utf8.starts(with: argument.utf8))
    case "endswith": return .bool(text.utf8.reversed().starts(with: argument.utf8.reversed()))
    case "split" where !argument.isEmpty:
      return .list(text.parts(argument).map { .string($0) })
    case "replace" where plain.count == 2 && !argument.isEmpty:
      return .string(try work.joined(text.parts(argument), separator: plain[1].text))
    default: throw failure("\(name) is not supported")
    }
  }

  /// Whether a test holds.
  ///
  /// - Throws: 65 for a test that is not supported.
  static func test(
    _ name: String, _ input: TemplateValue, _ plain: [TemplateValue], at place: String
  ) throws(Failure) -> Bool {
    switch (name, input) {
    case ("defined", _): return input != .undefined
    case ("undefined", _): return input == .undefined
    case ("none", _): return input == .none
    case ("true", _): return input == .bool(true)
    case ("false", _): return input == .bool(false)
    case ("string", _): if case .string = input { return true } else { return false }
    case ("mapping", _): if case .object = input { return true } else { return false }
    case ("number", _), ("integer", _):
      if case .integer = input { return true } else { return false }
    case ("boolean", _): if case .bool = input { return true } else { return false }
    case ("sequence", _), ("iterable", _): return input.elements != nil && input != .undefined
    case ("eq", _), ("equalto", _), ("==", _): return input == plain.first
    case ("ne", _), ("!=", _): return input != plain.first
    case ("in", _): return plain.first?.elements?.contains(input) == true
    default: throw .data(place, "chat template: the test \(name) is not supported")
    }
  }
}

extension String {
  /// Without blanks at its ends.
  fileprivate func stripped(front: Bool, back: Bool) -> String {
    var scalars = Substring(self).unicodeScalars
    while front, let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
    while back, let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
    return String(scalars)
  }

  /// The pieces between the occurrences of a text that is not empty.
  fileprivate func parts(_ separator: String) -> [String] {
    let (all, wanted) = (Array(utf8), Array(separator.utf8))
    var (parts, start): ([String], Int) = ([], 0)
    while let found = all.firstRange(of: wanted, from: start) {
      parts.append(String(decoding: all[start..<found.lowerBound], as: UTF8.self))
      start = found.upperBound
    }
    return parts + [String(decoding: all[start...], as: UTF8.self)]
  }
}

extension [UInt8] {
  /// Where other bytes, of which there are some, are first found at or behind a place.
  ///
  /// The search of Knuth, Morris and Pratt takes time by the sum of both lengths, whatever they hold.
  func firstRange(of wanted: [UInt8], from start: Int) -> Range<Int>? {
    // The longest beginning that ends the first bytes, too.
    var borders = [0]
    var length = 0
    for byte in wanted.dropFirst() {
      while length > 0, byte != wanted[length] { length = borders[length - 1] }
      if byte == wanted[length] { length += 1 }
      borders.append(length)
    }
    length = 0
    for place in start..<count {
      while length > 0, self[place] != wanted[length] { length = borders[length - 1] }
      if self[place] == wanted[length] { length += 1 }
      if length == wanted.count { return place + 1 - length..<place + 1 }
    }
    return nil
  }
}
