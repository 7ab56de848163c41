import Failures
import JSON
import Tensors

/// `artifact.metadata`, in which ColBERT writes its whole configuration beside a checkpoint
/// (`colbert/infra/config/settings.py` of release 0.2.22).
struct ColBERTArtifact {
  /// What it says in fields of Lightning IR, which go before those of a checkpoint's row.
  private(set) var fields: [String: JSON] = [:]
  /// Tokens that tell queries and documents, where they are not those of every release.
  private(set) var markers: [Role: String] = [:]
  private(set) var withoutEffect: [String] = []

  private static let file = "artifact.metadata"
  private static let renamed = [
    ("query_maxlen", "query_length"), ("doc_maxlen", "doc_length"), ("dim", "embedding_dim"),
  ]

  /// - Throws: 78 for a setting that changes vectors or scores and is not supported.
  init(_ folder: ModelFolder) throws(Failure) {
    let files = SettingsFiles(folder)
    guard let settings = try files.open(Self.file, within: "config", toleratesOthers: true) else {
      return
    }
    for (key, name) in Self.renamed {
      if let value = try settings.integer(key) { fields[name] = .integer(value) }
    }
    if settings.value("attend_to_mask_tokens") != nil {
      fields["attend_to_query_expanded_tokens"] = .bool(
        try settings.bool("attend_to_mask_tokens"))
    }
    if try !settings.bool("mask_punctuation", default: true) {
      fields["doc_mask_scoring_tokens"] = .null
    }
    for (role, key, usual) in [
      (Role.query, "query_token_id", "[unused0]"), (.doc, "doc_token_id", "[unused1]"),
    ] {
      if let name = try settings.string(key), name != usual { markers[role] = name }
    }
    try settings.require("interaction", "colbert")
    switch try settings.string("similarity") {
    case nil, "cosine": break
    case "l2":
      settings.note("similarity", "l2 ranks vectors of length 1 as the dot product does")
    default: throw settings.unsupported("similarity")
    }
    if let factor = settings.value("pool_factor")?.double, factor != 1 {
      throw settings.unsupported("pool_factor")
    }
    Self.ignoreOthers(settings)
    withoutEffect = try files.withoutEffect()
  }

  /// Settings of training, of indexes, of searches and of the machine.
  private static func ignoreOthers(_ settings: SettingsFile) {
    settings.ignore(
      "query_token", "doc_token", "checkpoint", "triples", "collection", "queries", "index_name",
      "bsize", "accumsteps", "lr", "maxsteps", "save_every", "resume", "warmup", "warmup_bert",
      "relu", "nway", "use_ib_negatives", "reranker", "distillation_alpha", "ignore_scores",
      "model_name")
    settings.ignore(
      "index_path", "index_bsize", "nbits", "kmeans_niters", "clustering_mode",
      "protected_tokens", "ncells", "centroid_score_threshold", "ndocs", "load_index_with_mmap",
      "overwrite", "root", "experiment", "index_root", "name", "rank", "nranks", "amp", "gpus",
      "avoid_fork_if_possible", "total_visible_gpus", "meta")
  }
}
