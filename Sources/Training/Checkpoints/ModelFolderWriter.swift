import Autograd
import Failures
import Glibc
import JSON
import Models
import Streams
import Tensors

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
  /// Where `model.safetensors` is, below the model's folder.
  private let weightsPath: String
  /// What each weight is called in the file.
  private let names: [(stored: String, written: String)]
  /// Weights that are not trained, as they were.
  private let others: [Parameter]
  private let store: ParameterStore

  private static let weightFiles: Set = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
    "pytorch_model.bin.index.json",
  ]
  /// Files of a model folder that are kept.
  private static let keptSuffixes = [".json", ".txt", ".model", ".jinja", ".metadata"]

  /// Prepares to write; `description` is the model's before anything of it was changed for training.
  ///
  /// - Throws: 78 where a weight cannot be written under a name that Lightning IR reads.
  package init(_ description: ModelDescription, _ store: ParameterStore) throws(Failure) {
    self.store = store
    let folder = description.folder
    let naming = WeightNaming(description)
    let isRoot = folder.modelPath == folder.path
    weightsPath =
      naming.isConverted || isRoot
      ? "" : String(folder.modelPath.dropFirst(folder.path.count + 1)) + "/"
    var names: [(String, String)] = []
    for parameter in store.parameters {
      names.append((parameter.name, try naming.written(parameter.name)))
    }
    self.names = names
    others = naming.isConverted ? [] : try Self.untrained(folder, store)
    var files: [(String, [UInt8])] = []
    var folders: [String] = []
    try Self.collect(
      naming.isConverted ? folder.modelPath : folder.path, "", &files, &folders,
      deep: !naming.isConverted)
    let config = weightsPath + "config.json"
    files.removeAll { $0.0 == config }
    files.append((config, Array((try naming.config().indented() + "\n").utf8)))
    self.files = files.sorted { $0.0 < $1.0 }
    self.folders = folders
  }

  /// Weights of the checkpoint that training knows nothing of.
  private static func untrained(
    _ folder: ModelFolder, _ store: ParameterStore
  ) throws(Failure) -> [Parameter] {
    let checkpoint = try Checkpoint(folder.modelPath)
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
    _ folders: inout [String], deep: Bool
  ) throws(Failure) {
    for name in try FolderListing.names(path).sorted() {
      let full = "\(path)/\(name)"
      if WholeFile.isDirectory(full) {
        let isModule = name.first?.isNumber == true && name.contains("_")
        guard deep, isModule else { continue }
        folders.append(prefix + name)
        try collect(full, "\(prefix)\(name)/", &files, &folders, deep: true)
        continue
      }
      let isModuleWeights = !prefix.isEmpty && name.hasSuffix(".safetensors")
      guard isModuleWeights || keptSuffixes.contains(where: name.hasSuffix),
        !weightFiles.contains(name) || isModuleWeights
      else { continue }
      files.append((prefix + name, try WholeFile.read(full)))
    }
  }

  /// Names of everything that is written, folders before what is in them.
  package var contents: [String] {
    folders + files.map(\.name) + [weightsPath + "model.safetensors"]
  }

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
    var tensors = names.map { name in
      (name.written, store[name.stored])
    }.compactMap { name, parameter in parameter.map { Self.tensor(name, $0) } }
    tensors += others.map { Self.tensor($0.name, $0) }
    try SafeTensorsWriter.write(
      "\(folder)/\(weightsPath)model.safetensors", metadata: ["format": "pt"],
      tensors.sorted { $0.name < $1.name })
  }

  /// Takes the weights from a folder that `write` has filled.
  ///
  /// - Throws: 65 where one is missing.
  package func read(from folder: String) throws(Failure) {
    let file = try SafeTensorsFile("\(folder)/\(weightsPath)model.safetensors")
    for (stored, written) in names {
      guard let values = store[stored]?.training?.values else { continue }
      guard let entry = file.entry(written), entry.type == .f32, entry.elements == values.count
      else { throw .data(file.path, "damaged: no \(written) of \(values.count) numbers") }
      UnsafeMutableRawBufferPointer(start: values.pointer, count: 4 * values.count)
        .copyMemory(from: file.bytes(entry))
    }
  }

  private static func tensor(_ name: String, _ parameter: Parameter) -> SafeTensorsWriter.Tensor {
    SafeTensorsWriter.Tensor(
      name, .f32, parameter.shape,
      UnsafeRawBufferPointer(
        UnsafeBufferPointer(start: parameter.values, count: parameter.count)))
  }
}

/// What weights and fields are called in the folder that training writes.
struct WeightNaming {
  private let description: ModelDescription
  /// Whether the folder becomes one of Lightning IR's.
  let isConverted: Bool

  init(_ description: ModelDescription) {
    self.description = description
    isConverted =
      description.folder.overriddenKeys.contains("model_type")
      && description.folder.config["backbone_model_type"] == nil
  }

  /// Prefixes that transformers puts before the weights of a backbone below a head.
  private static let prefixes = [
    "bert.", "distilbert.", "electra.", "roberta.", "mpnet.", "model.", "transformer.",
  ]

  /// The name of a weight in the folder that is written.
  func written(_ stored: String) throws(Failure) -> String {
    guard isConverted else { return stored }
    for (layer, own) in description.headLayerNames where stored.hasPrefix(layer + ".") {
      return own + stored.dropFirst(layer.count)
    }
    for prefix in Self.prefixes where stored.hasPrefix(prefix) {
      return String(stored.dropFirst(prefix.count))
    }
    return stored
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
    guard isConverted else { return .object(members) }
    if case .mono(let settings) = description.architecture {
      set("linear_bias", .bool(settings.hasBias))
      if settings.hasPooler { set("pooling_strategy", "bert_pool") }
    }
    set("model_type", .string(description.architecture.name))
    set("backbone_model_type", .string(description.backboneType))
    members.removeAll { ["architectures", "auto_map"].contains($0.key) }
    return .object(members.sorted { $0.key < $1.key })
  }
}
