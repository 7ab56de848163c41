/// Mistral and Ministral: Llama whose layers, or some of them, see a window of the text
/// (Jiang et al., arXiv:2310.06825).
///
/// transformers takes a Mistral with `layer_types` for a Ministral, which it is otherwise.
package enum Mistral: GatedFamily {
  package static let traits = GatedTraits(
    keyHeads: 8, queryKeyValueBias: .never, attentionOutputBias: .never, windows: .all)
}
