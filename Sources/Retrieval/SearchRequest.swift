import Records
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
  /// The documents that may be found; nil for all.
  package var filter: DocumentFilter?
  /// Documents that may not be found.
  package var filterOut: DocumentFilter?
  /// The least score that a document is found with.
  package var floor = -Float.infinity
  /// A score of each query that as many documents elsewhere are known to reach as are asked for; empty
  /// where none is known.
  ///
  /// An index that heeds it leaves out what is below.
  package var reached: [Float] = []
  /// Whether a document's own id stands for its passages, too.
  package var foldsPassages = false
  /// Whether passages are found alone that their documents begin with.
  package var firstPassages = false
  /// Counts survivors over several parts of an index; nil for an index that counts its own.
  package var survivors: SurvivorTally?
  /// Which of some documents with equal scores are in where the room ends.
  package var ties: RunTies

  package init(
    ids: [[UInt8]], queries: Embeddings, k: Int, dropsSelf: Bool = false,
    filter: DocumentFilter? = nil, ties: RunTies = .trec
  ) {
    precondition(ids.count == queries.count, "\(ids.count) ids of \(queries.count) queries")
    self.ids = ids
    self.queries = queries
    self.k = k
    self.dropsSelf = dropsSelf
    self.filter = filter
    self.ties = ties
  }

  /// The least score with which a document of a query matters.
  package func least(of query: Int) -> Float {
    reached.isEmpty ? floor : max(floor, reached[query])
  }

  /// The request of some of the queries.
  package func part(_ range: Range<Int>) -> SearchRequest {
    var part = self
    part.ids = Array(ids[range])
    part.queries = queries[range]
    if !reached.isEmpty { part.reached = Array(reached[range]) }
    return part
  }
}
