import Failures
import JSON
import Models

/// Reads a mapping of a configuration: every key that is there must be asked for.
struct ConfigurationReader {
  private let members: [JSON.Member]
  /// Path of the mapping in the configuration, such as `losses.0.`; empty at the top.
  private let path: String
  let file: String?

  /// - Throws: 78 where the value is no mapping, or has a key that is not among `keys`.
  init(_ value: JSON, path: String = "", file: String?, keys: [String]) throws(Failure) {
    self.path = path
    self.file = file
    guard let members = value.members else {
      throw .config(file, "\(path.dropLast()): expected a mapping, found \(value.kindName)")
    }
    self.members = members
    for member in members where !keys.contains(member.key) {
      throw .config(
        file, "unknown key \(path)\(member.key)",
        hint: NearestName.suggest(member.key, in: keys).map { "did you mean \(path)\($0)?" })
    }
  }

  /// A reader of this mapping that refuses all but `keys`.
  func restricted(to keys: [String]) throws(Failure) -> ConfigurationReader {
    try ConfigurationReader(.object(members), path: path, file: file, keys: keys)
  }

  /// A value; nil where it is absent or null.
  subscript(key: String) -> JSON? {
    members.first { $0.key == key }.flatMap { $0.value.isNull ? nil : $0.value }
  }

  func failure(_ key: String, expected: String) -> Failure {
    let found = members.first { $0.key == key }?.value.serialized() ?? "nothing"
    return .config(file, "\(path)\(key): expected \(expected), found \(found)")
  }

  /// A whole number; what is counted with several of them fits an integer.
  func integer(
    _ key: String, least: Int = 0, most: Int = ConfigurationReader.largestCount
  ) throws(Failure) -> Int? {
    guard let value = self[key] else { return nil }
    guard let number = value.integer, number >= least, number <= most else {
      throw failure(key, expected: "an integer from \(least) to \(most)")
    }
    return number
  }

  /// An integer of at least 1, where the reference writes -1 for none.
  func limit(_ key: String) throws(Failure) -> Int? {
    guard let value = self[key], value.integer != -1 else { return nil }
    guard let number = value.integer, number >= 1, number <= Self.largestCount else {
      throw failure(key, expected: "-1 or an integer from 1 to \(Self.largestCount)")
    }
    return number
  }

  /// A number that single precision holds.
  func number(_ key: String, least: Double = -ConfigurationReader.largest) throws(Failure)
    -> Double?
  {
    guard let value = self[key] else { return nil }
    guard let number = value.double, number >= least, number <= Self.largest else {
      throw failure(
        key,
        expected: least.isZero ? "a number from 0 to 3.4e38" : "a number from -3.4e38 to 3.4e38")
    }
    return number
  }

  /// A number above 0 by which something may be divided in single precision.
  func positive(_ key: String) throws(Failure) -> Double? {
    guard let value = self[key] else { return nil }
    guard let number = value.double, (Self.smallest...Self.largest).contains(number) else {
      throw failure(key, expected: "a number above 0, from 1e-30 to 3.4e38")
    }
    return number
  }

  /// A share of something, less than all of it.
  func share(_ key: String) throws(Failure) -> Double? {
    guard let value = self[key] else { return nil }
    guard let number = value.double, (0..<1).contains(number) else {
      throw failure(key, expected: "a number from 0 to below 1")
    }
    return number
  }

  /// Most entries of a list of mappings.
  private static let mostMappings = 1000
  static let largestCount = 1_000_000_000_000
  private static let largest = Double(Float.greatestFiniteMagnitude)
  private static let smallest = 1e-30

  func bool(_ key: String) throws(Failure) -> Bool? {
    guard let value = self[key] else { return nil }
    guard let bool = value.bool else { throw failure(key, expected: "true or false") }
    return bool
  }

  func string(_ key: String) throws(Failure) -> String? {
    guard let value = self[key] else { return nil }
    guard let string = value.string else { throw failure(key, expected: "a text") }
    return string
  }

  /// A list of texts; one text is a list of one.
  func strings(_ key: String) throws(Failure) -> [String]? {
    guard let value = self[key] else { return nil }
    if let string = value.string { return [string] }
    let strings = value.array?.compactMap(\.string)
    guard let strings, strings.count == value.array?.count else {
      throw failure(key, expected: "a list of texts")
    }
    return strings
  }

  func choice<T: RawRepresentable & CaseIterable>(
    _ key: String, _ type: T.Type = T.self
  ) throws(Failure) -> T? where T.RawValue == String {
    guard let text = try string(key) else { return nil }
    return try choice(text, of: key)
  }

  private func choice<T: RawRepresentable & CaseIterable>(
    _ text: String, of key: String
  ) throws(Failure) -> T where T.RawValue == String {
    guard let choice = T(rawValue: text) else {
      let names = T.allCases.map(\.rawValue)
      var failure = failure(key, expected: names.joined(separator: ", "))
      failure.hint = NearestName.suggest(text, in: names).map { "did you mean \($0)?" }
      throw failure
    }
    return choice
  }

  /// A choice for each of `count` things: a list of as many, or one for all; null leaves it open.
  func choices<T: RawRepresentable & CaseIterable>(
    _ key: String, each count: Int, _ type: T.Type = T.self
  ) throws(Failure) -> [T?] where T.RawValue == String {
    guard let list = self[key]?.array else {
      return Array(repeating: try choice(key), count: count)
    }
    guard list.count == count else {
      throw failure(key, expected: "one, or a list of \(count)")
    }
    var choices: [T?] = []
    for element in list {
      guard !element.isNull else {
        choices.append(nil)
        continue
      }
      guard let text = element.string else { throw failure(key, expected: "a list of texts") }
      choices.append(try choice(text, of: key))
    }
    return choices
  }

  /// The mappings of a list; one mapping is a list of one.
  func mappings(_ key: String, keys: [String]) throws(Failure) -> [ConfigurationReader] {
    guard let value = self[key] else { return [] }
    var readers: [ConfigurationReader] = []
    let elements = value.array ?? [value]
    guard elements.count <= Self.mostMappings else {
      throw .config(
        file,
        "\(path)\(key): expected at most \(Self.mostMappings) entries, found "
          + "\(elements.count)")
    }
    for (i, element) in elements.enumerated() {
      readers.append(
        try ConfigurationReader(element, path: "\(path)\(key).\(i).", file: file, keys: keys))
    }
    return readers
  }

  /// A list of whole numbers from 0 on; one number is a list of one.
  func integers(_ key: String) throws(Failure) -> [Int]? {
    guard let value = self[key] else { return nil }
    let elements = value.array ?? [value]
    let numbers = elements.compactMap(\.integer).filter { $0 >= 0 && $0 <= Self.largestCount }
    guard numbers.count == elements.count else {
      throw failure(key, expected: "integers from 0 on")
    }
    return numbers
  }

  /// Values for the layers whose names a key matches, in their order.
  func pattern<Value>(
    _ key: String, _ read: (ConfigurationReader, String) throws(Failure) -> Value?
  ) throws(Failure) -> [(layers: LayerPattern, value: Value)] {
    guard let members = self[key]?.members else {
      if self[key] != nil { throw failure(key, expected: "a mapping") }
      return []
    }
    let reader = try mapping(key, keys: members.map(\.key))
    var values: [(LayerPattern, Value)] = []
    for member in members {
      guard let value = try read(reader, member.key) else {
        throw reader.failure(member.key, expected: "a number")
      }
      values.append((try LayerPattern(member.key, "\(path)\(key)", at: file), value))
    }
    return values
  }

  /// A mapping; an empty one where it is absent.
  func mapping(_ key: String, keys: [String]) throws(Failure) -> ConfigurationReader {
    try ConfigurationReader(
      self[key] ?? .object([]), path: "\(path)\(key).", file: file, keys: keys)
  }
}

/// Setting values of a configuration by paths such as `losses.0.weight`.
package enum ConfigurationPath {
  /// `configuration` with `value` at `path`; mappings and lists on the way are made where they are
  /// missing.
  ///
  /// - Throws: 64 where the path leads through a value that has no parts, past the end of a list, or
  ///   too deep.
  package static func set(
    _ path: String, _ value: JSON, in configuration: JSON
  ) throws(Failure) -> JSON {
    let parts = path.split(separator: ".")
    guard parts.count <= mostParts else {
      throw .usage("--set: expected a path of at most \(mostParts) parts, found \(parts.count)")
    }
    return try set(parts[...], value, in: configuration, path)
  }

  /// Parts of the longest path that leads anywhere.
  private static let mostParts = 64

  private static func set(
    _ keys: ArraySlice<Substring>, _ value: JSON, in place: JSON, _ path: String
  ) throws(Failure) -> JSON {
    guard let key = keys.first else { return value }
    switch place {
    case .array(var elements):
      guard let index = Int(key), index >= 0, index <= elements.count else {
        throw .usage("--set \(path): expected a place from 0 to \(elements.count), found \(key)")
      }
      if index == elements.count { elements.append(.null) }
      elements[index] = try set(keys.dropFirst(), value, in: elements[index], path)
      return .array(elements)
    case .object(var members):
      if let index = members.firstIndex(where: { $0.key == key }) {
        members[index].value = try set(keys.dropFirst(), value, in: members[index].value, path)
      } else {
        members.append(JSON.Member(String(key), try set(keys.dropFirst(), value, in: .null, path)))
      }
      return .object(members)
    case .null: return try set(keys, value, in: key == "0" ? .array([]) : .object([]), path)
    default: throw .usage("--set \(path): there is nothing below a plain value")
    }
  }
}
