import Autograd
import Failures
import Kernels
import Tensors
import Vectors

/// Embeddings of a batch, in the order of its sequences.
package enum EncodedBatch {
  /// [B,D]
  case dense(Matrix)
  /// Terms with a weight other than zero, indices ascending, of each sequence.
  case sparse([SparseVector])
  case vectors([VectorSet])
}

extension Model {
  /// Embeds a batch of one role's texts.
  ///
  /// `promptTokens`: tokens at the start of every text that are its prompt's.
  ///
  /// - Precondition: the model is a bi-encoder.
  package func encode(
    _ batch: PackedBatch, role: Role, promptTokens: Int = 0, _ engine: Inference
  ) -> EncodedBatch {
    switch head {
    case .dense(let head):
      let skipped = poolsPrompt ? 0 : promptTokens
      if skipped == 0, head.poolings == [.first] {
        return .dense(head(firstStates(batch, engine), batch.firstTokens, engine))
      }
      return .dense(head(hidden(batch, engine), batch, skipping: skipped, engine))
    case .splade(let roles):
      return .sparse(encodeSparse(batch, role: role, roles, engine))
    case .uniCoil(let head):
      return .sparse(termWeights(batch, head(hidden(batch, engine), engine)))
    case .multiVector(let head):
      let vectors = head(hidden(batch, engine), engine)
      return .vectors(
        (0..<batch.sequences).map { tokenVectors(batch, batch.range($0), role, vectors) })
    case .viewers(let head):
      return .vectors(viewerVectors(batch, role, head, engine))
    case .coil(let head):
      let (cls, vectors) = head(hidden(batch, engine), batch, engine)
      return .vectors(
        (0..<batch.sequences).map { sequence in
          var set = tokenVectors(batch, batch.range(sequence).dropFirst(), role, vectors)
          set.cls = Array(cls.row(sequence))
          return set
        })
    case .mono:
      preconditionFailure("a cross-encoder has no embeddings")
    }
  }

  package var poolsPrompt: Bool {
    if case .dense(let settings) = description.architecture { settings.poolsPrompt } else { true }
  }

  /// Shape of the vector sets; nil where the model gives one vector a text.
  package var vectorShape: VectorShape? {
    switch head {
    case .multiVector(let head): VectorShape(width: head.dimension, hasTokens: true)
    case .viewers(let head): VectorShape(width: head.dimension, hasTokens: false)
    case .coil(let head):
      VectorShape(cls: head.cls.outputs, width: head.tokens.outputs, hasTokens: true)
    case .dense, .splade, .uniCoil, .mono: nil
    }
  }

  /// Hidden states of the last layer, [T,D].
  package func hidden<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    backbone(aliased(batch), o)
  }

  /// The rows of `hidden` that belong to first tokens, with the same bits, [B,D].
  package func firstStates(_ batch: PackedBatch, _ engine: Inference) -> Matrix {
    let states = backbone(aliased(batch), onlyFirst: true, engine)
    // A backbone without any layer has nothing to leave out.
    return states.rows == batch.sequences ? states : engine.pool(states, .first, batch)
  }

  private func aliased(_ batch: PackedBatch) -> PackedBatch {
    let aliases = description.aliases
    if aliases.isEmpty { return batch }
    return batch.withIDs(batch.ids.map { aliases.row(of: $0) })
  }

  /// Those of some tokens that count.
  ///
  /// Expansion tokens count, whether others attend to them or not.
  private func counted(_ batch: PackedBatch, _ tokens: Range<Int>, _ role: Role) -> [Int] {
    guard let masked = maskedTokens[role] else { return Array(tokens) }
    return tokens.filter { !masked.contains(batch.ids[$0]) }
  }

  private func tokenVectors(
    _ batch: PackedBatch, _ tokens: Range<Int>, _ role: Role, _ vectors: Matrix
  ) -> VectorSet {
    var set = VectorSet()
    for token in counted(batch, tokens, role) {
      set.append(vectors.row(token), id: batch.ids[token])
    }
    return set
  }

  /// Which rows are the vectors of each text that count, of what the head makes of a batch: of
  /// several parts, the last one.
  package func vectorGroups(_ batch: PackedBatch, _ role: Role) -> VectorGroups {
    let ranges = (0..<batch.sequences).map { batch.range($0) }
    switch head {
    case .multiVector: return VectorGroups(rows: ranges.map { counted(batch, $0, role) })
    case .coil:
      let rows = ranges.map { counted(batch, $0.dropFirst(), role) }
      return VectorGroups(rows: rows, tokens: rows.map { $0.map { batch.ids[$0] } })
    case .viewers(let head) where role == .doc:
      var first = 0
      return VectorGroups(
        rows: ranges.map { range in
          defer { first += head.rows(range).count }
          return Array(first..<first + head.rows(range).count)
        })
    case .dense, .splade, .uniCoil, .viewers, .mono: return VectorGroups(texts: batch.sequences)
    }
  }

  private func viewerVectors(
    _ batch: PackedBatch, _ role: Role, _ head: ViewerHead, _ engine: Inference
  ) -> [VectorSet] {
    let hidden = hidden(batch, engine)
    let vectors =
      role == .query
      ? head.query(hidden, batch, engine) : head.document(hidden, batch, engine)
    var row = 0
    return (0..<batch.sequences).map { sequence in
      var set = VectorSet()
      for _ in 0..<(role == .query ? 1 : head.rows(batch.range(sequence)).count) {
        set.append(vectors.row(row))
        row += 1
      }
      return set
    }
  }

  /// Weights of a text's own terms; of a term that occurs again the last one counts, as torch's
  /// scatter leaves it.
  private func termWeights(_ batch: PackedBatch, _ weights: Matrix) -> [SparseVector] {
    (0..<batch.sequences).map { sequence in
      var terms: [Int32: Float] = [:]
      for token in batch.range(sequence) { terms[batch.ids[token]] = weights.row(token)[0] }
      var vector = SparseVector()
      for (id, weight) in terms.sorted(by: { $0.key < $1.key }) where weight != 0 {
        vector.indices.append(id)
        vector.values.append(weight)
      }
      return vector
    }
  }

  private func encodeSparse(
    _ batch: PackedBatch, role: Role, _ roles: SpladeRoles, _ engine: Inference
  ) -> [SparseVector] {
    if roles.weighting[role] != .contextualized {
      return (0..<batch.sequences).map { lexical(batch, $0, roles.tables[role]) }
    }
    guard let head = roles.head else { preconditionFailure("SPLADE without a head") }
    let weights =
      head.pooling == .first
      ? head(firstStates(batch, engine), batch.firstTokens, engine)
      : head(hidden(batch, engine), batch, engine)
    let expands = roles.expands[role] ?? true
    return (0..<batch.sequences).map { sequence in
      let row = weights.row(sequence)
      if expands { return SparseVector(row) }
      // Without expansion only terms of the text count, special tokens among them.
      var vector = SparseVector()
      for id in Set(batch.ids[batch.range(sequence)]).sorted() where row[Int(id)] != 0 {
        vector.indices.append(id)
        vector.values.append(row[Int(id)])
      }
      return vector
    }
  }

  /// The text's own terms with weights from a table, or 1.
  private func lexical(_ batch: PackedBatch, _ sequence: Int, _ table: Parameter?) -> SparseVector {
    var vector = SparseVector()
    for id in Set(batch.ids[batch.range(sequence)]).sorted() {
      let weight = table.map { $0.values[Int(id)] } ?? 1
      if weight == 0 { continue }
      vector.indices.append(id)
      vector.values.append(weight)
    }
    return vector
  }

  /// Scores a batch of pairs: the model's own score of each.
  ///
  /// - Precondition: the model is a cross-encoder.
  package func score(
    _ batch: PackedBatch, _ activation: ScoreActivation, _ engine: Inference
  ) -> [Float] {
    guard case .mono(let head) = head else { preconditionFailure("not a cross-encoder") }
    let logits =
      head.pooling == .first && batch.sets.isEmpty
      ? head(firstStates(batch, engine), batch.firstTokens, engine)
      : head(hidden(batch, engine), batch, engine)
    return (0..<logits.rows).map { row in
      Self.score(logits.row(row), head.scoring, activation, engine)
    }
  }

  private static func score(
    _ logits: UnsafeBufferPointer<Float>, _ scoring: MonoHead.Scoring,
    _ activation: ScoreActivation, _ engine: Inference
  ) -> Float {
    switch (scoring, activation) {
    case (.rank, .logit): return logits[0]
    case (.rank, .sigmoid): return engine.sigmoid(logits[0])
    case (.rank, .softmax): preconditionFailure("a softmax over one logit is always 1")
    // log softmax(l)[1] = -log(1 + e^(l0 - l1)), with the larger one taken out.
    case (.mono, .logit): return engine.logShare(logits[1], logits[0])
    case (.mono, .sigmoid): return engine.sigmoid(logits[1] - logits[0])
    case (.mono, .softmax): return engine.sigmoid(logits[1] - logits[0])
    }
  }
}
