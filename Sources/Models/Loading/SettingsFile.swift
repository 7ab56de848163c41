import Failures
import JSON
import Streams

/// A JSON object of a model folder, all of whose fields are accounted for: a field that nobody asks
/// for is refused, or told as one without effect.
///
/// Not thread-safe: it notes what was asked for.
final class SettingsFile {
  /// Path below the model's folder, with the way to an object inside a file.
  let name: String
  /// Path of the file, for messages.
  let place: String
  private let path: String
  private let members: [JSON.Member]
  /// Whether other programs pass over fields that they do not know.
  private let toleratesOthers: Bool
  private var asked: Set<String> = []
  private var notes: [String] = []
  private var nested: [SettingsFile] = []

  init(
    _ name: String, _ members: [JSON.Member], place: String, path: String = "",
    toleratesOthers: Bool = false
  ) {
    self.name = name
    self.place = place
    self.path = path
    self.members = members
    self.toleratesOthers = toleratesOthers
  }

  /// The value of a field, without its being asked for; nil for null.
  func peek(_ key: String) -> JSON? {
    guard let value = members.first(where: { $0.key == key })?.value, !value.isNull else {
      return nil
    }
    return value
  }

  /// The value of a field; nil for null and for one that is not there.
  func value(_ key: String) -> JSON? {
    asked.insert(key)
    return peek(key)
  }

  /// Whether there is such a field, be it null.
  func has(_ key: String) -> Bool { members.contains { $0.key == key } }

  func invalid(_ key: String, expected: String) -> Failure {
    let found = members.first { $0.key == key }?.value.serialized() ?? "nothing"
    return .config(place, "\(path)\(key): expected \(expected), found \(found)")
  }

  func unsupported(_ key: String) -> Failure {
    let value = peek(key) ?? .null
    return .config(
      place, "\(path)\(key) \(value.string ?? value.serialized()) is not supported")
  }

  func string(_ key: String) throws(Failure) -> String? {
    guard let value = value(key) else { return nil }
    guard let string = value.string else { throw invalid(key, expected: "a string") }
    return string
  }

  func bool(_ key: String, default fallback: Bool = false) throws(Failure) -> Bool {
    guard let value = value(key) else { return fallback }
    guard let bool = value.bool else { throw invalid(key, expected: "true or false") }
    return bool
  }

  /// An integer of a range; nil for null and for one that is not there.
  func integer(
    _ key: String, in range: ClosedRange<Int> = FieldRanges.length
  ) throws(Failure) -> Int? {
    try NumberField("\(path)\(key)", value(key), at: place).optionalInteger(in: range)
  }

  /// Strings; one alone counts as a list of one.
  func strings(_ key: String) throws(Failure) -> [String]? {
    guard let value = value(key) else { return nil }
    if let string = value.string { return [string] }
    guard let array = value.array, array.allSatisfy({ $0.string != nil }) else {
      throw invalid(key, expected: "a list of strings")
    }
    return array.compactMap(\.string)
  }

  /// Refuses a field unless it says the only thing that is supported.
  ///
  /// - Throws: 78.
  func require(_ key: String, _ only: String) throws(Failure) {
    if let value = try string(key), value != only { throw unsupported(key) }
  }

  /// An object inside the object; nil for null and for one that is not there.
  func object(_ key: String, toleratesOthers: Bool = false) throws(Failure) -> SettingsFile? {
    guard let value = value(key) else { return nil }
    guard let members = value.members else { throw invalid(key, expected: "an object") }
    let inner = SettingsFile(
      name, members, place: place, path: "\(path)\(key).", toleratesOthers: toleratesOthers)
    nested.append(inner)
    return inner
  }

  /// Notes fields that are known to change nothing here.
  func ignore(_ keys: String...) {
    for key in keys where value(key) != nil { note(key) }
  }

  /// Notes a field that was asked for and turned out to change nothing.
  func note(_ key: String, _ why: String? = nil) {
    asked.insert(key)
    notes.append("\(name): \(path)\(key)" + (why.map { " (\($0))" } ?? ""))
  }

  /// What has no effect, in the order of the file.
  ///
  /// - Throws: 78 for a field that nobody knows, where its program would not load the folder either.
  func withoutEffect() throws(Failure) -> [String] {
    var all = notes
    for member in members where !asked.contains(member.key) {
      guard toleratesOthers else {
        throw .config(place, "\(path)\(member.key) is not known", hint: "remove the field")
      }
      if !member.value.isNull { all.append("\(name): \(path)\(member.key) (not known)") }
    }
    for inner in nested { all += try inner.withoutEffect() }
    return all
  }
}

/// The JSON files of a model folder that are read field by field.
final class SettingsFiles {
  let folder: ModelFolder
  private var opened: [SettingsFile] = []

  init(_ folder: ModelFolder) { self.folder = folder }

  /// Opens a file below the model's folder; nil where there is none.
  ///
  /// - Parameters:
  ///   - name: Its path below the folder.
  ///   - key: A member that holds the settings, where there is one of that name.
  ///   - toleratesOthers: Whether fields that nobody knows are told instead of refused.
  /// - Returns: The file.
  /// - Throws: 65 where it is no JSON object.
  func open(
    _ name: String, within key: String? = nil, toleratesOthers: Bool = false
  ) throws(Failure) -> SettingsFile? {
    guard var json = try folder.rootJSON(name) else { return nil }
    if let key, let inner = json[key], inner.members != nil { json = inner }
    let file = SettingsFile(
      name, json.members ?? [], place: "\(folder.path)/\(name)", toleratesOthers: toleratesOthers)
    opened.append(file)
    return file
  }

  /// What has no effect in all of them.
  ///
  /// - Throws: 78 for a field that nobody knows.
  func withoutEffect() throws(Failure) -> [String] {
    var all: [String] = []
    for file in opened { all += try file.withoutEffect() }
    return all
  }
}
