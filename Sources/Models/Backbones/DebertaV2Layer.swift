import Autograd
import Failures
import Kernels

/// A layer of DeBERTa: attention to contents and distances, then BERT's network.
struct DebertaV2Layer: Sendable {
  private let fields: DebertaV2Configuration
  /// Query, key and value, side by side.
  private let queryKeyValue: Linear
  /// Projections of the table of distances; nil where scores do not have them.
  private let keyOfDistances: Linear?
  private let queryOfDistances: Linear?
  private let attentionOutput: Linear
  private let attentionNorm: LayerNorm
  private let intermediate: Linear
  private let output: Linear
  private let outputNorm: LayerNorm

  init(_ fields: DebertaV2Configuration, _ weights: WeightScope) throws(Failure) {
    self.fields = fields
    let (width, own, inner) = (fields.width, fields.heads * fields.headWidth, fields.innerWidth)
    let attention = weights("attention.self")
    queryKeyValue = try attention.linear(
      ["query_proj", "key_proj", "value_proj"], inputs: width, outputs: own)
    func distances(_ shared: String, _ name: String, _ isThere: Bool) throws(Failure) -> Linear? {
      guard fields.comparesDistances, isThere else { return nil }
      return try attention.linear(
        fields.sharesProjections ? shared : name, inputs: width, outputs: own)
    }
    keyOfDistances = try distances("key_proj", "pos_key_proj", fields.hasKeys)
    queryOfDistances = try distances("query_proj", "pos_query_proj", fields.hasQueries)
    let names = PostNormEncoder.Names.bert
    attentionOutput = try weights.linear(names.attentionOutput, inputs: own, outputs: width)
    attentionNorm = try weights.layerNorm(
      names.attentionNorm, width: width, epsilon: fields.epsilon)
    intermediate = try weights.linear(names.intermediate, inputs: width, outputs: inner)
    output = try weights.linear(names.output, inputs: inner, outputs: width)
    outputNorm = try weights.layerNorm(names.outputNorm, width: width, epsilon: fields.epsilon)
  }

  /// - Parameters:
  ///   - x: States [T,D].
  ///   - table: The distances [2S,D]; nil where none count.
  ///   - batch: The tokens.
  ///   - o: What computes.
  /// - Returns: States [T,D].
  func callAsFunction<O: Operations>(
    _ x: O.Value, _ table: O.Value?, _ batch: PackedBatch, _ o: O
  ) -> O.Value {
    func projected(_ layer: Linear?) -> O.Value? {
      guard let layer, let table else { return nil }
      return o.linear(table, layer)
    }
    let options = DisentangledOptions(
      heads: fields.heads, scale: fields.scale, buckets: fields.buckets,
      dropout: fields.attentionDropout)
    let context = o.disentangledAttention(
      o.linear(x, queryKeyValue), keys: projected(keyOfDistances),
      queries: projected(queryOfDistances), batch, options)
    let attended = o.layerNorm(
      o.linear(context, attentionOutput, adding: x, dropout: fields.hiddenDropout, batch),
      attentionNorm)
    let inner = o.linear(attended, intermediate, fields.activation)
    return o.layerNorm(
      o.linear(inner, output, adding: attended, dropout: fields.hiddenDropout, batch), outputNorm)
  }
}
