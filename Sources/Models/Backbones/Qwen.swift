/// Qwen2 and Qwen2.5: queries, keys and values with biases (Yang et al., arXiv:2407.10671).
package enum Qwen2: GatedFamily {
  package static let traits = GatedTraits(
    keyHeads: 32, queryKeyValueBias: .always, attentionOutputBias: .never, windows: .later)
}

/// Qwen3: no biases, and norms of the heads of queries and keys (Yang et al., arXiv:2505.09388).
package enum Qwen3: GatedFamily {
  package static let traits = GatedTraits(
    headWidth: 128, keyHeads: 32, normalizesHeads: true, windows: .later)
}
