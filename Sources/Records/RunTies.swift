/// How a run stands where scores are equal, and what its lines show of the scores.
package enum RunTies: String, Sendable, CaseIterable {
  /// The document with the greater id first, as trec_eval has it; a score is the shortest text that
  /// reads back to the same number.
  case trec
  /// As Anserini writes runs: the document with the smaller id first, scores of four decimals, of
  /// which those that are at most one unit of the fourth below the one before are lowered by a
  /// millionth for each document of their row, and six decimals in the text.
  ///
  /// Source: ScoreTiesAdjusterReranker of Anserini 0.22.1, in single precision like there.
  case anserini

  /// Documents in the order of the run, with the scores that it shows.
  func ranking(_ documents: [ScoredDocument]) -> [ScoredDocument] {
    switch self {
    case .trec:
      // What an index finds is in order already.
      let pairs = zip(documents, documents.dropFirst())
      if pairs.allSatisfy({ !$1.precedes($0) }) { return documents }
      return documents.sorted { $0.precedes($1) }
    case .anserini:
      var ranking = documents.sorted {
        $0.score != $1.score ? $0.score > $1.score : $0.id < $1.id
      }
      var ties: Float = 0
      for i in ranking.indices {
        // Half a unit is rounded up, as Java's Math.round does it.
        let units = (Double(ranking[i].score) * 10000 + 0.5).rounded(.down)
        ranking[i].score = Float(units / 10000)
        if i == 0 || ranking[i - 1].score - ranking[i].score > 1e-4 {
          ties = 0
        } else {
          ties += 1
          ranking[i].score -= 1e-6 * ties
        }
      }
      return ranking
    }
  }

  /// A score as a run has it.
  func text(_ score: Float) -> String {
    switch self {
    case .trec: return RunWriter.text(score)
    case .anserini:
      // The product is exact: 24 bits of the score and 14 of 15625, of which a million is a multiple.
      let millionths = (Double(score.magnitude) * 1_000_000).rounded()
      guard let number = UInt64(exactly: millionths) else { return RunWriter.text(score) }
      let decimals = String(number % 1_000_000 + 1_000_000).dropFirst()
      return "\(score < 0 ? "-" : "")\(number / 1_000_000).\(decimals)"
    }
  }
}
