import Failures
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
  /// Fields that stand in a tower's own configuration inside of it.
  package let textFields: Set<String>
  /// What was added to it: what the user said, on what a table says of a model that was named; nil for
  /// nothing.
  package let overrides: JSON?
  /// The model as it was fetched, where it was named; nil of a folder.
  let fetched: FetchedModel?
  /// Keys that the user set with `--model-config`.
  package private(set) var overriddenKeys: [String]
  /// `model_type` as the file has it.
  package let originalModelType: String?
  /// A folder of low-rank updates of the weights: the user's, or the model's own where they lie beside
  /// its weights; nil for none.
  package let adapter: String?
  /// Role of the texts that the model is read for, where the folder has a way for each; nil for that of
  /// documents, and for no updates by task.
  package let role: Role?
  /// Backbones that names in the folder may stand for.
  package let backbones: Backbones
  /// Heads that the folder may describe.
  package let heads: [any HeadSettings.Type]

  /// Opens a folder.
  ///
  /// - Parameters:
  ///   - path: the folder, or the name of a model that was fetched.
  ///   - overrides: members that are added to `config.json`, or stand in for its own.
  ///   - adapter: folder of a PEFT adapter.
  ///   - role: role of the texts that the model is read for; nil for none.
  ///   - backbones: what the names of backbones in it stand for.
  ///   - heads: the heads that it may describe.
  /// - Throws: 66 where there is no such folder, 65 for a file that is not what the folder's list of
  ///   digests says, 78 where it holds no `config.json` and for an override of a field that nobody
  ///   knows.
  package init(
    _ path: String, overrides: JSON? = nil, adapter: String? = nil, role: Role? = nil,
    backbones: Backbones = .all, heads: [any HeadSettings.Type] = Heads.all
  ) throws(Failure) {
    fetched = FetchedModel.find(path)
    let path = try Self.existing(FetchedModel.path(of: path), "model folder")
    for folder in [path, adapter].compactMap({ $0 }) { try FolderDigests(folder)?.verifyModel() }
    self.path = path
    self.role = role
    self.backbones = backbones
    self.heads = heads
    modelPath = try Self.modelPath(of: path, role)
    self.adapter = try Self.adapter(adapter, modelPath)
    let table = try Model2VecFolder.configuration(path)
    let beginsWithTable = try SentenceTransformersModules.beginsWithTable(path, role)
    let isTable = table != nil || beginsWithTable
    guard isTable || WholeFile.exists(modelPath + "/config.json") else {
      try SentenceTransformersModules.requireTransformer(path)
      throw .config(
        modelPath, "expected a model folder with a config.json",
        hint: try Self.hintOfAdapter(modelPath)
          ?? "scripts/fetch-model downloads one; a download that was stopped is resumed by it")
    }
    config =
      isTable
      ? try StaticTable.configuration(of: modelPath, beside: table)
      : .object(try JSONFile.readObject(modelPath + "/config.json"))
    originalModelType = config["model_type"]?.string
    (config, textFields) = Self.flattened(config)
    self.overrides =
      try fetched.map { fetched throws(Failure) in
        try fetched.settings(under: overrides)
      } ?? overrides
    let members = self.overrides?.members ?? []
    try ConfigurationFields.check(members, addedTo: config, backbones, heads)
    overriddenKeys = members.map(\.key)
    for member in members { set(member.key, member.value) }
  }

  /// A configuration with the fields of its text tower among its own, of a model with several towers whose
  /// text tower is read.
  private static func flattened(_ config: JSON) -> (JSON, Set<String>) {
    guard let text = config["text_config"]?.members,
      config["text_config"]?["model_type"]?.string == "embedding_gemma2_text"
    else { return (config, []) }
    let kept: Set = ["model_type", "architectures", "dtype", "torch_dtype"]
    let fields = text.filter { !kept.contains($0.key) }
    let names = Set(fields.map(\.key))
    let others = (config.members ?? []).filter { !names.contains($0.key) }
    return (.object(others + fields), names)
  }

  /// Path of the folder, or of the one inside it, that holds weights and tokenizer.
  ///
  /// - Parameters:
  ///   - path: The folder's, or the name of a model that was fetched.
  ///   - role: Role of the texts that are to be read, where there is a way for each.
  /// - Returns: The path.
  /// - Throws: 65 where the list of modules is damaged.
  package static func modelPath(
    of path: String, _ role: Role? = nil
  ) throws(Failure) -> String {
    let path = FetchedModel.path(of: path)
    return try SentenceTransformersModules.transformerPath(path, role) ?? path
  }

  /// Whether a folder says nothing of a model, and may hold a tokenizer.
  package static func holdsTokenizerAlone(_ path: String) throws(Failure) -> Bool {
    try !WholeFile.exists(
      modelPath(of: existing(FetchedModel.path(of: path), "model folder")) + "/config.json")
  }

  /// The path of a folder that is there, without a slash at its end.
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

  /// The folder with updates of a task that the user chooses by its prompt's name, as if `task` said it;
  /// that of the role is the one that is used anyway.
  ///
  /// - Throws: 78 where the folder names a task that it does not have.
  package func choosing(task: String?) throws(Failure) -> ModelFolder {
    guard let task, taskNames.contains(task), config["task"] == nil, try self.task() != task
    else { return self }
    var folder = self
    folder.set("task", .string(task))
    folder.overriddenKeys.append("task")
    return folder
  }

  /// The folder as it is where the user says this `model_type`.
  package func reading(as modelType: String) -> ModelFolder {
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
