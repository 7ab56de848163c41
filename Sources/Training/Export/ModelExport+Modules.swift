import Autograd
import Failures
import JSON
import Models
import Tensors
import Tokenizers
import Vectors

/// `modules.json` of sentence-transformers and what belongs to it.
extension ModelExport {
  /// A module of sentence-transformers.
  struct Module {
    /// The class with its package.
    var type: String
    /// The folder's name behind its number; empty for the model's own folder.
    var name: String

    /// A class of the first module.
    static let transformer = Module(
      type: "sentence_transformers.base.modules.transformer.Transformer", name: "")
  }

  /// Adds `modules.json`, `sentence_bert_config.json` and `config_sentence_transformers.json`.
  ///
  /// - Parameters:
  ///   - modules: The modules, the transformer first.
  ///   - transformer: Settings of the transformer beside length and case.
  ///   - settings: Settings of the model.
  /// - Throws: 65 where the folder's own settings are damaged.
  mutating func addModules(
    _ modules: [Module], transformer: [JSON.Member] = [], settings: [JSON.Member]
  ) throws(Failure) {
    folder.add(
      "modules.json",
      .array(
        modules.enumerated().map { index, module in
          [
            "idx": .integer(index), "name": .string("\(index)"),
            "path": .string(module.name.isEmpty ? "" : "\(index)_\(module.name)"),
            "type": .string(module.type),
          ]
        }))
    var members = transformer
    if try ModuleFiles.lowerCase(in: description.folder.modelPath) != nil {
      members.append(JSON.Member("do_lower_case", true))
    }
    folder.add("sentence_bert_config.json", .object(members))
    folder.add("config_sentence_transformers.json", .object(settings.sorted { $0.key < $1.key }))
  }

  /// Adds the weights and the configuration of a layer as the module of a number.
  ///
  /// - Parameters:
  ///   - layer: The layer.
  ///   - number: Place of the module among all.
  ///   - input: Name of what it reads.
  ///   - output: Name of what it writes.
  ///   - inputs: Width of what it reads.
  /// - Returns: The module, and the width of what it writes.
  /// - Throws: 78 for a layer that no module is.
  mutating func add(
    _ layer: HeadLayerSettings, number: Int, reading input: String, writing output: String? = nil,
    inputs: Int
  ) throws(Failure) -> (module: Module, outputs: Int) {
    let names: [JSON.Member] = [
      JSON.Member("module_input_name", .string(input)),
      JSON.Member("module_output_name", .string(output ?? input)),
    ]
    switch layer {
    case .normalize:
      // Of texts it is as old as the library, which has no configuration for it.
      guard input == "token_embeddings" else {
        return (Module(type: "sentence_transformers.models.Normalize", name: "Normalize"), inputs)
      }
      folder.add("\(number)_Normalize/config.json", .object(names))
      let type = "sentence_transformers.base.modules.normalize.Normalize"
      return (Module(type: type, name: "Normalize"), inputs)
    case .norm(let path):
      folder.add("\(number)_LayerNorm/config.json", ["dimension": .integer(inputs)])
      try addWeights([("\(path)/norm", "norm")], "\(number)_LayerNorm/")
      return (Module(type: "sentence_transformers.models.LayerNorm", name: "LayerNorm"), inputs)
    case .linear(let projection):
      let outputs = projection.outputs ?? inputs
      let path = projection.place.path
      let residual = projection.place.source.isEmpty ? nil : "\(projection.place.source)/residual"
      try addWeights(
        [(path, "linear")] + (residual.map { [($0, "residual")] } ?? []), "\(number)_Dense/")
      var members: [JSON.Member] = [
        JSON.Member("in_features", .integer(inputs)),
        JSON.Member("out_features", .integer(outputs)),
        JSON.Member("bias", .bool(trained.store["\(path).bias"] != nil)),
        JSON.Member("activation_function", .string(try Self.activation(projection))),
      ]
      if format != .pylate { members += names }
      if projection.hasResidual { members.append(JSON.Member("use_residual", true)) }
      folder.add("\(number)_Dense/config.json", .object(members))
      return (Module(type: denseType, name: "Dense"), outputs)
    }
  }

  private var denseType: String {
    format == .pylate
      ? "pylate.models.Dense.Dense" : "sentence_transformers.base.modules.dense.Dense"
  }

  private mutating func addWeights(
    _ layers: [(stored: String, written: String)], _ folder: String
  ) throws(Failure) {
    for (stored, written) in layers {
      for part in ["weight", "bias"] {
        guard let parameter = trained.store["\(stored).\(part)"] else { continue }
        self.folder.add(parameter, as: "\(written).\(part)", in: folder)
      }
    }
  }

  private static func activation(_ projection: Projection) throws(Failure) -> String {
    switch projection.activation {
    case nil, "Identity": "torch.nn.modules.linear.Identity"
    case .some(let name): "torch.nn.modules.activation.\(name)"
    }
  }

  /// The lengths of the roles as fields of the transformer, of which one is older than two.
  func lengths() -> [JSON.Member] {
    let (query, doc) = (length(.query), length(.doc))
    if query == doc { return query.map { [JSON.Member("max_seq_length", .integer($0))] } ?? [] }
    let both = [("query_length", query), ("document_length", doc)]
    return both.compactMap { name, length in length.map { JSON.Member(name, .integer($0)) } }
  }

  /// Longest text of a role; nil for no limit.
  func length(_ role: Role) -> Int? {
    let length = description.roles[role]?.maximumLength
    guard let longest = description.longestText else { return length }
    return length.map { min($0, longest) }
  }

  /// The prompts of the library, with the tokens of the roles in front of them.
  func prompts() throws(Failure) -> JSON {
    var prompts = description.prompts
    for (role, name) in [(Role.query, "query"), (.doc, "document")] {
      let text = description.roles[role]?.prompt ?? ""
      prompts[name] = try markers(role).map(\.name).joined() + text
    }
    return .object(
      prompts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })
  }

  /// Refuses roles whose texts become tokens in a way that the form cannot say.
  func checkRoles() throws(Failure) {
    for (role, settings) in description.roles.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      guard settings.addsSpecialTokens else {
        throw refusal("texts of role \(role.rawValue) have no special tokens")
      }
      if case .padding = settings.filling {
        throw refusal("texts of role \(role.rawValue) are filled up with padding")
      }
    }
  }

  /// Whether texts of a role are filled up with other tokens.
  func isFilled(_ role: Role) -> Bool {
    description.roles[role].map { $0.filling != Filling.none } ?? false
  }

  /// Refuses prompts where the form has no place for them.
  func checkPrompts() throws(Failure) {
    let roles = description.roles.sorted { $0.key.rawValue < $1.key.rawValue }
    for (role, settings) in roles where !settings.prompt.isEmpty || !settings.inserted.isEmpty {
      throw refusal(
        "the folder cannot say what stands in front of texts of role \(role.rawValue)",
        hint: "--format sentence-transformers")
    }
  }

  static func settings(_ type: String, _ others: [JSON.Member]) -> [JSON.Member] {
    [JSON.Member("model_type", .string(type)), JSON.Member("default_prompt_name", .null)] + others
  }
}
