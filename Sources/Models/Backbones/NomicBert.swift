import Autograd

/// nomic_bert: rotary positions; v1 and v1.5 with gates and no biases, v2 with biases, and experts in
/// every second layer (Nussbaum et al., arXiv:2402.01613; Nussbaum and Duderstadt, arXiv:2502.07972).
package enum NomicBert: RotaryEncoderFamily {
  package static let traits = RotaryEncoderTraits(
    activation: "silu", angleBase: 1000, segments: 2, hiddenDropout: 0, attentionBias: false,
    outputBias: false, hasOtherNames: true, hasSwitches: true)

  /// On the hub: what was built in by which kernels, what its other uses are, and a loss of training that
  /// balances experts.
  package static let fieldsWithoutEffect = [
    "dense_seq_output", "fused_bias_fc", "fused_dropout_add_ln", "max_trained_positions",
    "pad_vocab_size_multiple", "reorder_and_upcast_attn", "use_flash_attn", "use_xentropy",
    "parallel_block_tied_norm", "rotary_emb_scale_base", "embd_pdrop", "add_pooling_layer",
    "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type",
    "summary_use_proj", "router_aux_loss_coef",
  ]

  package static let limitedFields =
    [
      "causal", "parallel_block", "prenorm", "use_rms_norm", "rotary_emb_interleaved",
      "scale_attn_by_inverse_layer_idx", "expert_choice_router", "norm_mlp",
      // The modelling file pays no attention to it, and the program that trains does.
      "moe_normalize_expert_weights",
    ].map { LimitedField($0, false) } + [
      LimitedField("scale_attn_weights", true), LimitedField(absent: "rotary_scaling_factor"),
      LimitedField("rotary_emb_fraction", "1") { value, _ in value.double == 1 },
      LimitedField("num_shared_experts", "0") { value, _ in value.integer == 0 },
      LimitedField("moe_impl", "megablocks") { value, folder in
        value.string == "megablocks" || folder.config["num_experts"]?.integer ?? 0 == 0
      },
    ]
}

/// gte's encoders, which the hub calls "new" (Zhang et al., arXiv:2407.19669).
package enum Gte: RotaryEncoderFamily {
  package static let traits = RotaryEncoderTraits(
    activation: "gelu", angleBase: 160_000, segments: 1, dropsInside: true)
  package static let languageModel: LanguageModelHead? = LanguageModelHead(
    names: LanguageModelNames(
      dense: "lm_head.dense", norm: "lm_head.norm", decoder: "lm_head.decoder.weight",
      biases: ["lm_head.decoder.bias"]),
    otherNorm: "lm_head.layer_norm", activation: .fixed(.gelu))
  package static let classifier: ClassifierHead? = ClassifierHead(
    pooler: "pooler.dense", poolerActivation: .fixed(.tanh), isPoolerOfBackbone: true,
    outputs: "classifier")

  package static let fieldsWithoutEffect = [
    "logn_attention_clip1", "unpad_inputs", "use_memory_efficient_attention", "pack_qkv",
  ]

  package static let limitedFields = [
    LimitedField("logn_attention_scale", false),
    LimitedField("layer_norm_type", "layer_norm") { value, _ in value.string == "layer_norm" },
    LimitedField("position_embedding_type", "rope") { value, _ in value.string == "rope" },
  ]
}

/// jina-embeddings-v3, whose updates by task `TaskUpdates` adds (Sturua et al., arXiv:2409.10173).
package enum JinaEmbeddings3: RotaryEncoderFamily {
  package static let traits = RotaryEncoderTraits(
    activation: "gelu", epsilon: 1e-5, angleBase: 20_000, segments: 1, attentionDropout: 0.1,
    isGated: false, hasOtherNames: true)
  package static let fieldsWithoutEffect = [
    "emb_pooler", "use_flash_attn", "use_reg_tokens", "truncate_dim", "matryoshka_dimensions",
    "load_trained_adapters", "lora_dropout_p", "lora_main_params_trainable",
  ]
  package static let limitedFields = [
    LimitedField("position_embedding_type", "rotary, or absolute as transformers 5 writes it") {
      value, _ in value.string == "rotary" || value.string == "absolute"
    }
  ]
  package static let languageModel: LanguageModelHead? = Roberta.languageModel
  package static let classifier: ClassifierHead? = Roberta.classifier
}

/// jina-embeddings-v2 and jina-reranker-v1: BERT with gates, whose scores fall with the distance (Günther
/// et al., arXiv:2310.19923).
package enum JinaBert2: RotaryEncoderFamily {
  package static let traits = RotaryEncoderTraits(
    activation: "gelu", angleBase: 10_000, segments: 2, attentionDropout: 0.1, dropsInside: true,
    turns: false, dropsOutput: false)
  package static let classifier: ClassifierHead? = Bert.classifier
  package static let fieldsWithoutEffect = ["emb_pooler"]
  package static let limitedFields = [
    LimitedField("position_embedding_type", "alibi") { value, _ in value.string == "alibi" }
  ]
}
