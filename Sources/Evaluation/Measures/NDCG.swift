import Failures
import Records

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
  private let isExponential: Bool
  private let name: String

  /// The highest grade with a gain of 2^g - 1: sums of what higher ones bring would be no numbers.
  private static let highestGrade = 1000

  package init(_ arguments: MeasureArguments) throws(Failure) {
    isExponential = try arguments.word("dcg", of: ["log2", "exp-log2"]) == "exp-log2"
    cutoff = try arguments.cutoff()
    gains = GainTable(try arguments.table("gains"), isExponential: isExponential)
    judgedOnly = try arguments.boolean("judged_only", default: false)
    name = arguments.name.description
  }

  package func check(_ qrels: Qrels) throws(Failure) {
    guard isExponential else { return }
    for judgement in 0..<qrels.count where qrels.grade(judgement) > Self.highestGrade {
      throw .data(
        qrels.name,
        "\(name): expected grades to \(Self.highestGrade), found \(qrels.grade(judgement))")
    }
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let ideal = gains.idealDiscounted(ranking, cutoff: cutoff)
    if ideal == 0 { return 0 }
    return gains.discounted(judgedOnly ? ranking.judgedOnly : ranking, cutoff: cutoff) / ideal
  }

  package var tieEffect: TieEffect { gains.tieEffect }

  /// Grades that are all multiplied with one number have the same ratio.
  package var takesFractions: Bool { gains.isProportional }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let ideal = gains.idealDiscounted(ranking, cutoff: cutoff)
    if ideal == 0 { return 0 }
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    return gains.expectedDiscounted(ranking, cutoff: cutoff) / ideal
  }
}
