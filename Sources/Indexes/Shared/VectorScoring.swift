import Failures
import IndexFormat
import Vectors

/// What the score of two texts of several vectors is.
struct VectorScoring: Sendable, Equatable {
  let similarity: Similarity
  let aggregations: Aggregations

  /// What the vectors' stream says: else the dot product, and the sum of the maxima.
  ///
  /// - Throws: 78 for what is not known.
  init(_ source: IndexSource, _ place: String) throws(Failure) {
    similarity = try Flat.similarity(source, place)
    guard let aggregations = Aggregations(recorded: source.description.aggregation) else {
      throw .config(
        place, "aggregation \(source.description.aggregation ?? "") is not supported")
    }
    self.aggregations = aggregations
  }
}
