import Failures
import JSON
import Streams
import Tensors
import Vectors

/// A folder of sentence-transformers: `modules.json` and a folder a module, in the classic form and
/// in that of version 5.
package struct SentenceTransformersFolder {
  typealias Module = SentenceTransformersModules.Module

  let folder: ModelFolder
  let modules: SentenceTransformersModules
  /// `config_sentence_transformers.json`; nil where there is none.
  let settings: JSON?

  /// Describes a folder by the head that reads its modules.
  static func describe(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    let own = SentenceTransformersFolder(
      folder: folder, modules: try SentenceTransformersModules(folder.path),
      settings: try folder.rootJSON("config_sentence_transformers.json"))
    // The first row, pooling and layers, is what is left where no other is meant.
    for head in folder.heads.reversed() {
      if let description = try head.describe(own) { return description }
    }
    throw .config(folder.path, "no head reads the modules")
  }

  /// Whether a transformer's states go into the other modules.
  var beginsWithTransformer: Bool {
    modules.routes == nil && modules.all.first?.kind == "Transformer"
  }

  /// Modules behind the first one.
  var heads: [Module] { Array(modules.all.dropFirst()) }

  /// Lengths and prompts of the two roles.
  func addRoles(to description: inout ModelDescription) throws(Failure) {
    let length = try Self.length(description.folder)
    let prompts = try Self.prompts(settings, place: description.folder.path)
    description.prompts = prompts
    let fallback = settings?["default_prompt_name"]?.string.flatMap { prompts[$0] } ?? ""
    description.roles = [
      .query: RoleSettings(maximumLength: length, prompt: prompts["query"] ?? fallback),
      .doc: RoleSettings(
        maximumLength: length,
        prompt: prompts["document"] ?? prompts["passage"] ?? prompts["corpus"] ?? fallback),
    ]
  }

  /// The linear layer of a Dense module.
  static func projection(
    _ config: JSON, _ path: String, place: String
  ) throws(Failure) -> Projection {
    guard let outputs = config["out_features"]?.integer else {
      throw .config(place, "out_features: expected an integer")
    }
    let activation = config["activation_function"]?.string ?? "torch.nn.modules.activation.Tanh"
    return Projection(
      WeightPlace("linear", in: path), outputs: outputs,
      bias: config["bias"]?.bool ?? true ? .required : .none,
      activation: String(activation.split(separator: ".").last ?? ""))
  }

  /// Similarity that `similarity_fn_name` gives, or the library's own default for the kind of model.
  func similarity(default fallback: Similarity) throws(Failure) -> Similarity {
    switch settings?["similarity_fn_name"]?.string {
    case nil: fallback
    case "cosine": .cosine
    case "dot", "dot_product": .dot
    case "euclidean": .l2
    case .some(let name): throw .config(folder.path, "similarity_fn_name \(name) is not supported")
    }
  }

  static func prompts(
    _ settings: JSON?, place: String
  ) throws(Failure) -> [String: String] {
    var prompts: [String: String] = [:]
    for member in settings?["prompts"]?.members ?? [] {
      guard let text = member.value.string else {
        throw .config(place, "prompts.\(member.key): expected a string")
      }
      prompts[member.key] = text
    }
    return prompts
  }

  /// `max_seq_length`, else the tokenizer's `model_max_length`; never above the positions.
  ///
  /// sentence-transformers `models/Transformer.py`.
  static func length(_ folder: ModelFolder) throws(Failure) -> Int? {
    if let length = try folder.json("sentence_bert_config.json")?["max_seq_length"]?.integer {
      return length
    }
    return try folder.tokenizerLength()
  }
}
