import Failures

/// Normalised discounted cumulative gain.
package struct NDCG: Measure {
  package static let description = MeasureDescription(
    name: "nDCG", aliases: ["NDCG"],
    summary: "gain of the ranked documents, discounted by rank, relative to the best ranking",
    formula: "DCG@k / ideal DCG@k,  DCG@k = sum over ranks i <= k of gain(i) / log2(i + 1)",
    source: "Järvelin and Kekäläinen, TOIS 2002; gains and discount as trec_eval's ndcg, ndcg_cut",
    parameters: [
      MeasureParameter(
        name: "dcg", value: "'log2'", meaning: "'log2', or 'exp-log2': gains of 2^g - 1 (gdeval)"),
      MeasureParameter(name: "gains", value: "the grades", meaning: "gain of each grade"),
      .judgedOnly,
    ], cutoff: .optional)

  private let cutoff: Int
  private let gains: GainTable
  private let judgedOnly: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    let isExponential = try arguments.word("dcg", of: ["log2", "exp-log2"]) == "exp-log2"
    cutoff = try arguments.cutoff()
    gains = GainTable(try arguments.table("gains"), isExponential: isExponential)
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let ideal = gains.idealDiscounted(ranking, cutoff: cutoff)
    if ideal == 0 { return 0 }
    return gains.discounted(judgedOnly ? ranking.judgedOnly : ranking, cutoff: cutoff) / ideal
  }

  package var tieEffect: TieEffect { gains.tieEffect }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let ideal = gains.idealDiscounted(ranking, cutoff: cutoff)
    if ideal == 0 { return 0 }
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    return gains.expectedDiscounted(ranking, cutoff: cutoff) / ideal
  }
}
