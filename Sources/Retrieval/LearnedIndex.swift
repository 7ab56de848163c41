import Failures
import Vectors

/// An index whose scores a learned function makes of the vectors that it stores.
///
/// Which documents are scored is not said here: a search finds what the index finds by itself.
package struct LearnedIndex<Base: VectorSource>: RescoringIndex {
  private let base: Base
  private let interaction: any LearnedInteraction
  private let place: String

  /// - Parameters:
  ///   - base: Has the vectors.
  ///   - interaction: Scores them.
  ///   - place: The index's folder, for messages.
  package init(_ base: Base, _ interaction: any LearnedInteraction, place: String) {
    self.base = base
    self.interaction = interaction
    self.place = place
  }

  package var documents: Base.Documents { base.documents }
  package var figures: [(name: String, value: String)] { base.figures }

  package func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    try base.search(request)
  }

  package func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    guard case .vectors(let sets, let shape) = queries, shape.cls == nil else {
      throw .config(place, "expected queries of several vectors, found \(queries.form)")
    }
    var scores: [Float] = []
    scores.reserveCapacity(ordinals.count)
    for first in stride(from: 0, to: ordinals.count, by: Self.block) {
      let own = Array(ordinals[first..<min(first + Self.block, ordinals.count)])
      guard case .vectors(let docs, let other) = try base.vectors(of: own), other.cls == nil else {
        throw .config(place, "a learned scorer needs an index of several vectors a document")
      }
      guard other.width == shape.width else {
        throw .config(
          place,
          "the queries' vectors have dimension \(shape.width), the index's \(other.width)")
      }
      scores += try interaction.scores(sets[query], docs, width: shape.width)
    }
    return scores
  }

  /// Documents whose vectors are in memory at a time.
  private static var block: Int { 256 }
}

extension VectorSource {
  /// The index with other scores.
  package func scored(
    by interaction: any LearnedInteraction, place: String
  ) -> any RescoringIndex { LearnedIndex(self, interaction, place: place) }
}
