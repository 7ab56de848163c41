import Failures
import Models
import Records
import Streams

/// The form of a cross-encoder's scores: `--score`.
package enum ScoreForm: String, CaseIterable, Sendable { case model, logit, sigmoid, softmax }

/// How the pairs of queries become a cross-encoder's scores.
package struct CrossEncoderScoring: Sendable {
  private let activation: ScoreActivation
  /// Seed of the states that stand for missing documents; nil where none are drawn.
  private let samplingSeed: UInt64?

  /// - Parameters:
  ///   - description: The model's.
  ///   - form: The form of the scores.
  ///   - samplingSeed: With a set-encoder, the seed of the states that stand for documents that are
  ///     missing to its depth; nil for none.
  /// - Throws: 64 for a form that the model cannot have, and for states where it has no sets.
  package init(
    _ description: ModelDescription, _ form: ScoreForm, samplingSeed: UInt64?
  ) throws(Failure) {
    guard let settings = description.head.pairs else { preconditionFailure("not a cross-encoder") }
    self.samplingSeed = samplingSeed
    if samplingSeed != nil, settings.set == nil {
      throw .usage("--sample-missing-docs is for set-encoders")
    }
    switch form {
    case .model: activation = settings.activation
    case .logit: activation = .logit
    case .sigmoid: activation = .sigmoid
    case .softmax:
      guard settings.activations.contains(.softmax) else {
        throw .usage("--score softmax: the model has one logit, whose softmax is always 1")
      }
      activation = .softmax
    }
  }

  /// The scores of the pairs of some queries, in their order.
  ///
  /// - Parameters:
  ///   - tokens: The pairs.
  ///   - queries: The queries' ids.
  ///   - counts: The number of pairs of each.
  ///   - encoder: Runs the model.
  /// - Returns: A score a pair.
  /// - Throws: 78 for tokens that do not fit the model.
  package func score(
    _ tokens: TokenWindow, queries: [RecordID], counts: [Int], _ encoder: BatchEncoder
  ) throws(Failure) -> [PairScore] {
    var groups: [PairGroup] = []
    var start = 0
    for (query, count) in zip(queries, counts) {
      groups.append(
        PairGroup(
          pairs: start..<start + count, seed: samplingSeed.map { Self.seed($0, query.bytes) }))
      start += count
    }
    return try encoder.score(tokens, groups, activation)
  }

  /// A seed a query, whatever the other queries are.
  private static func seed(_ seed: UInt64, _ query: [UInt8]) -> UInt64 {
    seed ^ Checksum.xxh3(query)
  }
}
