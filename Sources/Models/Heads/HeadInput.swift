import Autograd
import Tensors

/// The hidden states of a batch, which several heads read.
package final class SharedStates<Value> {
  fileprivate var states: Value?

  package init() {}
}

/// What a head gives where it is trained in parts, each with losses of its own.
package struct TrainedParts: Sendable, Equatable {
  /// The only part that is wanted, others being 0; nil for all.
  package var only: Int?
  /// Whether every term keeps its largest weight, whatever the head leaves out otherwise.
  package var keepsAllTerms: Bool

  package init(only: Int? = nil, keepsAllTerms: Bool = false) {
    self.only = only
    self.keepsAllTerms = keepsAllTerms
  }

  func has(_ part: Int) -> Bool { only == nil || only == part }
}

/// The texts of a batch as a head sees them, with the hidden states that it asks for.
package struct HeadInput<O: Operations> {
  package let batch: PackedBatch
  /// Role of the texts: queries, documents or pairs.
  package let role: Role
  /// Tokens at the start of every text that are its prompt's.
  package let promptTokens: Int
  /// What is wanted of a head that is trained in parts.
  package var trained = TrainedParts()
  private let backbone: any Backbone
  /// The batch with the rows of the word embeddings in the place of ids.
  private let rows: PackedBatch
  private let o: O
  /// Where states are kept for another head; nil where there is none.
  private let shared: SharedStates<O.Value>?

  init(
    _ batch: PackedBatch, _ role: Role, promptTokens: Int, _ backbone: any Backbone,
    _ aliases: RowAliases, sharing shared: SharedStates<O.Value>? = nil, _ o: O
  ) {
    self.shared = shared
    self.batch = batch
    self.role = role
    self.promptTokens = promptTokens
    self.backbone = backbone
    self.o = o
    rows = aliases.isEmpty ? batch : batch.withIDs(batch.ids.map { aliases.row(of: $0) })
  }

  /// These texts, read by another backbone.
  func read(by other: any Backbone, _ aliases: RowAliases) -> HeadInput {
    HeadInput(batch, role, promptTokens: promptTokens, other, aliases, o)
  }

  /// Runs the backbone: hidden states of the last layer, [T,D], or [B,D] of a decoder.
  package func states() -> O.Value {
    guard let shared else { return backbone(rows, o) }
    if let known = shared.states { return known }
    let states = backbone(rows, o)
    shared.states = states
    return states
  }

  /// Runs the backbone: hidden states of the last layer, or the mean of those of several, [T,D].
  package func states(_ mean: LayerMean?) -> O.Value {
    guard let mean else { return states() }
    let all = o.states { backbone(rows, o) }
    return o.mean(Array(all[mean.first...]), mean)
  }

  /// Runs the backbone: hidden states of first tokens, [B,D], with the bits that they have among all.
  ///
  /// In inference the last layer computes no others.
  package func firstStates() -> O.Value {
    if shared != nil { return o.pool(states(), .first, batch) }
    // Sequences of a set look at each other's tokens.
    let onlyFirst = o.leavesStatesOut && batch.sets.isEmpty
    let states = backbone(rows, onlyFirst: onlyFirst, o)
    // A backbone without any layer has nothing to leave out.
    if onlyFirst, o.rowCount(states) == batch.sequences { return states }
    return o.pool(states, .first, batch)
  }

  /// Runs the backbone: one vector of a text's hidden states, [B,D].
  package func pooledStates(_ pooling: Pooling) -> O.Value {
    pooling == .first ? firstStates() : o.pool(states(), pooling, batch)
  }
}
