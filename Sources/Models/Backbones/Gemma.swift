/// Gemma 3, and EmbeddingGemma, whose tokens see what is behind them (arXiv:2503.19786,
/// arXiv:2509.20354).
package enum Gemma3: GatedFamily {
  package static let traits = GatedTraits(
    headWidth: 256, keyHeads: 4, activationField: "hidden_activation",
    activation: "gelu_pytorch_tanh", normalizesHeads: true, addsOne: true, hasNormsBehind: true,
    scalesEmbeddings: true, scoreDivisor: 256, direction: .causalUnlessBidirectional,
    windows: .pattern, tiesByDefault: true, angleBase: 1_000_000, localAngleBase: 10_000)
  package static let fieldsWithoutEffect = [
    "_sliding_window_pattern", "cache_implementation", "hidden_act",
  ]
  package static let limitedFields = [
    LimitedField(absent: "attn_logit_softcapping"), LimitedField(absent: "final_logit_softcapping"),
  ]
}
