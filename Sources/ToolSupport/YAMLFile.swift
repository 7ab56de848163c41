import Failures
import JSON
import Streams

/// YAML as JSON values, and back.
package enum YAMLFile {
  /// Reads a file.
  ///
  /// - Throws: 66 where there is none, 65 where there is not one byte; as `parse` does.
  package static func read(_ path: String) throws(Failure) -> JSON {
    try parse(try WholeFile.readText(path, limit: YAMLParser.mostBytes), place: path)
  }

  /// Reads a text; an empty one is an empty mapping.
  ///
  /// - Throws: 65 where it is not YAML, has keys that are no text or are there twice, or more levels
  ///   and values than a configuration can have.
  package static func parse(_ text: String, place: String) throws(Failure) -> JSON {
    try parse(Array(text.utf8), place: place)
  }

  private static func parse(_ text: [UInt8], place: String) throws(Failure) -> JSON {
    try YAMLParser.document(text, place: place).map(value) ?? .object([])
  }

  private static func value(_ node: YAMLNode) -> JSON {
    switch node {
    case .mapping(let members):
      .object(members.map { JSON.Member($0.key, value($0.value)) })
    case .sequence(let elements): .array(elements.map(value))
    case .scalar(let text, let isPlain): scalar(text, isPlain: isPlain)
    }
  }

  private static func scalar(_ text: String, isPlain: Bool) -> JSON {
    guard isPlain else { return .string(text) }
    if YAMLNode.scalar(text, isPlain: true).isNull { return .null }
    switch text {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: break
    }
    let digits = text.replacing("_", with: "")
    guard let first = digits.utf8.first, first < 0x3A, first != UInt8(ascii: "/") else {
      return .string(text)
    }
    if let integer = Int(digits) { return .integer(integer) }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] where digits.hasPrefix(prefix) {
      return Int(digits.dropFirst(2), radix: radix).map { .integer($0) } ?? .string(text)
    }
    if let double = Double(digits), double.isFinite { return .double(double) }
    return .string(text)
  }

  /// A mapping as text, a line a key; what is below is written in flow style, which is JSON's.
  package static func text(_ json: JSON) -> String {
    (json.members ?? []).map { "\($0.key): \(flow($0.value))\n" }.joined()
  }

  /// A value in flow style, on one line.
  package static func flow(_ json: JSON) -> String {
    switch json {
    case .double(let value):
      // YAML 1.1 takes a number without a point for a text: 1e-05.
      let text = "\(value)"
      guard let mark = text.firstIndex(of: "e"), !text[..<mark].contains(".") else { return text }
      return text[..<mark] + ".0" + text[mark...]
    case .array(let elements): return "[" + elements.map(flow).joined(separator: ", ") + "]"
    case .object(let members):
      return "{"
        + members.map { "\(JSON.string($0.key).serialized()): \(flow($0.value))" }
        .joined(separator: ", ") + "}"
    default: return json.serialized()
    }
  }
}
