import Autograd
import Failures
import Glibc
import JSON
import Models
import Streams
import Tensors
import Tokenizers

/// Writes the weights of a training run as a model folder.
///
/// A folder that said itself what it is stays what it was (Lightning IR's, sentence-transformers',
/// transformers'), with other weights. A backbone that became a model by `model_config` is written
/// as Lightning IR writes it.
package struct ModelFolderWriter {
  /// Names of files in the folder, with what is in them.
  private let files: [(name: String, bytes: [UInt8])]
  /// Folders below the model's.
  private let folders: [String]
  /// Files of weights with what each of them holds.
  private let weights: [WeightsFile]
  private let store: ParameterStore
  private let adapter: AdapterWriter?

  private struct WeightsFile {
    /// Below the model's folder.
    var path: String
    /// Name of each weight in the store, and in the file.
    var names: [(stored: String, written: String)]
    /// Weights that are not trained, as they were.
    var others: [Parameter] = []
  }

  private static let replacedFiles: Set = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
    "pytorch_model.bin.index.json",
  ]
  /// Files of a model folder that are kept.
  private static let keptSuffixes = [".json", ".txt", ".model", ".jinja", ".metadata"]

  /// Prepares to write.
  ///
  /// - Parameters:
  ///   - description: The model's before anything of it was changed for training.
  ///   - trained: Its weights.
  ///   - lowRank: What updates them.
  /// - Throws: 78 where a weight cannot be written under a name that Lightning IR reads.
  package init(
    _ description: ModelDescription, _ trained: TrainedModel, _ lowRank: LowRankUpdates? = nil
  ) throws(Failure) {
    let store = trained.store
    self.store = store
    let folder = description.folder
    let naming = WeightNaming(description)
    if naming.isConverted, description.isCrossEncoder, description.family?.answersInWords == true {
      throw .config(
        folder.path, "a model that answers in words cannot become one of Lightning IR's",
        hint: "begin with a folder that Lightning IR has saved")
    }
    if !naming.isConverted, let field = description.overridden.first {
      throw .config(
        "model_config", "\(field) has no place in the folder that is written, which keeps its form",
        hint:
          "set it in the files of \(folder.path), or say model_type, too, for one of Lightning IR's"
      )
    }
    adapter = try lowRank.map { lowRank throws(Failure) in try AdapterWriter(lowRank, naming) }
    let isRoot = folder.modelPath == folder.path
    let modelPath =
      naming.isConverted || isRoot
      ? "" : String(folder.modelPath.dropFirst(folder.path.count + 1)) + "/"
    var weights: [WeightsFile] = []
    for parameter in store.parameters where lowRank?.has(parameter.name) != true {
      let (module, written) = try naming.written(parameter.name)
      let path = "\(module ?? modelPath)model.safetensors"
      if let i = weights.firstIndex(where: { $0.path == path }) {
        weights[i].names.append((parameter.name, written))
      } else {
        weights.append(WeightsFile(path: path, names: [(parameter.name, written)]))
      }
    }
    if naming.isConverted, let tied = description.head.tiedWeight, !weights.isEmpty,
      !weights[0].names.contains(where: { $0.1 == tied })
    {
      // Lightning IR's decoder has weights of its own where transformers' shares the embeddings.
      weights[0].names.append((trained.model.backbone.wordEmbeddings.name, tied))
    }
    if !naming.isConverted {
      for i in weights.indices where weights[i].path == modelPath + "model.safetensors" {
        weights[i].others = try Self.untrained(folder, store)
      }
    }
    self.weights = weights
    var files: [(String, [UInt8])]
    (files, folders) = try Self.kept(description, isConverted: naming.isConverted, modelPath)
    let config = modelPath + "config.json"
    let trained = weights.map(\.path)
    files.removeAll { file in
      file.0 == config || trained.contains(file.0)
        || trained.contains {
          $0.dropLast("model.safetensors".count) + "pytorch_model.bin" == file.0
        }
    }
    files.append((config, Array((try naming.config().indented() + "\n").utf8)))
    self.files = files.sorted { $0.0 < $1.0 }
  }

  /// What stays as it is: the folder's other files, and the folders below it.
  private static func kept(
    _ description: ModelDescription, isConverted: Bool, _ modelPath: String
  ) throws(Failure) -> (files: [(String, [UInt8])], folders: [String]) {
    let folder = description.folder
    var files: [(String, [UInt8])] = []
    var folders: [String] = []
    if isConverted {
      try Self.collect(folder.modelPath, "", &files, &folders, nil)
      files.removeAll { ModelFolder.saysWhatItIs($0.0) }
      var tokenizer = TokenizerFiles(
        folder.modelPath, try Tokenizer.load(folder: folder.modelPath))
      try tokenizer.lowerCase()
      if let json = try tokenizer.changed() {
        files.removeAll { $0.0 == TokenizerFiles.name }
        files.append((TokenizerFiles.name, Array(json.serialized().utf8)))
      }
    } else {
      try Self.collect(folder.path, "", &files, &folders, ModuleFolders(folder.path))
      // The weights of the model itself are one file from now on.
      files.removeAll { file in
        !modelPath.isEmpty && file.0.hasPrefix(modelPath)
          && [".safetensors", ".bin"].contains(where: file.0.hasSuffix)
      }
    }
    folders += description.head.weightFolders.filter { !folders.contains($0) }
    return (files, folders)
  }

  /// Weights of the checkpoint that training knows nothing of.
  private static func untrained(
    _ folder: ModelFolder, _ store: ParameterStore
  ) throws(Failure) -> [Parameter] {
    let checkpoint = try Checkpoint(folder.modelPath, adapter: folder.openAdapter())
    var others: [Parameter] = []
    for name in checkpoint.names where store[name] == nil {
      // Numbers from 0 on that older transformers saved with the weights.
      if name.hasSuffix("position_ids") { continue }
      others.append(try checkpoint.parameter(name, checkpoint.shape(name) ?? []))
    }
    return others
  }

  private static func collect(
    _ path: String, _ prefix: String, _ files: inout [(String, [UInt8])],
    _ folders: inout [String], _ modules: ModuleFolders?
  ) throws(Failure) {
    for name in try FolderListing.names(path).sorted() {
      let full = "\(path)/\(name)"
      if WholeFile.isDirectory(full) {
        guard let modules, modules.contains(prefix + name) else { continue }
        folders.append(prefix + name)
        try collect(full, "\(prefix)\(name)/", &files, &folders, modules)
        continue
      }
      let isModuleWeights =
        prefix.contains("/") && [".safetensors", ".bin"].contains(where: name.hasSuffix)
      guard isModuleWeights || keptSuffixes.contains(where: name.hasSuffix),
        !replacedFiles.contains(name) || isModuleWeights,
        !ModelFolder.adapterFiles.contains(name)
      else { continue }
      files.append((prefix + name, try WholeFile.read(full)))
    }
  }

  /// Names of everything that is written, folders before what is in them.
  package var contents: [String] {
    folders + files.map(\.name) + weights.map(\.path) + (adapter?.contents ?? [])
  }

  /// Files among `contents` that hold weights.
  package var weightFiles: [String] { contents.filter { $0.hasSuffix(".safetensors") } }

  /// Writes the model as it is now into a folder that exists.
  package func write(into folder: String) throws(Failure) {
    for name in folders where !WholeFile.isDirectory("\(folder)/\(name)") {
      guard mkdir("\(folder)/\(name)", 0o777) == 0 else {
        throw SystemError.cannotCreate("\(folder)/\(name)")
      }
    }
    for (name, bytes) in files {
      let writer = try ByteWriter("\(folder)/\(name)", compression: Compression.none)
      try writer.write(bytes)
      try writer.finish()
    }
    for file in weights {
      let parameters =
        file.names.compactMap { name in store[name.stored].map { (name.written, $0.merged() ?? $0) }
        }
        + file.others.map { (WeightNaming.modern($0.name), $0) }
      let tensors = parameters.map { Self.tensor($0, $1) }
      try SafeTensorsWriter.write(
        "\(folder)/\(file.path)", metadata: ["format": "pt"],
        tensors.sorted { $0.name < $1.name })
      // Sums with low-rank updates live as long as somebody holds them.
      withExtendedLifetime(parameters) {}
    }
    try adapter?.write(into: folder)
  }

  /// Takes the weights from a folder that `write` has filled.
  ///
  /// - Throws: 65 where one is missing.
  package func read(from folder: String) throws(Failure) {
    // The model's own weights are as they were, and the folder has sums.
    if let adapter { return try adapter.read(from: folder) }
    for weights in self.weights {
      let file = try SafeTensorsFile("\(folder)/\(weights.path)")
      for (stored, written) in weights.names {
        guard let values = store[stored]?.training?.values else { continue }
        try file.copy(written, to: values)
      }
    }
  }

  static func tensor(_ name: String, _ parameter: Parameter) -> SafeTensorsWriter.Tensor {
    SafeTensorsWriter.Tensor(
      name, .f32, parameter.shape,
      UnsafeRawBufferPointer(
        UnsafeBufferPointer(start: parameter.values, count: parameter.count)))
  }
}

/// Names of weights and fields in the folder that training writes.
struct WeightNaming {
  private let description: ModelDescription
  /// Whether the folder becomes one of Lightning IR's.
  let isConverted: Bool

  init(_ description: ModelDescription) {
    self.description = description
    isConverted =
      description.folder.overriddenKeys.contains("model_type")
      && description.folder.config["backbone_model_type"] == nil
      // A checkpoint whose markers have no rows of their own is known by its folder alone.
      && description.aliases.isEmpty
  }

  /// Prefixes that transformers puts before the weights of a backbone below a head.
  private static let prefixes = [
    "bert.", "distilbert.", "electra.", "roberta.", "mpnet.", "model.", "transformer.",
  ]

  /// The name of a weight in the folder that is written, and the folder of a module that holds it,
  /// with a slash; nil for the model's own.
  ///
  /// - Throws: 78 where Lightning IR has no such layer.
  func written(_ stored: String) throws(Failure) -> (module: String?, name: String) {
    let stored = Self.modern(stored)
    // The folder of a module may lie in another one.
    let slash = stored.lastIndex(of: "/")
    guard isConverted else {
      guard let slash else { return (nil, stored) }
      return (String(stored[...slash]), String(stored[stored.index(after: slash)...]))
    }
    for (layer, own) in description.head.layerNames(description.family)
    where stored.hasPrefix(layer + ".") {
      return (nil, own + stored.dropFirst(layer.count))
    }
    if let slash, description.head.weightFolders.contains(String(stored[..<slash])) {
      return (String(stored[...slash]), String(stored[stored.index(after: slash)...]))
    }
    guard slash == nil else {
      throw .config(
        description.folder.path, "Lightning IR's models have no layer such as \(stored)")
    }
    return (nil, Self.withoutPrefix(stored))
  }

  /// The name of a weight or a layer without what transformers puts before a backbone's.
  static func withoutPrefix(_ name: String) -> String {
    guard let prefix = prefixes.first(where: name.hasPrefix) else { return name }
    return String(name.dropFirst(prefix.count))
  }

  /// The name that LayerNorm's weights have by now, which older checkpoints call `gamma`, `beta`.
  static func modern(_ name: String) -> String {
    for (old, new) in [("LayerNorm.gamma", "weight"), ("LayerNorm.beta", "bias")]
    where name.hasSuffix(old) {
      return name.dropLast(old.count) + "LayerNorm." + new
    }
    return name
  }

  /// `config.json` of the folder that is written.
  func config() throws(Failure) -> JSON {
    let folder = description.folder
    var members = folder.config.members ?? []
    func set(_ key: String, _ value: JSON) {
      members.removeAll { $0.key == key }
      members.append(JSON.Member(key, value))
    }
    for key in ["dtype", "torch_dtype"] where folder.config[key] != nil { set(key, "float32") }
    guard isConverted else {
      if folder.overriddenKeys.contains("model_type"), let type = folder.originalModelType {
        set("model_type", .string(type))
      }
      // They stand in the configuration of the text tower.
      members.removeAll {
        folder.textFields.contains($0.key) && !folder.overriddenKeys.contains($0.key)
      }
      return .object(members)
    }
    for field in description.head.writtenFields { set(field.key, field.value) }
    set("model_type", .string(description.head.modelType))
    set("backbone_model_type", .string(description.backboneType))
    members.removeAll { ["architectures", "auto_map"].contains($0.key) }
    return .object(members.sorted { $0.key < $1.key })
  }
}
