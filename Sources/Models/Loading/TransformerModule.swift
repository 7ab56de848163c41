import Failures
import JSON
import Streams
import Tensors
import Tokenizers

/// Settings of the module Transformer of sentence-transformers: `sentence_bert_config.json`, which
/// older releases called after the backbone (`base/modules/transformer.py`).
struct TransformerModule {
  /// The class of transformers that is loaded.
  enum Task: String {
    case features = "feature-extraction"
    case words = "fill-mask"
    case classes = "sequence-classification"
    case answers = "text-generation"

    /// What the library calls the model's output, and the module's.
    fileprivate var outputs: (method: String, module: String) {
      switch self {
      case .features: ("last_hidden_state", "token_embeddings")
      case .words: ("logits", "token_embeddings")
      case .classes: ("logits", "scores")
      case .answers: ("logits", "causal_logits")
      }
    }
  }

  var task: Task
  /// Most tokens of a text whose role has no length of its own.
  var length: Int?
  var lengths: [Role: Int] = [:]
  var addsSpecialTokens = true
  /// Tokens that queries are filled up with.
  var expansion: Expansion?
  /// Whether the arguments of the configuration ask for the states of all layers; nil where they do not say it.
  private(set) var givesAllStates: Bool?
  /// Where all of this stands; nil where no file says anything.
  private var file: SettingsFile?

  /// Reads the settings of the module in a folder.
  ///
  /// - Parameters:
  ///   - files: The folder's.
  ///   - task: What the module's class does where nothing is said.
  /// - Throws: 78 for a field that asks for what is not supported.
  init(_ files: SettingsFiles, default task: Task) throws(Failure) {
    self.task = task
    let folder = files.folder
    guard let name = try Self.file(folder) else {
      length = try folder.tokenizerLength()
      return
    }
    let below =
      folder.modelPath == folder.path
      ? ""
      : folder.modelPath.dropFirst(
        folder.path.count + 1) + "/"
    guard let settings = try files.open(below + name) else { return }
    file = settings
    if let name = try settings.string("transformer_task") {
      guard let known = Task(rawValue: name) else { throw settings.unsupported("transformer_task") }
      self.task = known
    }
    try Self.checkOutputs(settings, self.task)
    let given = try settings.integer("max_seq_length")
    length = try readArguments(settings) ?? given
    if length == nil { length = try folder.tokenizerLength() }
    lengths[.query] = try settings.integer("query_length")
    lengths[.doc] = try settings.integer("document_length")
    // The tokenizer itself reads it, so that nobody tokenises without.
    _ = try settings.bool("do_lower_case")
    if settings.value("tokenizer_name_or_path") != nil {
      throw settings.unsupported("tokenizer_name_or_path")
    }
    settings.ignore("unpad_inputs")
    expansion = try Expansion(settings)
    try readProcessing(settings)
  }

  /// Notes that the length of the module has no effect, as roles have their own.
  func noteLength() { file?.ignore("max_seq_length") }

  /// The first file of a module that says anything.
  private static func file(_ folder: ModelFolder) throws(Failure) -> String? {
    for name in ModuleFiles.transformer {
      if let members = try folder.json(name)?.members, !members.isEmpty { return name }
    }
    return nil
  }

  /// Refuses another output of the model than the one that its task has.
  private static func checkOutputs(_ settings: SettingsFile, _ task: Task) throws(Failure) {
    try settings.require("module_output_name", task.outputs.module)
    guard let modalities = try settings.object("modality_config", toleratesOthers: true) else {
      return
    }
    guard let text = try modalities.object("text") else {
      throw .config(settings.place, "modality_config: expected a way for texts, found none")
    }
    var ways = [text]
    if task == .answers {
      guard let message = try modalities.object("message") else {
        throw .config(
          settings.place,
          "modality_config: expected a way for messages, found none: texts would "
            + "not go through a chat template")
      }
      try message.require("format", "flat")
      ways.append(message)
    }
    for way in ways {
      try way.require("method", "forward")
      if let output = way.value("method_output_name"), output.string != task.outputs.method {
        throw way.unsupported("method_output_name")
      }
    }
    if task != .answers, modalities.value("message") != nil {
      throw .config(
        settings.place,
        "modality_config.message is not supported: texts would go through a chat "
          + "template")
    }
    for other in ["image", "audio", "video"] { modalities.ignore(other) }
  }

  /// Arguments of transformers' loaders, under their old and their new names.
  ///
  /// - Returns: The tokenizer's length, if they say it.
  private mutating func readArguments(_ settings: SettingsFile) throws(Failure) -> Int? {
    for name in ["model_args", "model_kwargs"] {
      try settings.object(name)?.ignore(
        "attn_implementation", "torch_dtype", "dtype", "device_map", "low_cpu_mem_usage",
        "trust_remote_code", "add_pooling_layer", "use_safetensors", "provider", "file_name",
        "export", "revision", "cache_dir", "token", "local_files_only",
        // The folder reads it where its weights have updates by task.
        "default_task")
    }
    for name in ["config_args", "config_kwargs"] {
      guard let arguments = try settings.object(name) else { continue }
      if arguments.has("output_hidden_states") {
        givesAllStates = try arguments.bool("output_hidden_states")
      }
      arguments.ignore(
        "trust_remote_code", "use_cache", "attn_implementation", "revision", "cache_dir", "token",
        "local_files_only")
    }
    var length: Int?
    for name in ["tokenizer_args", "processor_kwargs"] {
      guard let arguments = try settings.object(name) else { continue }
      length = try arguments.integer("model_max_length") ?? length
      arguments.ignore(
        "trust_remote_code", "use_fast", "revision", "cache_dir", "token", "local_files_only")
    }
    return length
  }

  /// Arguments of the tokenizer's calls.
  private mutating func readProcessing(_ settings: SettingsFile) throws(Failure) {
    guard let processing = try settings.object("processing_kwargs") else { return }
    for other in ["audio", "image", "video", "chat_template"] { processing.ignore(other) }
    for name in ["common", "text"] {
      guard let part = try processing.object(name) else { continue }
      part.ignore("padding", "return_tensors", "logits_to_keep", "return_attention_mask")
      if let most = try part.integer("max_length") {
        length = most
        lengths = [:]
      }
      addsSpecialTokens = try part.bool("add_special_tokens", default: addsSpecialTokens)
      if let truncation = part.value("truncation"), truncation.bool != true,
        truncation.string != "longest_first"
      {
        throw part.unsupported("truncation")
      }
    }
  }
}

extension TransformerModule {
  /// Query expansion as release 6 has it: a fixed number of tokens, or a least one.
  struct Expansion {
    var token: String?
    var isAttended: Bool
    var length: Int
    /// Whether longer queries are cut.
    var isFixed: Bool

    fileprivate init?(_ settings: SettingsFile) throws(Failure) {
      guard let fields = try settings.object("query_expansion") else { return nil }
      switch try fields.string("strategy") {
      case "fixed": isFixed = true
      case "min": isFixed = false
      default: throw fields.invalid("strategy", expected: "fixed or min")
      }
      isAttended = try fields.bool("attend")
      token = try fields.string("token")
      guard let length = try fields.integer("length", in: FieldRanges.filledLength) else {
        throw fields.invalid("length", expected: "an integer from 1")
      }
      self.length = length
      if let most = try settings.integer("query_length"), most < length {
        throw .config(
          settings.place, "query_length \(most) is less than query_expansion.length \(length)")
      }
    }
  }

  /// Settings of a role without its prompt.
  func role(_ role: Role) -> RoleSettings {
    var settings = RoleSettings(
      maximumLength: lengths[role] ?? length, addsSpecialTokens: addsSpecialTokens)
    guard role == .query, let expansion else { return settings }
    settings.filling = .expansion(
      token: expansion.token, length: expansion.length, isAttended: expansion.isAttended)
    settings.maximumLength =
      expansion.isFixed
      ? expansion.length : lengths[.query].map { max($0, expansion.length) } ?? length
    return settings
  }
}
