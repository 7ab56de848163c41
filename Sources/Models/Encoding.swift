import Autograd
import Failures
import Kernels
import Tensors
import Vectors

extension Model {
  /// Form of a bi-encoder's embeddings; nil for a cross-encoder.
  package var form: VectorForm? { biEncoder?.form }

  var biEncoder: (any BiEncoderHead)? {
    if case .biEncoder(let head) = head { head } else { nil }
  }

  /// The vectors of a batch of one role's texts, or the scores of its pairs, with all that count in
  /// scoring: the one way through a model, for inference and training.
  ///
  /// - Parameters:
  ///   - batch: The texts, at least one.
  ///   - role: What they are.
  ///   - promptTokens: Tokens at the start of every text that are its prompt's.
  ///   - states: Where the batch's states are kept for models with the same backbone.
  ///   - isTrained: Whether what is trained apart is wanted apart.
  ///   - parts: What of that.
  ///   - o: What computes.
  /// - Returns: The vectors, or one number for each pair.
  package func vectors<O: Operations>(
    _ batch: PackedBatch, _ role: Role, promptTokens: Int = 0,
    sharing states: SharedStates<O.Value>? = nil, forTraining isTrained: Bool = false,
    parts: TrainedParts = TrainedParts(), _ o: O
  ) -> TextVectors<O.Value> {
    var input = input(batch, role, promptTokens: promptTokens, sharing: states, o)
    input.trained = parts
    let (values, groups): ([O.Value], [VectorGroups]) =
      switch head {
      case .biEncoder(let head):
        (
          isTrained ? head.trainedVectors(input, o) : head.vectors(input, o),
          head.groups(batch, role) { counted(batch, $0, role) }
        )
      case .crossEncoder(let head):
        (
          [head.scores(head.margins(input, o), .logit, o)],
          [VectorGroups(texts: batch.sequences)]
        )
      }
    return TextVectors(zip(values, groups).map { .init(vectors: $0, groups: $1) })
  }

  private func input<O: Operations>(
    _ batch: PackedBatch, _ role: Role, promptTokens: Int,
    sharing states: SharedStates<O.Value>? = nil, _ o: O
  ) -> HeadInput<O> {
    HeadInput(
      batch, role, promptTokens: promptTokens, backbone, description.aliases, sharing: states, o)
  }

  /// Indices of the tokens in a range that count.
  ///
  /// Expansion tokens count, whether others attend to them or not.
  private func counted(_ batch: PackedBatch, _ tokens: Range<Int>, _ role: Role) -> [Int] {
    let (masked, kept) = (maskedTokens[role], keptTokens[role])
    if masked == nil, kept == nil { return Array(tokens) }
    return tokens.filter { token in
      let id = batch.ids[token]
      return masked?.contains(id) != true && kept?.contains(id) != false
    }
  }

  // MARK: Inference

  /// The sparse vector of each text of a batch: terms with a weight other than zero, indices
  /// ascending.
  ///
  /// - Precondition: the model's head gives sparse vectors.
  package func sparseVectors(
    _ batch: PackedBatch, _ role: Role, promptTokens: Int = 0,
    sharing states: SharedStates<Matrix>? = nil, _ engine: Inference
  ) -> [SparseVector] {
    let vectors = vectors(batch, role, promptTokens: promptTokens, sharing: states, engine)
    let weights = vectors.parts[0].vectors
    let hasOwnAlone = biEncoder?.hasOwnTermsAlone(role) ?? false
    let most = description.maximumTerms
    return (0..<batch.sequences).map { sequence in
      let vector = sparseVector(weights.row(sequence), batch, sequence, hasOwnAlone)
      return most.map { vector.top($0) } ?? vector
    }
  }

  private func sparseVector(
    _ row: UnsafeBufferPointer<Float>, _ batch: PackedBatch, _ sequence: Int, _ hasOwnAlone: Bool
  ) -> SparseVector {
    if !hasOwnAlone { return SparseVector(row) }
    let own = Set(batch.ids[batch.range(sequence)]).sorted().filter { row[Int($0)] != 0 }
    return SparseVector(indices: own, values: own.map { row[Int($0)] })
  }

  /// The vectors of each text of a batch that count.
  ///
  /// - Precondition: the model's head gives vectors of this shape.
  package func vectorSets(
    _ batch: PackedBatch, _ role: Role, promptTokens: Int = 0, _ shape: VectorShape,
    sharing states: SharedStates<Matrix>? = nil, _ engine: Inference
  ) -> [VectorSet] {
    let parts = vectors(
      batch, role, promptTokens: promptTokens, sharing: states, engine
    ).parts
    guard let own = parts.first, let last = parts.last else { return [] }
    return last.groups.rows.enumerated().map { text, rows in
      var set = VectorSet()
      if shape.cls != nil { set.cls = Array(own.vectors.row(text)) }
      for row in rows {
        set.append(last.vectors.row(row), id: shape.hasTokens ? batch.ids[row] : nil)
      }
      return biEncoder?.merged(set, role) ?? set
    }
  }

  /// The scores of a batch of pairs.
  ///
  /// - Precondition: the model is a cross-encoder.
  package func score(
    _ batch: PackedBatch, _ activation: ScoreActivation, _ engine: Inference
  ) -> [PairScore] {
    guard case .crossEncoder(let head) = head else { preconditionFailure("not a cross-encoder") }
    let pairs = input(batch, .pair, promptTokens: 0, engine)
    let margins = head.margins(pairs, engine)
    let logits = Array(margins.elements)
    let scores = head.scores(margins, activation, engine).elements
    return zip(scores, logits).map { PairScore(score: $0, logit: $1) }
  }

  // MARK: Hidden states

  /// Hidden states of the last layer, [T,D].
  package func hidden<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    input(batch, .doc, promptTokens: 0, o).states()
  }

  /// The rows of `hidden` that belong to first tokens, with the same bits, [B,D].
  package func firstStates<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    input(batch, .doc, promptTokens: 0, o).firstStates()
  }
}

/// What a cross-encoder says of a pair.
package struct PairScore: Sendable, Equatable {
  package var score: Float
  /// What the score is made of; an activation may give equal scores to several.
  package var logit: Float
}
