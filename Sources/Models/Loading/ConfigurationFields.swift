import Failures
import JSON

/// Fields that `config.json` may have, so that a name that is misspelt in `--model-config` is found.
enum ConfigurationFields {
  /// Of Lightning IR (the `*_config.py` of `lightning_ir`), its earlier releases among them.
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

  /// Of ours alone; the first one as monoBERT's authors have it.
  private static let own: Set<String> = [
    "_bert_pool", "checkpoint", "false_token_id", "k_train_scope", "rank_token_id", "true_token_id",
  ]

  /// Of the backbones in transformers, and what it writes beside them.
  private static let transformers: Set<String> = [
    "_name_or_path", "activation", "activation_function", "architectures", "attention_bias",
    "attention_dropout", "attention_probs_dropout_prob", "bos_token_id", "chunk_size_feed_forward",
    "classifier_activation", "classifier_bias", "classifier_dropout", "classifier_pooling",
    "cls_token_id", "d_ff", "d_kv", "d_model", "decoder_bias", "decoder_start_token_id",
    "dense_act_fn", "deterministic_flash_attn", "dim", "dropout", "dropout_rate", "dtype",
    "embedding_dropout", "embedding_size", "eos_token_id", "feed_forward_proj",
    "global_attn_every_n_layers", "global_rope_theta", "hidden_act", "hidden_activation",
    "hidden_dim", "hidden_dropout_prob", "hidden_size", "id2label", "initializer_cutoff_factor",
    "initializer_factor", "initializer_range", "intermediate_size", "is_decoder",
    "is_encoder_decoder", "is_gated_act", "label2id", "layer_norm_eps", "layer_norm_epsilon",
    "layer_types", "local_attention", "local_rope_theta", "max_position_embeddings", "mlp_bias",
    "mlp_dropout", "model_type", "n_heads", "n_layers", "norm_bias", "norm_eps",
    "num_attention_heads", "num_decoder_layers", "num_heads", "num_hidden_layers", "num_labels",
    "num_layers", "pad_token_id", "position_embedding_type", "problem_type", "qa_dropout",
    "relative_attention_max_distance", "relative_attention_num_buckets", "rope_parameters",
    "rope_scaling", "sbert_ce_default_activation_function", "sentence_transformers", "sep_token_id",
    "seq_classif_dropout", "sinusoidal_pos_embds", "summary_activation", "summary_last_dropout",
    "summary_type", "summary_use_proj", "tie_word_embeddings", "tokenizer_class", "torch_dtype",
    "transformers_version", "type_vocab_size", "use_cache", "vocab_size",
  ]

  /// - Parameters:
  ///   - overrides: What the user adds to `config.json`.
  ///   - config: The file.
  /// - Throws: 78 for a name that is neither in the file nor known.
  static func check(_ overrides: [JSON.Member], addedTo config: JSON) throws(Failure) {
    let present = Set((config.members ?? []).map(\.key))
    let known = own.union(ranking).union(transformers).union(present)
    for member in overrides where !known.contains(member.key) {
      throw .config(
        "--model-config", "unknown field \(member.key)",
        hint: NearestName.find(member.key, in: known).map { "did you mean \($0)?" })
    }
  }
}
