import Failures
import Glibc
import JSON
import Streams
import Tensors
import Tokenizers

/// A Hugging Face model folder: where its files are and what its `config.json` says.
package struct ModelFolder: Sendable {
  package let path: String
  /// Folder of `config.json`, weights and tokenizer: the folder itself, or one of its modules.
  package let modelPath: String
  /// `config.json` with what the user added to it.
  package private(set) var config: JSON
  /// Keys that the user set with `--model-config`.
  package private(set) var overriddenKeys: [String]
  /// `model_type` as the file has it.
  package let originalModelType: String?
  /// A folder of low-rank updates of the weights: the user's, or the model's own where they lie beside
  /// its weights; nil for none.
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
    modelPath = try Self.modelPath(of: path)
    self.adapter = try Self.adapter(adapter, modelPath)
    let isTable = try SentenceTransformersModules.beginsWithTable(path)
    guard isTable || WholeFile.exists(modelPath + "/config.json") else {
      try SentenceTransformersModules.requireTransformer(path)
      throw .config(
        modelPath, "expected a model folder with a config.json",
        hint: try Self.hintOfAdapter(modelPath)
          ?? "scripts/fetch-model downloads one; --model takes the folder, not a name")
    }
    config =
      isTable
      ? try StaticTable.configuration(of: modelPath)
      : .object(try JSONFile.readObject(modelPath + "/config.json"))
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

  static func existing(_ path: String, _ what: String) throws(Failure) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard WholeFile.exists(path) else {
      throw Failure(.noInput, at: path, "no such \(what)", hint: HubName.hint(path))
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

  /// The folder as it is where the user says this `model_type`.
  func reading(as modelType: String) -> ModelFolder {
    var folder = self
    folder.set("model_type", .string(modelType))
    if !overriddenKeys.contains("model_type") { folder.overriddenKeys.append("model_type") }
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
