import Failures
import JSON

/// The members of one JSON line that matter.
struct JSONRow {
  private let keys: [String]
  /// One value a key; null where it is absent or null.
  private var values: [JSON]
  private let place: (file: String, line: Int)
  /// The line, while it is being read.
  private let line: UnsafeRawBufferPointer

  /// Parses a line that must be one object.
  init(
    _ line: UnsafeRawBufferPointer, _ keys: [String], place: (file: String, line: Int)
  ) throws(Failure) {
    self.keys = keys
    self.place = place
    self.line = line
    var values = [JSON](repeating: .null, count: keys.count)
    var seen: UInt64 = 0
    var parser = JSONParser(line)
    let wrap = Self.wrapper(place)
    try parser.object(
      { parser, key throws(Failure) in
        let value: JSON
        do throws(JSONError) { value = try parser.value() } catch { throw wrap(error) }
        guard let index = keys.firstIndex(where: { $0.utf8.elementsEqual(key.utf8) }) else {
          return
        }
        if seen & 1 << UInt64(index) != 0 {
          throw Failure.line(
            place.file, place.line, expected: "each key once", found: "\"\(key)\" again")
        }
        seen |= 1 << UInt64(index)
        values[index] = value
      }, wrap: wrap)
    do throws(JSONError) { try parser.finish() } catch { throw wrap(error) }
    self.values = values
  }

  private static func wrapper(
    _ place: (file: String, line: Int)
  ) -> (JSONError) -> Failure {
    { error in
      Failure.line(
        place.file, place.line, expected: error.expected,
        found: "\(error.found) at byte \(error.offset + 1) of the line")
    }
  }

  /// Whether a key has a value that is not null.
  func isPresent(_ index: Int) -> Bool { !values[index].isNull }

  /// The value of a key.
  func value(_ index: Int) -> JSON { values[index] }

  /// A key by its place.
  func key(_ index: Int) -> String { keys[index] }

  // MARK: Failures

  /// File and line, for messages.
  var placeText: String { "\(place.file):\(place.line)" }

  /// A failure at this line.
  func failure(expected: String, found: String) -> Failure {
    .line(place.file, place.line, expected: expected, found: found)
  }

  /// The failure of a line that lacks what stands under one of some keys: it names the keys that are
  /// there.
  ///
  /// - Parameters:
  ///   - expected: What is missing.
  ///   - wanted: The keys, of which one may be there with null.
  ///   - hint: What to do.
  /// - Returns: The failure.
  func missing(_ expected: String, among wanted: [String], hint: String? = nil) -> Failure {
    var failure = failure(expected: expected, found: found(among: wanted))
    failure.hint = hint
    return failure
  }

  private func found(among wanted: [String]) -> String {
    let members = (try? JSONParser.parse(line))?.members ?? []
    if let empty = members.first(where: { $0.value.isNull && wanted.contains($0.key) }) {
      return "null under \"\(empty.key)\""
    }
    if members.isEmpty { return "no key" }
    let shown = members.prefix(Self.keysShown).map { "\"\($0.key)\"" }
    let more = members.count - shown.count
    return (members.count == 1 ? "the key " : "the keys ") + shown.joined(separator: ", ")
      + (more > 0 ? " and \(more) more" : "")
  }

  private static let keysShown = 12

  // MARK: Values

  /// The id under a key.
  func id(at index: Int) throws(Failure) -> [UInt8] {
    let name = "\"\(keys[index])\""
    guard isPresent(index) else { throw missing("an id under \(name)", among: [keys[index]]) }
    return try id(values[index], name)
  }

  /// An id: a string or an integer.
  func id(_ value: JSON, _ name: String) throws(Failure) -> [UInt8] {
    let id: [UInt8]
    switch value {
    case .string(let text): id = Array(text.utf8)
    case .integer(let number): id = Array(String(number).utf8)
    default:
      throw failure(expected: "a string or an integer under \(name)", found: value.kindName)
    }
    if let problem = RecordID.problem(with: id) {
      throw failure(expected: problem.expected, found: problem.found)
    }
    return id
  }

  /// The text under a key.
  func text(at index: Int) throws(Failure) -> [UInt8] {
    let name = "\"\(keys[index])\""
    guard isPresent(index) else { throw missing("a string under \(name)", among: [keys[index]]) }
    return try text(values[index], name)
  }

  /// A text: a string without NUL.
  func text(_ value: JSON, _ name: String) throws(Failure) -> [UInt8] {
    guard case .string(let text) = value else {
      throw failure(expected: "a string under \(name)", found: value.kindName)
    }
    let bytes = Array(text.utf8)
    if bytes.contains(0) {
      throw failure(expected: "text without NUL", found: "a NUL under \(name)")
    }
    return bytes
  }
}
