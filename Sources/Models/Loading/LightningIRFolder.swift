import Autograd
import Failures
import JSON
import Streams
import Tensors

/// Folders with Lightning IR's configuration (`lightning_ir/models/*/*.py`), or plain ones for
/// which `--model-config` says the same.
///
/// Defaults are those of its configuration classes.
package enum LightningIRFolder {
  static let defaultQueryLength = 32
  static let defaultDocumentLength = 512

  /// Poolings as Lightning IR names them.
  enum PoolingStrategy: String, CaseIterable {
    case first, mean, max, sum
    /// Ours: decoders gather a text in its last token.
    case last
    case bertPool = "bert_pool"

    var pooling: Pooling {
      switch self {
      case .first, .bertPool: .first
      case .mean: .mean
      case .max: .max
      case .sum: .sum
      case .last: .last
      }
    }
  }

  /// Whether Lightning IR wrote the folder.
  static func isNative(_ folder: ModelFolder) -> Bool {
    folder.config["backbone_model_type"] != nil
      && folder.heads.named(folder.modelType ?? "") != nil
  }

  /// Description of a registered checkpoint.
  static func describe(
    _ folder: ModelFolder, _ row: KnownCheckpoint, because evidence: String
  ) throws(Failure) -> ModelDescription {
    let artifact = try ColBERTArtifact(folder)
    let fields = row.fields.merging(artifact.fields) { $1 }
    var description = try describe(
      folder.adding(fields.map { JSON.Member($0.key, $0.value) }.sorted { $0.key < $1.key }),
      row.modelType)
    description.evidence = [evidence]
    description.withoutEffect = artifact.withoutEffect
    for (role, prompt) in row.prompts { description.roles[role]?.prompt = prompt }
    guard let markers = row.markerRows else { return description }
    let vocabulary = Int32(try folder.integer("vocab_size", in: FieldRanges.extendedCount))
    var rows: [Int32: Int32] = [:]
    for (role, id, row) in [
      (Role.query, vocabulary, markers.query), (.doc, vocabulary + 1, markers.doc),
    ] {
      if let name = artifact.markers[role] {
        description.roles[role]?.inserted = [InsertedToken(name)]
        continue
      }
      rows[id] = row
      for i in description.roles[role]?.inserted.indices ?? 0..<0 {
        description.roles[role]?.inserted[i].id = id
      }
    }
    description.aliases = RowAliases(rows)
    return description
  }

  /// Lightning IR adds an adapter that its configuration names, from wherever it lies.
  private static func checkAdapter(_ folder: ModelFolder) throws(Failure) {
    guard try folder.bool("use_adapter", default: false), folder.adapter == nil else { return }
    let name = try folder.string("pretrained_adapter_name_or_path", default: nil)
    throw .config(
      folder.configPlace, "use_adapter: expected false where there is no adapter, found true",
      hint: "name the folder of the adapter\(name.map { " \($0)" } ?? "") with --adapter")
  }

  static func describe(
    _ folder: ModelFolder, _ type: String
  ) throws(Failure) -> ModelDescription {
    try checkAdapter(folder)
    guard let head = folder.heads.named(type) else {
      let known = folder.heads.modelTypes + KnownCheckpoint.all.compactMap(\.ownModelType)
      throw .config(
        folder.configPlace, "model_type \(type) is not known",
        hint: "known: \(known.joined(separator: ", "))")
    }
    return try head.describe(folder, type)
  }
}
