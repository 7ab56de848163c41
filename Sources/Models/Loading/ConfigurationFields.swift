import Failures
import JSON

/// Fields that `config.json` may have, so that a name that is misspelt in `--model-config` is found.
enum ConfigurationFields {
  /// Fields of Lightning IR (the `*_config.py` of `lightning_ir`) that are not those of a head, its
  /// earlier releases among them.
  private static let ranking: Set<String> = [
    "adapter_config", "add_marker_tokens", "backbone_model_type", "doc_length",
    "pretrained_adapter_name_or_path", "query_length", "similarity_function", "use_adapter",
  ]

  /// Fields of ours alone, but for those of heads.
  private static let own: Set<String> = ["checkpoint"]

  /// Fields that transformers writes whatever the backbone is; a family of backbones has its own.
  private static let transformers: Set<String> = [
    "_name_or_path", "activation_function", "architectures", "bos_token_id",
    "chunk_size_feed_forward", "classifier_dropout", "cls_token_id", "dtype", "eos_token_id",
    "id2label", "initializer_cutoff_factor", "initializer_factor", "initializer_range",
    "is_decoder", "is_encoder_decoder", "label2id", "model_type", "num_labels", "pad_token_id",
    "problem_type", "sbert_ce_default_activation_function", "sentence_transformers", "sep_token_id",
    "tie_word_embeddings", "tokenizer_class", "torch_dtype", "transformers_version", "use_cache",
  ]

  /// - Parameters:
  ///   - overrides: What the user adds to `config.json`.
  ///   - config: The file.
  ///   - backbones: The backbones whose fields are known.
  ///   - heads: The heads whose fields are known.
  /// - Throws: 78 for a name that is neither in the file nor known.
  static func check(
    _ overrides: [JSON.Member], addedTo config: JSON, _ backbones: Backbones,
    _ heads: [any HeadSettings.Type]
  ) throws(Failure) {
    if overrides.isEmpty { return }
    let present = Set((config.members ?? []).map(\.key))
    let known = own.union(ranking).union(transformers).union(present)
      .union(backbones.rows.flatMap { $0.family.fields }).union(heads.flatMap { $0.fields })
    for member in overrides where !known.contains(member.key) {
      throw .config(
        "--model-config", "unknown field \(member.key)",
        hint: NearestName.find(member.key, in: known).map { "did you mean \($0)?" })
    }
  }
}
