import Failures
import Records

/// What several runs give to the documents of one query, before it is weighted: fused scores for any
/// weights come from it.
package struct FusionShares: Sendable {
  /// The documents that a run has, each once.
  package let documents: [RecordID]
  /// By run, then document.
  private let shares: [[Double]]
  /// What a document's sum is multiplied with; nil for 1 each.
  private let factors: [Double]?
  /// The places of the documents by their ids, the greatest at 0.
  private let order: [Int]

  /// - Parameters:
  ///   - documents: The documents that a run has, each once.
  ///   - shares: By run, then document.
  ///   - factors: What a document's sum is multiplied with; nil for 1 each.
  init(documents: [RecordID], shares: [[Double]], factors: [Double]?) {
    self.documents = documents
    self.shares = shares
    self.factors = factors
    var order = [Int](repeating: 0, count: documents.count)
    let sorted = documents.indices.sorted { documents[$0] > documents[$1] }
    for (place, document) in sorted.enumerated() { order[document] = place }
    self.order = order
  }

  /// The documents with their fused scores, best first.
  ///
  /// - Parameters:
  ///   - weights: What the share of each run is multiplied with; empty for 1 each.
  ///   - query: The query's id, for messages.
  /// - Returns: The documents in trec_eval's order.
  /// - Throws: 65 where a score is no finite number in single precision.
  package func ranked(
    by weights: [Double], _ query: RecordID
  ) throws(Failure) -> [ScoredDocument] {
    var sums = [Double](repeating: 0, count: documents.count)
    for (run, shares) in shares.enumerated() {
      let weight = weights.isEmpty ? 1 : weights[run]
      for (document, share) in shares.enumerated() { sums[document] += weight * share }
    }
    if let factors { for document in sums.indices { sums[document] *= factors[document] } }
    let scores = sums.map { Float($0) }
    if let bad = scores.firstIndex(where: { !$0.isFinite }) {
      throw .data(
        "query \(query), document \(documents[bad])",
        "expected a finite fused score, found \(sums[bad])")
    }
    let ranking = scores.indices.sorted { left, right in
      scores[left] != scores[right]
        ? scores[left] > scores[right] : order[left] < order[right]
    }
    return ranking.map { ScoredDocument(id: documents[$0], score: scores[$0]) }
  }
}
