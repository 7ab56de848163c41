import Autograd
import Models

/// Scores that a bi-encoder gives to queries and documents in training.
struct VectorScoring {
  private let normalizes: Bool
  /// Rule by which each part of the vectors is scored; the scores add up.
  private let interactions: [Interaction]
  /// Factor of each part in a score; none for 1.
  private let weights: [Double]
  /// What makes scores of the vectors in their place; nil where they do.
  private let scorer: LearnedScorer?

  init(_ model: Model) {
    let description = model.description
    if case .biEncoder(let head) = model.head { scorer = head.scorer } else { scorer = nil }
    normalizes = description.similarity == .cosine
    // A cosine is the dot product of what `side` has normalised.
    let similarity = normalizes ? .dot : description.similarity
    interactions = description.head.interactions(similarity)
    weights = description.head.interactionWeights
  }

  /// A part of the vectors, ready to be compared.
  struct Side {
    /// Derivatives are asked for by these.
    let variables: [Recorded]
    let groups: [VectorGroups]
    fileprivate let compared: [Recorded]
  }

  func side(_ vectors: TextVectors<Matrix>, _ tape: Tape) -> Side {
    let variables = vectors.parts.map { tape.variable($0.vectors) }
    return Side(
      variables: variables, groups: vectors.parts.map(\.groups),
      compared: normalizes ? variables.map { tape.normalize($0) } : variables)
  }

  /// The scores of tables of documents, a row for each query: [1,P].
  func scores(_ q: Side, _ d: Side, _ tables: [[[Int]]], _ tape: Tape) -> Recorded {
    if let scorer {
      let pairs = tables.flatMap {
        $0.enumerated().flatMap { query, row in row.map { (query, $0) } }
      }
      let similarities = tape.similarities(
        q.compared[0], q.groups[0], d.compared[0], d.groups[0], pairs, for: scorer)
      return tape.reshape(scorer.scores(similarities, tape), rows: 1)
    }
    let scores = interactions.indices.map { i in
      let scores = self.scores(q, d, tables, of: i, tape)
      return weights.isEmpty ? scores : tape.scale(scores, by: Float(weights[i]))
    }
    return scores.dropFirst().reduce(scores[0]) { tape.add($0, $1) }
  }

  /// The scores by one part of the vectors: [1,P].
  func scores(
    _ q: Side, _ d: Side, _ tables: [[[Int]]], of part: Int, _ tape: Tape
  ) -> Recorded {
    tape.scores(
      q.compared[part], q.groups[part], d.compared[part], d.groups[part], tables,
      interactions[part])
  }

  /// The similarities of each query's one vector with all vectors of its documents, as many for
  /// each: document by document, [1,P].
  func similarities(_ q: Side, _ d: Side, _ documents: [[Int]], _ tape: Tape) -> Recorded {
    let groups = d.groups[0]
    // Every vector of a document is a document here.
    let first = groups.rows.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    let columns = documents.map { $0.flatMap { Array(first[$0]..<first[$0 + 1]) } }
    return tape.scores(
      q.compared[0], q.groups[0], d.compared[0], groups.single, [columns],
      Interaction(interactions[0].similarity))
  }
}
