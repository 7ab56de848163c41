import Autograd
import Kernels
import Models
import Tensors

/// What a model makes of some texts: matrices of vectors, and to which text their rows belong.
///
/// COIL has two, the texts' own vectors and those of their tokens; other models have one. Logits of
/// a cross-encoder are vectors of one or two numbers.
struct TextVectors {
  struct Part {
    var vectors: Matrix
    var groups: VectorGroups
  }

  var parts: [Part]

  /// Those of several batches of texts behind one another.
  init(joining all: [TextVectors], on tape: Tape) {
    parts = (all.first?.parts ?? []).indices.map { index in
      let parts = all.map { $0.parts[index] }
      return Part(
        vectors: tape.matrix(joining: parts.map(\.vectors)),
        groups: VectorGroups(
          joining: parts.map(\.groups), sizes: parts.map { $0.vectors.rows }))
    }
  }

  init(_ parts: [Part]) { self.parts = parts }
}

/// The same as they were recorded.
struct RecordedVectors {
  var parts: [(vectors: Recorded, groups: VectorGroups)]

  var values: TextVectors {
    TextVectors(parts.map { TextVectors.Part(vectors: $0.vectors.value, groups: $0.groups) })
  }
}

extension Model {
  /// Runs the model on texts of one role, or on pairs.
  ///
  /// - Parameters:
  ///   - batch: The texts, at least one.
  ///   - role: What they are.
  ///   - promptTokens: Tokens at the start of every text that are its prompt's.
  ///   - tape: Where it is recorded.
  /// - Returns: The vectors, with their places on the tape.
  func vectors(
    _ batch: PackedBatch, _ role: Role, promptTokens: Int, _ tape: Tape
  ) -> RecordedVectors {
    let groups = vectorGroups(batch, role)
    func one(_ vectors: Recorded) -> RecordedVectors { RecordedVectors(parts: [(vectors, groups)]) }
    switch head {
    case .dense(let head):
      return one(
        head(
          hidden(batch, tape), batch, skipping: poolsPrompt ? 0 : promptTokens, tape))
    case .splade(let roles): return one(terms(batch, role, roles, tape))
    case .uniCoil(let head):
      return one(tape.scatter(head(hidden(batch, tape), tape), batch, columns: head.dimension))
    case .multiVector(let head): return one(head(hidden(batch, tape), tape))
    case .viewers(let head):
      let hidden = hidden(batch, tape)
      return one(
        role == .query ? head.query(hidden, batch, tape) : head.document(hidden, batch, tape))
    case .coil(let head):
      let (cls, tokens) = head(hidden(batch, tape), batch, tape)
      return RecordedVectors(
        parts: [(cls, VectorGroups(texts: batch.sequences)), (tokens, groups)])
    case .mono(let head): return one(head(hidden(batch, tape), batch, tape))
    }
  }

  /// Weights over the vocabulary, [B,V].
  private func terms(
    _ batch: PackedBatch, _ role: Role, _ roles: SpladeRoles, _ tape: Tape
  ) -> Recorded {
    switch roles.weighting[role] ?? .contextualized {
    case .staticTable:
      guard let table = roles.tables[role] else { preconditionFailure("no static weights") }
      let weights = tape.embed(batch, word: table, type: nil, positions: nil)
      return tape.scatter(weights, batch, columns: roles.dimension)
    case .none:
      let ones = tape.matrix(
        repeatElement(1, count: batch.tokens), rows: batch.tokens, columns: 1)
      return tape.scatter(tape.constant(ones), batch, columns: roles.dimension)
    case .contextualized:
      guard let head = roles.head else { preconditionFailure("SPLADE without a head") }
      let weights = head(hidden(batch, tape), batch, tape)
      return roles.expands[role] ?? true ? weights : tape.ownTerms(weights, batch)
    }
  }
}
