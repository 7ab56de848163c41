import Autograd
import Failures
import Kernels
import Tensors

/// Embeddings of a batch, in the order of its sequences.
package enum EncodedBatch {
  /// [B,D]
  case dense(Matrix)
  /// Terms with a weight other than zero, indices ascending, of each sequence.
  case sparse([SparseVector])
}

/// A vector over the vocabulary, of which only what is not zero is kept.
package struct SparseVector: Sendable, Equatable {
  /// Ascending.
  package var indices: [Int32] = []
  package var values: [Float] = []

  package init() {}

  /// Keeps what is not zero of a dense row.
  package init(_ row: UnsafeBufferPointer<Float>) {
    for (i, value) in row.enumerated() where value != 0 {
      indices.append(Int32(i))
      values.append(value)
    }
  }

  /// The `count` terms of the largest weights; of equal ones those with the lower index.
  package func top(_ count: Int) -> SparseVector {
    if indices.count <= count { return self }
    let order = indices.indices.sorted {
      values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1
    }
    var kept = SparseVector()
    for i in order.prefix(count).sorted() {
      kept.indices.append(indices[i])
      kept.values.append(values[i])
    }
    return kept
  }
}

extension Model {
  /// Embeds a batch of one role's texts.
  ///
  /// - Precondition: the model is a bi-encoder.
  package func encode(_ batch: PackedBatch, role: Role, _ engine: Inference) -> EncodedBatch {
    switch head {
    case .dense(let head):
      return .dense(head(hidden(batch, engine), batch, engine))
    case .splade(let roles):
      return .sparse(encodeSparse(batch, role: role, roles, engine))
    case .mono:
      preconditionFailure("a cross-encoder has no embeddings")
    }
  }

  /// Hidden states of the last layer, [T,D].
  package func hidden(_ batch: PackedBatch, _ engine: Inference) -> Matrix {
    backbone(batch, engine)
  }

  private func encodeSparse(
    _ batch: PackedBatch, role: Role, _ roles: SpladeRoles, _ engine: Inference
  ) -> [SparseVector] {
    if roles.weighting[role] != .contextualized {
      return (0..<batch.sequences).map { lexical(batch, $0, roles.tables[role]) }
    }
    guard let head = roles.head else { preconditionFailure("SPLADE without a head") }
    let weights = head(hidden(batch, engine), batch, engine)
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
    let logits = head(hidden(batch, engine), batch, engine)
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
