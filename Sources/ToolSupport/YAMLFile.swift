import Failures
import JSON
import Streams
import Yams

/// YAML as JSON values, and back.
package enum YAMLFile {
  /// Reads a file.
  ///
  /// - Throws: 66 where there is none, 65 where it is not YAML, has keys that are no text, or not one byte.
  package static func read(_ path: String) throws(Failure) -> JSON {
    try parse(String(decoding: try WholeFile.readText(path), as: UTF8.self), place: path)
  }

  /// Reads a text; an empty one is an empty mapping.
  package static func parse(_ text: String, place: String) throws(Failure) -> JSON {
    let node: Node?
    do { node = try Yams.compose(yaml: text) } catch {
      throw .data(place, "expected YAML: \(error)")
    }
    guard let node else { return .object([]) }
    return try value(node, place)
  }

  private static func value(_ node: Node, _ place: String) throws(Failure) -> JSON {
    switch node {
    case .mapping(let mapping):
      var members: [JSON.Member] = []
      for (key, value) in mapping {
        guard let name = key.string else { throw .data(place, "expected a text as key") }
        if members.contains(where: { $0.key == name }) {
          throw .data(place, "key \(name) is there twice")
        }
        members.append(JSON.Member(name, try self.value(value, place)))
      }
      return .object(members)
    case .sequence(let sequence):
      var elements: [JSON] = []
      for element in sequence { elements.append(try value(element, place)) }
      return .array(elements)
    case .scalar(let scalar): return self.scalar(scalar, node)
    default: throw .data(place, "expected YAML without aliases")
    }
  }

  private static func scalar(_ scalar: Node.Scalar, _ node: Node) -> JSON {
    guard scalar.style == .plain else { return .string(scalar.string) }
    switch scalar.string {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: break
    }
    let digits = scalar.string.replacing("_", with: "")
    guard let first = digits.utf8.first, first < 0x3A, first != UInt8(ascii: "/") else {
      return .string(scalar.string)
    }
    if let integer = Int(digits) { return .integer(integer) }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] where digits.hasPrefix(prefix) {
      return Int(digits.dropFirst(2), radix: radix).map { .integer($0) } ?? .string(scalar.string)
    }
    if let double = Double(digits), double.isFinite { return .double(double) }
    return .string(scalar.string)
  }

  /// A mapping as text, a line a key; what is below is written in flow style, which is JSON's.
  package static func text(_ json: JSON) -> String {
    (json.members ?? []).map { "\($0.key): \(flow($0.value))\n" }.joined()
  }

  private static func flow(_ json: JSON) -> String {
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
