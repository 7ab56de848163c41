import Failures
import JSON
import Retrieval
import Vectors

extension BM25Index: ExplainingIndex {
  /// The terms that query and document share: how often the query has each, and what it adds.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    try explanations(counts(queries[query..<query + 1])[0], of: ordinals)
  }

  /// What the scores of some documents are made of, for a query whose terms have these weights.
  func explanations(
    _ own: TermWeights, of ordinals: [Int]
  ) throws(Failure) -> [[JSON.Member]] {
    var terms = [[JSON]](repeating: [], count: ordinals.count)
    for (term, weight) in own.sorted {
      var one = TermWeights()
      one.add(weight, to: term)
      for (place, score) in try scores(one, of: ordinals).enumerated() where score > 0 {
        terms[place].append(
          .object([
            JSON.Member("term", .string(String(decoding: term, as: UTF8.self))),
            JSON.Member("query", .number(weight)), JSON.Member("score", .number(score)),
          ]))
      }
    }
    return terms.map { [JSON.Member("terms", .array($0))] }
  }
}
