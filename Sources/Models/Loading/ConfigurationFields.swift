import Failures
import JSON

/// Fields that `config.json` may have, so that a name that is misspelt in `--model-config` is found.
package enum ConfigurationFields {
  /// Fields of Lightning IR (the `*_config.py` of `lightning_ir`) that are not those of a head, its
  /// earlier releases among them.
  private static let ranking: Set<String> = [
    "adapter_config", "add_marker_tokens", "backbone_model_type", "doc_length",
    "pretrained_adapter_name_or_path", "query_length", "similarity_function", "use_adapter",
  ]

  /// Fields of ours alone, but for those of heads.
  private static let own: Set<String> = ["checkpoint", "task"]

  /// Fields of updates by task.
  private static let tasks: Set<String> = [
    "lora_adaptations", "lora_alpha", "lora_rank", "task_instructions",
  ]

  /// Fields that transformers has whatever the backbone is, and that say what is computed; a family
  /// of backbones has its own.
  private static let transformers: Set<String> = [
    "_name_or_path", "add_cross_attention", "architectures", "id2label",
    "initializer_cutoff_factor",
    "initializer_factor", "initializer_range", "is_decoder", "is_encoder_decoder", "model_type",
    "num_labels", "pad_token_id", "sbert_ce_default_activation_function", "scale_decoder_outputs",
    "sentence_transformers", "tie_encoder_decoder", "tie_word_embeddings", "transformers_version",
  ]

  /// Fields that transformers has whatever the backbone is, and that change nothing that is computed
  /// here: what a call returns, how it is computed, how text is generated, and what training does.
  package static let withoutEffect: Set<String> = [
    "_attn_implementation", "_attn_implementation_autoset", "_commit_hash", "activation_function",
    "attn_implementation", "auto_map", "bad_words_ids", "begin_suppress_tokens", "bos_token_id",
    "chunk_size_feed_forward", "classifier_dropout", "cls_token_id", "cross_attention_hidden_size",
    "directionality", "diversity_penalty", "do_sample", "dtype", "early_stopping",
    "encoder_no_repeat_ngram_size", "eos_token_id", "exponential_decay_length_penalty",
    "finetuning_task", "forced_bos_token_id", "forced_eos_token_id", "gradient_checkpointing",
    "label2id", "length_penalty", "max_length", "min_length", "no_repeat_ngram_size",
    "num_beam_groups", "num_beams", "num_return_sequences", "output_attentions",
    "output_hidden_states", "output_scores", "pooler_fc_size", "pooler_num_attention_heads",
    "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type", "prefix", "problem_type",
    "remove_invalid_values", "repetition_penalty", "return_dict", "return_dict_in_generate",
    "sep_token_id", "suppress_tokens", "task_specific_params", "temperature", "tf_legacy_loss",
    "tokenizer_class", "top_k", "top_p", "torch_dtype", "torchscript", "typical_p", "use_bfloat16",
    "use_cache",
  ]

  /// Fields that Lightning IR writes, or that are ours.
  static func lightningIR(_ heads: [any HeadSettings.Type]) -> Set<String> {
    own.union(ranking).union(heads.flatMap { $0.fields })
  }

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
    let known = own.union(tasks).union(ranking).union(transformers).union(withoutEffect).union(
      present
    )
    .union(LimitedField.all.map(\.name))
    .union(backbones.rows.flatMap { $0.family.fields }).union(heads.flatMap { $0.fields })
    for member in overrides where !known.contains(member.key) {
      throw .config(
        "--model-config", "unknown field \(member.key)",
        hint: NearestName.find(member.key, in: known).map { "did you mean \($0)?" })
    }
  }
}
