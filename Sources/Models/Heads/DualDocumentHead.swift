import Autograd
import Failures
import JSON
import Kernels
import Tensors
import Tokenizers
import Vectors

/// Two encoders of documents, one of which weights a document's own terms and the other adds terms; none of
/// queries, whose terms have the weight 1 (SpaDE, Choi et al., arXiv:2209.05917; the authors'
/// `model/SpaDE.py` and `model/SpaDE_cotraining.py` at a026cce).
package struct DualDocumentHead: BiEncoderHead {
  /// Which terms the second encoder adds.
  package enum Expansion: String, Sendable, CaseIterable {
    /// Each token keeps the largest of its logits, those above 0, and a term has the largest of all tokens.
    case topk
    /// The largest logit of each term; of other terms than the document's own the largest few.
    case tokenwiseMaximum = "tokenwise_max"
  }

  /// Which weight counts of a term that occurs again.
  package enum Repetition: String, Sendable, CaseIterable {
    case first, max, mean
  }

  /// Layers that weight a token's state, with max(x, 0) behind each.
  package let weighting: [Linear]
  package let repetition: Repetition
  /// Tokens that are no terms.
  package let silent: Set<Int32>
  /// The second encoder.
  package let expansion: ExpansionEncoder
  /// Share of the second encoder's weights; the first has the rest.
  package let alpha: Float
  /// Whether log(1 + x) of weights counts in their place.
  package let saturates: Bool
  /// Terms that neither texts nor queries have.
  let mask: TermMask
  package var pruned: [Int] { mask.pruned }

  /// A backbone with the head of a language model.
  package struct ExpansionEncoder: Sendable {
    let backbone: any Backbone
    let terms: VocabularyHead
    package let kind: Expansion
    /// Terms that a token, or a document, adds at most.
    let count: Int
    let aliases: RowAliases
  }

  /// Terms that are taken out of the vocabulary: a weight of 0 for each of them, and 1 for others.
  struct TermMask: Sendable {
    private let weights: Parameter?
    /// The terms, where nothing changes them.
    private let fixed: [Int]?

    init(_ weights: Parameter?) {
      self.weights = weights
      fixed = weights?.training == nil ? Self.pruned(weights) : nil
    }

    var pruned: [Int] { fixed ?? Self.pruned(weights) }

    private static func pruned(_ weights: Parameter?) -> [Int] {
      guard let weights else { return [] }
      return (0..<weights.count).filter { weights.values[$0] == 0 }
    }
  }

  package var form: VectorForm { .sparse(dimension: expansion.terms.dimension) }

  /// [B,V].
  package func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    if texts.role == .query { return [o.without(terms(texts.batch, o), columns: pruned)] }
    let own = weights(texts, o)
    let added =
      switch expansion.kind {
      case .topk: self.added(texts, .topk, o)
      case .tokenwiseMaximum:
        o.largestBesideOwn(
          o.map(self.added(texts, .tokenwiseMaximum, o), .relu), texts.batch,
          count: expansion.count)
      }
    let mix = o.add(o.scale(own, by: 1 - alpha), o.scale(added, by: alpha))
    return [o.without(mix, columns: pruned)]
  }

  /// What each encoder gives, [B,V]: they are trained apart.
  package func trainedVectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    if texts.role == .query {
      let terms = o.without(terms(texts.batch, o), columns: pruned)
      return [terms, terms]
    }
    let (parts, kind) = (texts.trained, expansion.kind)
    let none = { o.constant(0, rows: texts.batch.sequences, columns: expansion.terms.dimension) }
    return [
      parts.has(0) ? weights(texts, o) : none(),
      parts.has(1) ? added(texts, parts.keepsAllTerms ? .tokenwiseMaximum : kind, o) : none(),
    ]
  }

  /// 1 for every term of a text.
  private func terms<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    let ones = o.constant(1, rows: batch.tokens, columns: 1)
    return o.scatter(ones, batch, columns: expansion.terms.dimension, .first(silent: silent))
  }

  private func weights<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> O.Value {
    let weights = weighting.reduce(texts.states()) { o.linear($0, $1, .relu) }
    let rule: ScatterRule =
      switch repetition {
      case .first: .first(silent: silent)
      case .max: .largest(silent: silent)
      case .mean: .mean(silent: silent)
      }
    let terms = o.scatter(weights, texts.batch, columns: expansion.terms.dimension, rule)
    return saturates ? o.map(terms, .log1pRelu) : terms
  }

  private func added<O: Operations>(
    _ texts: HeadInput<O>, _ kind: Expansion, _ o: O
  ) -> O.Value {
    let texts = texts.read(by: expansion.backbone, expansion.aliases)
    let terms =
      switch kind {
      case .topk: expansion.terms(largest: expansion.count, of: texts, o)
      case .tokenwiseMaximum: expansion.terms(texts, o)
      }
    return saturates ? o.map(terms, .log1pRelu) : terms
  }

  package func groups(
    _ batch: PackedBatch, _ role: Role, counted: (Range<Int>) -> [Int]
  ) -> [VectorGroups] {
    Array(repeating: VectorGroups(texts: batch.sequences), count: 2)
  }

  package func hasOwnTermsAlone(_ role: Role) -> Bool { role == .query }

  package var facts: [JSON.Member] {
    [
      JSON.Member("alpha", .double(Double(alpha))),
      JSON.Member("expand_method", .string(expansion.kind.rawValue)),
      JSON.Member("num_expand", .integer(expansion.count)),
      JSON.Member("duplicate_term", .string(repetition.rawValue)),
      JSON.Member("log_saturation", .bool(saturates)),
      JSON.Member("pruned_terms", .integer(pruned.count)),
    ]
  }
}
