import Kernels

/// Similarities of the vectors of two texts, which a learned scorer takes.
extension Tape {
  /// Dot products of a query's vectors with a document's, for some pairs: [P·L₁,L₂], with 0 where a text
  /// has fewer vectors.
  ///
  /// - Parameters:
  ///   - q: Vectors of queries.
  ///   - queries: Which text they belong to, at most L₁ to each.
  ///   - d: Vectors of documents, of the same width.
  ///   - documents: Which text they belong to, at most L₂ to each.
  ///   - pairs: Query and document of each pair.
  ///   - scorer: Has L₁ and L₂.
  /// - Returns: Pair by pair.
  package func similarities(
    _ q: Recorded, _ queries: VectorGroups, _ d: Recorded, _ documents: VectorGroups,
    _ pairs: [(query: Int, document: Int)], for scorer: LearnedScorer
  ) -> Recorded {
    let (rows, columns) = (scorer.queryTokens, scorer.docTokens)
    let out = zeros(pairs.count * rows, columns)
    forEach(pairs.count) { [kernels] pair, _ in
      let (own, others) = (queries.rows[pairs[pair].query], documents.rows[pairs[pair].document])
      precondition(own.count <= rows && others.count <= columns, "more vectors than a scorer takes")
      for (i, row) in own.enumerated() {
        let target = out.mutableRow(pair * rows + i)
        for (j, other) in others.enumerated() {
          target[j] = kernels.dot(q.value.row(row), d.value.row(other))
        }
      }
    }
    var ofQuery = [[Int]](repeating: [], count: queries.rows.count)
    var ofDocument = [[Int]](repeating: [], count: documents.rows.count)
    for (place, pair) in pairs.enumerated() {
      ofQuery[pair.query].append(place)
      ofDocument[pair.document].append(place)
    }
    return record(out, from: [q, d]) { [unowned self] derivative in
      let (dq, dd) = (zeros(q.value.rows, q.value.columns), zeros(d.value.rows, d.value.columns))
      forEach(ofQuery.count) { [kernels] query, _ in
        for place in ofQuery[query] {
          let others = documents.rows[pairs[place].document]
          for (i, row) in queries.rows[query].enumerated() {
            let slopes = derivative.row(place * rows + i)
            for (j, other) in others.enumerated() {
              kernels.addScaled(d.value.row(other), by: slopes[j], to: dq.mutableRow(row))
            }
          }
        }
      }
      forEach(ofDocument.count) { [kernels] document, _ in
        for place in ofDocument[document] {
          for (i, row) in queries.rows[pairs[place].query].enumerated() {
            let slopes = derivative.row(place * rows + i)
            for (j, other) in documents.rows[document].enumerated() {
              kernels.addScaled(q.value.row(row), by: slopes[j], to: dd.mutableRow(other))
            }
          }
        }
      }
      return [dq, dd]
    }
  }
}
