/// Llama (Touvron et al., arXiv:2302.13971).
package enum Llama: GatedFamily {
  package static let traits = GatedTraits(innerBias: .asSaid)
  package static let fieldsWithoutEffect = ["pretraining_tp"]
  package static let limitedFields = [LimitedField.wholeLayers]
}

/// EuroBERT: Llama whose tokens see what is behind them (Boizard et al., arXiv:2503.05500).
package enum EuroBert: GatedFamily {
  package static let traits = GatedTraits(epsilon: 1e-5, innerBias: .asSaid, direction: .both)
  package static let fieldsWithoutEffect = [
    "pretraining_tp", "is_causal", "mask_token_id",
  ]
  package static let limitedFields = [LimitedField.wholeLayers]
  package static let languageModel: LanguageModelHead? = LanguageModelHead(
    names: LanguageModelNames(
      dense: "", norm: "", decoder: "lm_head.weight", biases: ["lm_head.bias"]),
    isBare: true, tiesByDefault: false, decoderBias: .ifField("mlp_bias", default: false))
  package static let classifier: ClassifierHead? = ClassifierHead(
    pooler: "dense", poolerActivation: .fixed(.gelu), outputs: "classifier",
    poolingField: PoolingField(
      "classifier_pooling", onHub: "clf_pooling",
      [
        ("late", .mean, isLate: true), ("bos", .first, isLate: false),
        ("mean", .mean, isLate: false),
      ]))
}

/// UltraBERT: EuroBERT two of whose three layers see their neighbourhood.
package enum UltraBert: GatedFamily {
  package static let traits = GatedTraits(
    innerBias: .asSaid, direction: .both, windows: .twoOfThree, window: 128,
    angleBase: 2_560_000, localAngleBase: 10_000)
  package static let fieldsWithoutEffect = ["is_causal"]
  package static let languageModel: LanguageModelHead? = LanguageModelHead(
    names: LanguageModelNames(
      dense: "head.linear1", norm: "head.linear2", decoder: "head.decoder.weight", biases: []),
    betweenField: ("prediction_head_size", default: 768), tiesByDefault: false,
    activation: .fixed(.geluTanh), denseBias: .never, decoderBias: .never)
  package static let classifier: ClassifierHead? = ClassifierHead(
    pooler: nil, poolerActivation: .fixed(.none), outputs: "classifier",
    poolingField: .ofModernBert)
}
