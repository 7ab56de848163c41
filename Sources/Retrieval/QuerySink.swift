import Failures
import Vectors

/// What takes the queries of a search, block by block.
package protocol QuerySink {
  /// Takes a block of queries.
  ///
  /// - Parameters:
  ///   - ids: The queries' ids.
  ///   - queries: The queries, in the form that each ranking takes.
  ///   - texts: Their texts, where they are wanted; else none.
  /// - Returns: How many were taken.
  /// - Throws: 65 where a query occurs twice, and what is done with them throws.
  mutating func search(
    ids: [[UInt8]], _ queries: [Embeddings], texts: [[UInt8]]
  ) throws(Failure) -> Int

  /// Ends the queries.
  ///
  /// - Parameter allQueries: Whether these were all.
  /// - Throws: 65 where one is missing.
  func finish(allQueries: Bool) throws(Failure)

  /// Lets explanations have the texts of tokens and terms.
  mutating func nameTerms(by name: @escaping @Sendable (Int32) -> String?)
}

extension RunSearch: QuerySink {}

/// Queries that are kept, to try settings on.
package struct QuerySample: QuerySink {
  package private(set) var ids: [[UInt8]] = []
  /// Nil before the first block.
  package private(set) var queries: Embeddings?

  package init() {}

  package mutating func search(
    ids: [[UInt8]], _ queries: [Embeddings], texts: [[UInt8]]
  ) throws(Failure) -> Int {
    precondition(queries.count == 1, "queries of one index")
    self.ids += ids
    self.queries = self.queries?.appending(queries[0]) ?? queries[0]
    return ids.count
  }

  package func finish(allQueries: Bool) throws(Failure) {}

  package mutating func nameTerms(by name: @escaping @Sendable (Int32) -> String?) {}

  /// Some of the queries, each as likely as another, in their order.
  package func chosen(_ count: Int, seed: UInt64) -> (ids: [[UInt8]], queries: Embeddings)? {
    guard let queries else { return nil }
    let places = IndexBuild.chosen(min(count, ids.count), of: ids.count, seed: seed)
    return (places.map { ids[$0] }, queries.selecting(places))
  }
}
