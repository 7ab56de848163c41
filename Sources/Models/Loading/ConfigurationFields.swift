import Failures
import JSON

/// Fields that `config.json` may have, so that a name that is misspelt in `--model-config` is found.
enum ConfigurationFields {
  /// Fields of Lightning IR (the `*_config.py` of `lightning_ir`), its earlier releases among them.
  private static let ranking: Set<String> = [
    "adapter_config", "add_extra_token", "add_marker_tokens", "attend_to_doc_expanded_tokens",
    "attend_to_query_expanded_tokens", "backbone_model_type", "cls_embedding_dim", "depth",
    "doc_aggregation_function", "doc_expansion", "doc_length", "doc_mask_scoring_tokens",
    "doc_pooling_strategy", "doc_weighting", "embedding_dim", "k_train", "linear_bias",
    "normalization_strategy", "normalize", "num_viewer_tokens", "pooling_strategy",
    "pretrained_adapter_name_or_path", "projection", "query_aggregation_function",
    "query_expansion", "query_length", "query_mask_scoring_tokens", "query_pooling_strategy",
    "query_weighting", "sample_missing_docs", "scoring_strategy", "similarity_function",
    "sparsification", "sparsification_strategy", "token_embedding_dim", "tokenizer_pattern",
    "use_adapter",
  ]

  /// Fields of ours alone; the first one as monoBERT's authors have it.
  private static let own: Set<String> = [
    "_bert_pool", "checkpoint", "false_token_id", "k_train_scope", "rank_token_id", "true_token_id",
  ]

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
  /// - Throws: 78 for a name that is neither in the file nor known.
  static func check(
    _ overrides: [JSON.Member], addedTo config: JSON, _ backbones: Backbones
  ) throws(Failure) {
    if overrides.isEmpty { return }
    let present = Set((config.members ?? []).map(\.key))
    let known = own.union(ranking).union(transformers).union(present)
      .union(backbones.rows.flatMap { $0.family.fields })
    for member in overrides where !known.contains(member.key) {
      throw .config(
        "--model-config", "unknown field \(member.key)",
        hint: NearestName.find(member.key, in: known).map { "did you mean \($0)?" })
    }
  }
}
