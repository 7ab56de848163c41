import Records

/// The queries of a run that are scored, and their documents.
package struct CandidateIDs: Sendable {
  /// Places of the queries in the run.
  package let range: Range<Int>
  /// Documents a query at most.
  package let depth: Int
  package private(set) var queries = IDTable()
  package private(set) var docs = IDTable()

  /// - Parameters:
  ///   - run: What names them.
  ///   - wanted: Places of the queries in the run.
  ///   - depth: Documents a query at most.
  package init(_ run: Run, queries wanted: Range<Int>, depth: Int) {
    range = wanted
    self.depth = depth
    for query in wanted {
      _ = queries.insert(run.queries[query])
      for entry in run.entries(of: query).prefix(depth) { _ = docs.insert(run.doc(entry)) }
    }
  }
}
