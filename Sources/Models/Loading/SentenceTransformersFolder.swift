import Failures
import JSON
import Streams
import Tensors
import Tokenizers
import Vectors

/// A folder of sentence-transformers: `modules.json` and a folder a module, in the classic form and
/// in those of versions 5 and 6.
package struct SentenceTransformersFolder {
  typealias Module = SentenceTransformersModules.Module

  let folder: ModelFolder
  let modules: SentenceTransformersModules
  let files: SettingsFiles
  /// `config_sentence_transformers.json`; nil where there is none.
  let settings: SettingsFile?
  /// Settings of the transformer that reads documents; nil where another module does.
  let transformer: TransformerModule?
  /// The library's class that wrote the folder; nil where older releases did not say it.
  let modelType: String?

  private static let modelTypes = [
    "SentenceTransformer", "SparseEncoder", "CrossEncoder", "MultiVectorEncoder", "ColBERT",
  ]

  /// Describes a folder by the head that reads its modules.
  static func describe(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    let own = try SentenceTransformersFolder(folder)
    // The first row, pooling and layers, is what is left where no other is meant.
    for head in folder.heads.reversed() {
      guard var description = try head.describe(own) else { continue }
      description.withoutEffect += try own.withoutEffect()
      return description
    }
    throw .config(folder.path, "no head reads the modules")
  }

  private init(_ folder: ModelFolder) throws(Failure) {
    self.folder = folder
    files = SettingsFiles(folder)
    modules = try SentenceTransformersModules(files)
    settings = try files.open("config_sentence_transformers.json", toleratesOthers: true)
    modelType = try settings?.string("model_type")
    if let settings, let modelType, !Self.modelTypes.contains(modelType) {
      throw settings.unsupported("model_type")
    }
    settings?.ignore("__version__", "requirements", "model_card", "keep_in_fp32_modules")
    let first = (modules.routes?.doc ?? modules.all).first
    switch first?.kind {
    case "Transformer": transformer = try TransformerModule(files, default: .features)
    case "MLMTransformer": transformer = try TransformerModule(files, default: .words)
    default: transformer = nil
    }
  }

  private func withoutEffect() throws(Failure) -> [String] {
    try modules.withoutEffect + files.withoutEffect()
  }

  /// Whether a table's vectors go into the other modules, their mean first.
  var beginsWithTable: Bool {
    modules.routes == nil && modules.all.first?.kind == "StaticEmbedding"
  }

  /// Whether a transformer's states go into the other modules.
  var beginsWithTransformer: Bool { modules.routes == nil && transformer?.task == .features }

  /// Whether the transformer gives the states of all layers, not of the last alone.
  var givesAllStates: Bool {
    guard let transformer else { return false }
    return transformer.givesAllStates ?? folder.config["output_hidden_states"]?.bool ?? false
  }

  /// Modules behind the first one.
  var heads: [Module] { Array(modules.all.dropFirst()) }

  /// The configuration of a module; nil where it has no file.
  func configuration(of module: Module) throws(Failure) -> SettingsFile? {
    try files.open("\(module.path)/config.json")
  }

  /// The configuration that a module must have.
  ///
  /// - Throws: 78 where there is none.
  func requiredConfiguration(of module: Module) throws(Failure) -> SettingsFile {
    guard let file = try configuration(of: module) else {
      throw .config(
        "\(folder.path)/\(module.path)/config.json", "the \(module.kind) has no configuration")
    }
    return file
  }

  func unsupported(_ module: Module, _ place: String = "") -> Failure {
    .config(folder.path, "module \(module.kind)\(place) is not supported")
  }

  /// Lengths and prompts of the two roles.
  func addRoles(to description: inout ModelDescription) throws(Failure) {
    let prompts = try prompts()
    description.prompts = prompts
    // The library knows both roles' prompts, if only as none, and takes no other one for them.
    if try defaultPrompt(prompts, ["query", "document"]) != nil {
      settings?.note("default_prompt_name", "of texts that have no role")
    }
    for (role, name) in [(Role.query, "query"), (.doc, "document")] {
      var settings = transformer?.role(role) ?? RoleSettings(addsSpecialTokens: !beginsWithTable)
      settings.cutsAsTokenizer = beginsWithTable
      let task = try folder.task()
      let instruction = task.flatMap { folder.config["task_instructions"]?[$0]?.string }
      settings.prompt =
        task.flatMap { prompts[$0] } ?? instruction ?? prompts[name] ?? ""
      description.roles[role] = settings
    }
  }

  /// Texts in front of texts, by name.
  func prompts() throws(Failure) -> [String: String] {
    var prompts: [String: String] = [:]
    guard let members = settings?.value("prompts")?.members else { return prompts }
    for member in members {
      // The library writes null for a prompt that nobody set.
      guard let text = member.value.isNull ? "" : member.value.string else {
        throw .config(folder.path, "prompts.\(member.key): expected a string")
      }
      prompts[member.key] = text
    }
    return prompts
  }

  /// The prompt that `default_prompt_name` names; nil where it names none.
  ///
  /// - Parameters:
  ///   - prompts: The folder's.
  ///   - known: Names that the library knows without the folder's saying so.
  /// - Returns: The prompt.
  /// - Throws: 78 for a name that is not there: the library refuses it, too.
  func defaultPrompt(
    _ prompts: [String: String], _ known: [String] = []
  ) throws(Failure) -> String? {
    guard let settings, let name = try settings.string("default_prompt_name") else { return nil }
    guard let prompt = prompts[name] ?? (known.contains(name) ? "" : nil) else {
      throw .config(
        settings.place, "default_prompt_name: there is no prompt \(name)",
        hint: prompts.isEmpty ? nil : "prompts: \(prompts.keys.sorted().joined(separator: ", "))")
    }
    return prompt
  }

  /// Similarity that `similarity_fn_name` gives, or the library's own default for the kind of model.
  func similarity(default fallback: Similarity) throws(Failure) -> Similarity {
    switch try settings?.string("similarity_fn_name") {
    case nil: return fallback
    case "cosine": return .cosine
    case "dot", "dot_product": return .dot
    case "euclidean": return .l2
    case "maxsim", "meanmaxsim":
      settings?.note("similarity_fn_name", "of models with several vectors a text")
      return fallback
    case .some(let name): throw .config(folder.path, "similarity_fn_name \(name) is not supported")
    }
  }

  /// The linear layer of a Dense module.
  ///
  /// - Parameters:
  ///   - module: The module.
  ///   - input: What it reads where its configuration does not say it.
  ///   - output: The name of what it writes; nil for that of what it reads.
  /// - Returns: The layer, and what it reads.
  /// - Throws: 78 for a configuration that is missing or asks for what is not supported.
  func projection(
    _ module: Module, reading input: ModuleInput = .text, writing output: String? = nil
  ) throws(Failure) -> (layer: Projection, input: ModuleInput) {
    let config = try requiredConfiguration(of: module)
    guard let outputs = try config.integer("out_features", in: FieldRanges.outputs) else {
      throw .config(config.place, "out_features: expected an integer")
    }
    config.ignore("in_features")
    let activation =
      try config.string("activation_function") ?? "torch.nn.modules.activation.Tanh"
    guard activation.hasPrefix("torch.") else { throw config.unsupported("activation_function") }
    var layer = Projection(
      WeightPlace("linear", in: module.path), outputs: outputs,
      bias: try config.bool("bias", default: true) ? .required : .none,
      activation: String(activation.split(separator: ".").last ?? ""))
    layer.hasResidual = try config.bool("use_residual")
    return (layer, try ModuleInput(config, default: input, writing: output))
  }

  /// `max_seq_length`, else the tokenizer's `model_max_length`; never above the positions.
  static func length(_ folder: ModelFolder) throws(Failure) -> Int? {
    for name in ModuleFiles.transformer {
      guard let json = try folder.json(name), json.members?.isEmpty == false else { continue }
      let length = try NumberField("max_seq_length", of: json, at: "\(folder.modelPath)/\(name)")
        .optionalInteger(in: FieldRanges.length)
      if let length { return length }
      break
    }
    return try folder.tokenizerLength()
  }
}

/// What a module reads, and writes in its place.
enum ModuleInput: String {
  case tokens = "token_embeddings"
  case text = "sentence_embedding"

  /// - Parameters:
  ///   - config: The module's configuration.
  ///   - fallback: What is read where it does not say it.
  ///   - output: The name of what is written; nil for that of what is read.
  /// - Throws: 78 for another input, and for an output in another place.
  init(
    _ config: SettingsFile?, default fallback: ModuleInput, writing output: String? = nil
  ) throws(Failure) {
    self = fallback
    guard let config else { return }
    if let name = try config.string("module_input_name") {
      guard let input = ModuleInput(rawValue: name) else {
        throw config.unsupported("module_input_name")
      }
      self = input
    }
    try config.require("module_output_name", output ?? rawValue)
  }
}
