import Autograd
import Models
import Tensors

/// Queries with as many documents each, as tokens, and what they are trained towards.
package struct TrainingBatch: Sendable {
  package enum Texts: Sendable {
    /// B queries and, query by query, their B·N documents.
    case separate(queries: PackedBatch, documents: PackedBatch)
    /// B·N pairs of a query and a document, query by query.
    case pairs(PackedBatch)
  }

  package var texts: Texts
  /// [B,N].
  package var targets: ScoreTable
  /// Number of the first query within the step: dropout is drawn by it.
  package var firstQuery: Int
  /// Tokens at the start of every text of a role that are its prompt's.
  package var promptTokens: [Role: Int] = [:]

  /// - Precondition: there are as many texts as targets.
  package init(_ texts: Texts, targets: ScoreTable, firstQuery: Int = 0) {
    let count = targets.queries * targets.documents
    switch texts {
    case .separate(let queries, let documents):
      precondition(
        queries.sequences == targets.queries && documents.sequences == count,
        "\(queries.sequences) queries, \(documents.sequences) documents, \(count) targets")
    case .pairs(let pairs):
      precondition(pairs.sequences == count, "\(pairs.sequences) pairs, \(count) targets")
    }
    self.texts = texts
    self.targets = targets
    self.firstQuery = firstQuery
  }

  /// The part of one of `count` processes: some of the queries, or none, with their documents.
  package func part(_ rank: Int, of count: Int) -> TrainingBatch {
    let range = rank * targets.queries / count..<(rank + 1) * targets.queries / count
    let n = targets.documents
    let documents = range.lowerBound * n..<range.upperBound * n
    var part = self
    part.targets = ScoreTable(
      queries: range.count, documents: n, values: Array(targets.values[documents]))
    part.firstQuery += range.lowerBound
    part.texts =
      switch texts {
      case .separate(let queries, let all):
        .separate(queries: queries.sequences(range), documents: all.sequences(documents))
      case .pairs(let pairs): .pairs(pairs.sequences(documents))
      }
    return part
  }

  /// Tokens of all texts.
  package var tokens: Int {
    switch texts {
    case .separate(let queries, let documents): queries.tokens + documents.tokens
    case .pairs(let pairs): pairs.tokens
    }
  }
}
