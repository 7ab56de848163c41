import Failures
import Glibc
import JSON
import Streams
import Tensors

/// A Hugging Face model folder: where its files are and what its `config.json` says.
package struct ModelFolder: Sendable {
  package let path: String
  /// Folder of `config.json`, weights and tokenizer: the folder itself, or one of its modules.
  package let modelPath: String
  /// `config.json` with what the user added to it.
  package private(set) var config: JSON
  /// Keys that the user set with `--model-config`.
  package let overriddenKeys: [String]
  /// `model_type` as the file has it.
  package let originalModelType: String?
  /// A folder of low-rank updates of the weights; nil for none.
  package let adapter: String?
  /// Backbones that names in the folder may stand for.
  package let backbones: Backbones
  /// Heads that the folder may describe.
  package let heads: [any HeadSettings.Type]

  /// Opens a folder.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - overrides: members that are added to `config.json`, or stand in for its own.
  ///   - adapter: folder of a PEFT adapter.
  ///   - backbones: what the names of backbones in it stand for.
  ///   - heads: the heads that it may describe.
  /// - Throws: 66 where there is no such folder, 78 where it holds no `config.json` and for an
  ///   override of a field that nobody knows.
  package init(
    _ path: String, overrides: JSON? = nil, adapter: String? = nil, backbones: Backbones = .all,
    heads: [any HeadSettings.Type] = Heads.all
  ) throws(Failure) {
    let path = try Self.existing(path, "model folder")
    self.path = path
    self.backbones = backbones
    self.heads = heads
    self.adapter = try adapter.map { path throws(Failure) in
      try Self.existing(path, "adapter folder")
    }
    modelPath = try Self.modelPath(of: path)
    guard WholeFile.exists(modelPath + "/config.json") else {
      try SentenceTransformersModules.requireTransformer(path)
      throw .config(
        modelPath, "expected a model folder with a config.json",
        hint: "scripts/fetch-model downloads one; --model takes the folder, not a name")
    }
    config = .object(try JSONFile.readObject(modelPath + "/config.json"))
    originalModelType = config["model_type"]?.string
    let members = overrides?.members ?? []
    try ConfigurationFields.check(members, addedTo: config, backbones, heads)
    overriddenKeys = members.map(\.key)
    for member in members { set(member.key, member.value) }
  }

  /// Path of the folder, or of the one inside it, that holds weights and tokenizer.
  package static func modelPath(of path: String) throws(Failure) -> String {
    try SentenceTransformersModules.transformerPath(path) ?? path
  }

  /// Whether a folder says nothing of a model, and may hold a tokenizer.
  package static func holdsTokenizerAlone(_ path: String) throws(Failure) -> Bool {
    try !WholeFile.exists(modelPath(of: existing(path, "model folder")) + "/config.json")
  }

  private static func existing(_ path: String, _ what: String) throws(Failure) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard WholeFile.exists(path) else {
      throw Failure(.noInput, at: path, "no such \(what)")
    }
    guard WholeFile.isDirectory(path) else {
      throw Failure(.config, at: path, "expected a \(what), found a file")
    }
    return path
  }

  private mutating func set(_ key: String, _ value: JSON) {
    var members = config.members ?? []
    members.removeAll { $0.key == key }
    members.append(JSON.Member(key, value))
    config = .object(members)
  }

  /// The folder with fields that `config.json` and the user leave out; what the user says stays.
  package func adding(_ fields: [JSON.Member]) -> ModelFolder {
    var folder = self
    for field in fields where !overriddenKeys.contains(field.key) {
      folder.set(field.key, field.value)
    }
    return folder
  }

  /// Reads a JSON object of the folder; nil if the file is not there.
  package func json(_ name: String) throws(Failure) -> JSON? {
    let file = "\(modelPath)/\(name)"
    return WholeFile.exists(file) ? .object(try JSONFile.readObject(file)) : nil
  }

  /// Reads a JSON object beside the model's modules; nil if the file is not there.
  package func rootJSON(_ name: String) throws(Failure) -> JSON? {
    let file = "\(path)/\(name)"
    return WholeFile.exists(file) ? .object(try JSONFile.readObject(file)) : nil
  }
}

// MARK: Fields

extension ModelFolder {
  /// Path of `config.json`, for messages.
  package var configPlace: String { "\(modelPath)/config.json" }

  private func invalid(_ key: String, expected: String) -> Failure {
    let found = config[key].map { $0.serialized() } ?? "nothing"
    return .config(configPlace, "\(key): expected \(expected), found \(found)")
  }

  package func integer(_ key: String) throws(Failure) -> Int {
    guard let value = config[key]?.integer else { throw invalid(key, expected: "an integer") }
    return value
  }

  package func integer(_ key: String, default fallback: Int) throws(Failure) -> Int {
    guard let value = config[key] else { return fallback }
    guard let integer = value.integer else { throw invalid(key, expected: "an integer") }
    return integer
  }

  /// An integer or null; `fallback` where the key is absent.
  package func optionalInteger(_ key: String, default fallback: Int?) throws(Failure) -> Int? {
    guard let value = config[key] else { return fallback }
    if value.isNull { return nil }
    guard let integer = value.integer else { throw invalid(key, expected: "an integer or null") }
    return integer
  }

  package func double(_ key: String, default fallback: Double) throws(Failure) -> Double {
    guard let value = config[key] else { return fallback }
    guard let double = value.double else { throw invalid(key, expected: "a number") }
    return double
  }

  package func bool(_ key: String, default fallback: Bool) throws(Failure) -> Bool {
    guard let value = config[key] else { return fallback }
    guard let bool = value.bool else { throw invalid(key, expected: "true or false") }
    return bool
  }

  /// A string or null; `fallback` where the key is absent.
  package func string(_ key: String, default fallback: String?) throws(Failure) -> String? {
    guard let value = config[key] else { return fallback }
    if value.isNull { return nil }
    guard let string = value.string else { throw invalid(key, expected: "a string or null") }
    return string
  }

  /// A string of a fixed set, or null where `nullMeans` names a case for it.
  package func choice<T: RawRepresentable & CaseIterable>(
    _ key: String, default fallback: T, nullMeans: T? = nil
  ) throws(Failure) -> T where T.RawValue == String {
    guard let value = config[key] else { return fallback }
    if value.isNull, let nullMeans { return nullMeans }
    guard let choice = value.string.flatMap(T.init(rawValue:)) else {
      let names = T.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw invalid(key, expected: "one of \(names)")
    }
    return choice
  }

  package var architectures: [String] { config["architectures"]?.array?.compactMap(\.string) ?? [] }
  package var modelType: String? { config["model_type"]?.string }
}

extension ModelFolder {
  /// Backbone of a name; nil where this release has none of that name.
  func backbone(_ name: String?) -> Backbones.Row? { name.flatMap { backbones[$0] } }

  /// `model_max_length` of the tokenizer; nil for no limit.
  package func tokenizerLength() throws(Failure) -> Int? {
    Self.tokenizerLength(try json("tokenizer_config.json"))
  }

  /// `model_max_length` of a tokenizer's configuration; nil for no limit.
  static func tokenizerLength(_ config: JSON?) -> Int? {
    // transformers writes 10^30 for "no limit".
    guard let length = config?["model_max_length"]?.double, length >= 0, length < 1e9 else {
      return nil
    }
    return Int(length)
  }
}

/// The names in a folder.
package enum FolderListing {
  /// Names in `path`, unsorted, without `.` and `..`; none if it is a file.
  package static func names(_ path: String) throws(Failure) -> [String] {
    guard WholeFile.isDirectory(path) else { return [] }
    guard let folder = opendir(path) else {
      throw Failure(.noInput, at: path, SystemError.text(errno))
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
