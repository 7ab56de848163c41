import Failures

/// A learned function that makes a score of the vectors of a query's and a document's tokens.
package protocol LearnedInteraction: Sendable {
  /// Scores of one query with some documents; of a pair they do not depend on the others.
  ///
  /// - Parameters:
  ///   - query: The query's vectors.
  ///   - docs: The documents' vectors.
  ///   - width: Numbers of a vector.
  /// - Returns: A score for each document.
  /// - Throws: 78 for vectors of another width, or for more of them than it takes.
  func scores(
    _ query: VectorSet, _ docs: [VectorSet], width: Int
  ) throws(Failure) -> [Float]
}
