import Kernels

/// Operations that a model consists of.
///
/// A backbone and a head are functions over them, written once: `Inference` runs them on packed
/// weights; a tape records them for training.
///
/// Letters: B sequences, T tokens of a batch, D width, N outputs. Values are matrices.
package protocol Operations: AnyObject {
  associatedtype Value

  /// word[id] (+ type[typeID]) (+ table[position]) of every token: [T,D].
  func embed(
    _ batch: PackedBatch, word: Parameter, type: Parameter?, positions: PositionTable?
  ) -> Value

  /// activation(x · Wᵀ + b): [T,N].
  func linear(_ x: Value, _ layer: Linear, _ activation: Activation) -> Value

  /// residual + dropout(x · Wᵀ + b): [T,N], of the T tokens of a batch.
  func linear(
    _ x: Value, _ layer: Linear, adding residual: Value, dropout: Float, _ batch: PackedBatch
  ) -> Value

  func layerNorm(_ x: Value, _ norm: LayerNorm) -> Value

  /// Elements dropped at a rate in training, the others growing as much; x itself otherwise. [T,D].
  func dropout(_ x: Value, rate: Float, _ batch: PackedBatch) -> Value

  /// body(x). A tape may forget what `body` computes, and run it again for the backward pass.
  func layer(_ x: Value, _ body: @escaping (Value) -> Value) -> Value

  /// x, which goes into a layer that is no `layer` of its own.
  func entering(_ x: Value) -> Value

  /// What goes into each layer while `body` runs, and behind that what `body` gives.
  func states(_ body: () -> Value) -> [Value]

  /// The mean of states of one shape, [T,D] each.
  func mean(_ states: [Value], _ mean: LayerMean) -> Value

  /// x / √(mean of x² + ε) · weight, row by row.
  func rmsNorm(_ x: Value, _ norm: RMSNorm) -> Value

  /// activation(left half) · right half: [T,2N] to [T,N].
  func gate(_ x: Value, _ activation: Activation) -> Value

  /// Queries and keys turned by their positions, values as they are: [T,(H+2G)·E] to the same.
  ///
  /// - Parameters:
  ///   - qkv: Queries, keys and values side by side.
  ///   - columns: (H+G)·E, those of queries and keys.
  ///   - angles: For heads of the width E.
  ///   - batch: The tokens.
  /// - Returns: All columns.
  func rotate(
    _ qkv: Value, first columns: Int, _ angles: RotaryPositions, _ batch: PackedBatch
  ) -> Value

  /// `rmsNorm` of every head of the queries and of the keys by itself, values as they are:
  /// [T,(H+2G)·E] to the same (Henry et al., arXiv:2010.04245).
  func normalizeHeads(_ qkv: Value, _ norms: HeadNorms) -> Value

  /// Self-attention, from queries, keys and values side by side: [T+S,(H+2G)·E] to [T,H·E], S being
  /// the states that `draw` made; to [B,H·E] where only first tokens ask.
  ///
  /// A token attends to the attended tokens of its own sequence; in a set also to one token of each
  /// other sequence and to the set's drawn states.
  func attention(
    _ qkv: Value, heads: Int, _ batch: PackedBatch, _ options: AttentionOptions
  ) -> Value

  /// C ∘ filter(B ∘ x), from B, C and x side by side: [T,3D] to [T,D]. The filter sees a token and some
  /// of those in front of it in its sequence, whether they are attended to or not.
  func shortConvolution(_ bcx: Value, _ filter: ShortFilter, _ batch: PackedBatch) -> Value

  /// Attention that compares contents with distances, too: from queries, keys and values [T,3·H·E], and
  /// the keys and the queries of distances, [2S,H·E] each or none, to [T,H·E].
  func disentangledAttention(
    _ qkv: Value, keys: Value?, queries: Value?, _ batch: PackedBatch,
    _ options: DisentangledOptions
  ) -> Value

  /// Each token with those around it, an odd number of `taps` in all, and 0 outside of its sequence:
  /// [T,D] to [T,D·K], the taps of an element side by side.
  func neighbours(_ x: Value, taps: Int, _ batch: PackedBatch) -> Value

  /// Attention of one query a sequence to all attended tokens of it: queries [B,I] and hidden states
  /// [T,D] to [B,I]. Keys and values of the tokens are never made.
  ///
  /// In training a share `dropout` of the attention weights is dropped.
  func crossAttention(
    _ queries: Value, over hidden: Value, _ projections: CrossProjections, _ batch: PackedBatch,
    dropout: Float
  ) -> Value

  /// The states x[T,D], and behind them the drawn ones of the batch's sets: [T+S,D].
  ///
  /// A set's drawn states are normal, with mean and deviation of its shared tokens' states in every
  /// dimension. `layer` chooses the numbers.
  func draw(_ x: Value, _ batch: PackedBatch, layer: Int) -> Value

  /// One vector a sequence: [T,D] to [B,D].
  func pool(_ x: Value, _ pooling: Pooling, _ batch: PackedBatch) -> Value

  /// The maximum of x · Wᵀ + b over the tokens of each sequence, [T,D] to [B,N], without [T,N] ever
  /// being stored.
  func linearMax(_ x: Value, _ layer: Linear, _ batch: PackedBatch) -> Value

  /// The maximum over the tokens of each sequence of what is above 0 and among the `count` largest of
  /// its token in x · Wᵀ + b, 0 where there is none: [T,D] to [B,N].
  func linearTop(_ x: Value, _ layer: Linear, keeping count: Int, _ batch: PackedBatch) -> Value

  /// x[B,V] where a column is a token of the sequence or among the `count` largest of the others, 0
  /// elsewhere.
  func largestBesideOwn(_ x: Value, _ batch: PackedBatch, count: Int) -> Value

  /// x with 0 in some columns.
  func without(_ x: Value, columns: [Int]) -> Value

  /// A function of every element.
  func map(_ x: Value, _ function: ElementaryFunction) -> Value

  /// Rows of Euclidean length 1 (or 0), [B,D].
  func normalize(_ x: Value) -> Value

  /// Several values side by side.
  func concatenate(_ values: [Value]) -> Value

  /// Several values on top of each other.
  func stack(_ values: [Value]) -> Value

  /// Some rows.
  func rows(_ x: Value, _ range: Range<Int>) -> Value

  /// The first columns.
  func columns(_ x: Value, first count: Int) -> Value

  /// Each block of `rows` rows turned: [P·R,N] to [P·N,R].
  func turn(_ x: Value, rows: Int) -> Value

  /// All numbers in their order, as so many rows.
  func reshape(_ x: Value, rows: Int) -> Value

  /// The sum over the rows, in their order: [T,N] to [1,N].
  func sumRows(_ x: Value) -> Value

  func add(_ x: Value, _ y: Value) -> Value

  func scale(_ x: Value, by factor: Float) -> Value

  /// The networks that each token takes, from the logits of all of them, [T,E].
  func routes(_ logits: Value, chosen: Int) -> Routes

  /// Rows of x, each at most once: [R,D].
  func gather(_ x: Value, rows: [Int]) -> Value

  /// The outputs of networks, nil of one that no token takes, times their probabilities, summed up by
  /// token, and the bias: [T,D].
  func mix(_ parts: [Value?], _ logits: Value, _ routes: Routes, _ bias: Parameter) -> Value

  // MARK: What heads end with

  /// One number in all places.
  func constant(_ value: Float, rows: Int, columns: Int) -> Value

  /// x[t] in the column ids[t] of its sequence's row, 0 elsewhere: [T,1] to [B,V].
  func scatter(_ x: Value, _ batch: PackedBatch, columns: Int, _ rule: ScatterRule) -> Value

  /// x[B,V] where a column is a token of the sequence, 0 elsewhere.
  func ownTerms(_ x: Value, _ batch: PackedBatch) -> Value

  /// The second column less the first: [B,2] to [B,1].
  func difference(_ x: Value) -> Value

  /// log(1 / (1 + e⁻ˣ)) of every element.
  func logSigmoid(_ x: Value) -> Value

  // MARK: What a model asks for

  /// Whether the last layer may leave out the states that no first token has.
  var leavesStatesOut: Bool { get }

  /// Number of rows.
  func rowCount(_ x: Value) -> Int
}

extension Operations {
  package func linear(_ x: Value, _ layer: Linear) -> Value { linear(x, layer, .none) }

  package func linear(_ x: Value, _ layer: Linear, adding residual: Value) -> Value {
    linear(x, layer, adding: residual, dropout: 0, PackedBatch())
  }

  package func crossAttention(
    _ queries: Value, over hidden: Value, _ projections: CrossProjections, _ batch: PackedBatch
  ) -> Value {
    crossAttention(queries, over: hidden, projections, batch, dropout: 0)
  }

  package func attention(_ qkv: Value, heads: Int, _ batch: PackedBatch) -> Value {
    attention(qkv, heads: heads, batch, AttentionOptions())
  }
}
