import Autograd
import Failures
import JSON
import Models
import Streams
import Tensors
import Tokenizers

/// Writes a model in the form that another library opens.
///
/// What a form cannot say of a model is refused, or, where texts are cut in another way, told.
package struct ModelExport {
  let description: ModelDescription
  let trained: TrainedModel
  let tokenizer: Tokenizer
  let transformers: TransformersNames
  let format: ExportFormat
  var folder = ExportedFolder()
  /// What the form does not say.
  package private(set) var warnings: [String] = []

  /// Reads a model and puts it in the form.
  ///
  /// - Parameters:
  ///   - description: The model.
  ///   - format: The form.
  /// - Throws: 78 for a model that the form cannot hold, and as reading the model does.
  package init(_ description: ModelDescription, _ format: ExportFormat) throws(Failure) {
    self.description = description
    self.format = format
    guard let names = description.transformersNames else {
      throw .config(
        description.folder.configPlace, "backbone \(description.backboneType) cannot be exported")
    }
    transformers = names
    tokenizer = try Tokenizer.load(folder: description.folder.modelPath)
    trained = try TrainedModel(description)
    switch description.head {
    case let head as DenseHead.Settings: try add(head)
    case let head as SpladeHead.Settings: try add(head)
    case let head as MultiVectorHead.Settings: try add(head)
    case let head as MonoHead.Settings: try add(head)
    default:
      throw refusal("\(description.head.modelType) models are those of Lightning IR alone")
    }
  }

  /// Writes the folder.
  ///
  /// - Throws: 73 where there is something already, 73 or 74 where it cannot be written.
  package func write(_ target: String) throws(Failure) { try folder.write(target) }

  func refusal(_ why: String, hint: String? = nil) -> Failure {
    .config(description.folder.path, "--format \(format.rawValue): \(why)", hint: hint)
  }

  mutating func warn(_ text: String) { warnings.append(text) }

  // MARK: Backbone

  /// Adds the backbone's weights, behind a prefix where a class of transformers has a head beside it.
  ///
  /// - Parameters:
  ///   - prefix: The prefix; nothing for the backbone alone.
  ///   - isHead: Whether a stored weight belongs to the head.
  /// - Throws: 65 for weights that are damaged.
  mutating func addBackbone(
    prefix: String, except isHead: (String) -> Bool
  ) throws(Failure) {
    let before = try storedPrefix()
    for parameter in trained.store.parameters
    where !parameter.name.contains("/") && !isHead(parameter.name) {
      folder.add(parameter, as: prefix + Self.name(parameter.name, behind: before))
    }
    // Poolers and the like, which nobody here needs and transformers would make anew.
    let checkpoint = try Checkpoint(description.folder.modelPath)
    let pooler = before + "pooler."
    for name in checkpoint.names where name.hasPrefix(pooler) && trained.store[name] == nil {
      let parameter = try checkpoint.parameter(name, checkpoint.shape(name) ?? [])
      folder.add(parameter, as: prefix + Self.name(name, behind: before))
    }
  }

  /// Prefix of the backbone's weights in the folder.
  private func storedPrefix() throws(Failure) -> String {
    let name = trained.model.backbone.wordEmbeddings.name
    for table in description.family?.wordEmbeddings ?? [] where name.hasSuffix(table) {
      return String(name.dropLast(table.count))
    }
    throw refusal("the word embeddings are called \(name)")
  }

  private static func name(_ stored: String, behind prefix: String) -> String {
    WeightNaming.modern(
      stored.hasPrefix(prefix) ? String(stored.dropFirst(prefix.count)) : stored)
  }

  /// Adds `config.json` for a class of transformers.
  ///
  /// - Parameters:
  ///   - architecture: The class behind the name of the model: `ForMaskedLM`.
  ///   - fields: Fields that it must have.
  mutating func addConfiguration(_ architecture: String, _ fields: [JSON.Member] = []) {
    let foreign = description.fieldsOfLightningIR.union([
      "auto_map", "torch_dtype", "dtype", "backbone_model_type", "architectures", "_name_or_path",
    ])
    var members = (description.folder.config.members ?? []).filter { !foreign.contains($0.key) }
    let own: [JSON.Member] =
      [
        JSON.Member("model_type", .string(description.backboneType)),
        JSON.Member("architectures", [.string(transformers.className + architecture)]),
        JSON.Member("dtype", "float32"),
        JSON.Member("vocab_size", .integer(trained.model.backbone.vocabularySize)),
      ] + fields
    members.removeAll { member in own.contains { $0.key == member.key } }
    folder.add("config.json", .object((members + own).sorted { $0.key < $1.key }))
  }

  /// Adds the tokenizer's files.
  ///
  /// - Parameters:
  ///   - tokens: Tokens that texts name, with their ids: as special ones they are found there.
  ///   - lowersItself: Whether the form says itself that texts are put in lower case.
  /// - Throws: 78 where the tokenizer is of a kind that cannot be changed.
  mutating func addTokenizer(
    naming tokens: [(name: String, id: Int32)] = [], lowersItself: Bool
  ) throws(Failure) {
    let path = description.folder.modelPath
    for name in try FolderListing.names(path).sorted() where TokenizerFiles.names.contains(name) {
      folder.add(name, try WholeFile.read("\(path)/\(name)"))
    }
    var file = TokenizerFiles(path, tokenizer)
    file.add(tokens)
    if !lowersItself { try file.lowerCase() }
    if let json = try file.changed() {
      folder.add(TokenizerFiles.name, Array(json.serialized().utf8))
    }
    let length = format == .transformers ? commonLength : nil
    if let json = try file.configuration(length: length) {
      folder.add(TokenizerFiles.configuration, json)
    }
  }

  /// Longest text of every role; nil where they differ, or have no limit.
  private var commonLength: Int? {
    let lengths = Set(description.roles.keys.map { length($0) })
    return lengths.count == 1 ? lengths.first ?? nil : nil
  }

  /// Tokens that a role's texts begin with, by the names that the tokenizer knows them by.
  func markers(_ role: Role) throws(Failure) -> [(name: String, id: Int32)] {
    var markers: [(name: String, id: Int32)] = []
    for token in description.roles[role]?.inserted ?? [] {
      let row = token.id.map { description.aliases.row(of: $0) } ?? tokenizer.id(of: token.name)
      guard let row, let name = tokenizer.token(of: row) else {
        throw refusal("the tokenizer has no token \(token.name)")
      }
      markers.append((name, row))
    }
    return markers
  }
}
