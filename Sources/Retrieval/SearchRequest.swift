import Vectors

/// Some queries and what may answer them.
package struct SearchRequest: Sendable {
  package var ids: [[UInt8]]
  /// The queries' vectors, or their texts.
  package var queries: Embeddings
  /// How many documents a query gets at most.
  package var k: Int
  /// Whether a document with the query's own id is left out.
  package var dropsSelf: Bool
  package var filter: DocumentFilter?

  package init(
    ids: [[UInt8]], queries: Embeddings, k: Int, dropsSelf: Bool = false,
    filter: DocumentFilter? = nil
  ) {
    precondition(ids.count == queries.count, "\(ids.count) ids of \(queries.count) queries")
    self.ids = ids
    self.queries = queries
    self.k = k
    self.dropsSelf = dropsSelf
    self.filter = filter
  }
}
