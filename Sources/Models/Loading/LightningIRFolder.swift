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
    case bertPool = "bert_pool"

    var pooling: Pooling {
      switch self {
      case .first, .bertPool: .first
      case .mean: .mean
      case .max: .max
      case .sum: .sum
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
    let fields = row.fields.merging(try artifact(folder)) { $1 }
    var description = try describe(
      folder.adding(fields.map { JSON.Member($0.key, $0.value) }.sorted { $0.key < $1.key }),
      row.modelType)
    description.evidence = [evidence]
    guard let markers = row.markerRows else { return description }
    let vocabulary = Int32(truncatingIfNeeded: try folder.integer("vocab_size"))
    description.aliases = RowAliases([vocabulary: markers.query, vocabulary + 1: markers.doc])
    for (role, id) in [(Role.query, vocabulary), (.doc, vocabulary + 1)] {
      for i in description.roles[role]?.inserted.indices ?? 0..<0 {
        description.roles[role]?.inserted[i].id = id
      }
    }
    return description
  }

  /// Lengths and width from ColBERT's own settings, which go before the row's.
  private static func artifact(_ folder: ModelFolder) throws(Failure) -> [String: JSON] {
    guard let settings = try folder.json("artifact.metadata") else { return [:] }
    var fields: [String: JSON] = [:]
    for (key, name) in [
      ("query_maxlen", "query_length"), ("doc_maxlen", "doc_length"), ("dim", "embedding_dim"),
      ("attend_to_mask_tokens", "attend_to_query_expanded_tokens"),
    ] {
      if let value = settings[key], !value.isNull { fields[name] = value }
    }
    if settings["mask_punctuation"]?.bool == false { fields["doc_mask_scoring_tokens"] = .null }
    return fields
  }

  static func describe(
    _ folder: ModelFolder, _ type: String
  ) throws(Failure) -> ModelDescription {
    guard let head = folder.heads.named(type) else {
      let known = folder.heads.modelTypes + KnownCheckpoint.all.compactMap(\.ownModelType)
      throw .config(
        folder.configPlace, "model_type \(type) is not known",
        hint: "known: \(known.joined(separator: ", "))")
    }
    return try head.describe(folder, type)
  }
}
