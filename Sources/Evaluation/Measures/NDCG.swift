import Failures
import Glibc

/// Normalised discounted cumulative gain.
package struct NDCG: Measure {
  package static let description = MeasureDescription(
    name: "nDCG", aliases: ["NDCG"],
    summary: "gain of the ranked documents, discounted by rank, relative to the best ranking",
    formula: "DCG@k / ideal DCG@k,  DCG@k = sum over ranks i <= k of gain(i) / log2(i + 1)",
    source: "Järvelin and Kekäläinen, TOIS 2002; gains and discount as trec_eval's ndcg, ndcg_cut",
    parameters: [
      MeasureParameter(name: "dcg", value: "'log2'", meaning: "the discount"),
      MeasureParameter(name: "gains", value: "the grades", meaning: "gain of each grade"),
      .judgedOnly,
    ], cutoff: .optional)

  private let cutoff: Int
  private let gains: [Int: Double]?
  private let judgedOnly: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    _ = try arguments.word("dcg", of: ["log2"])
    cutoff = try arguments.cutoff()
    gains = try arguments.table("gains")
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let grades = judgedOnly ? ranking.judgedOnly.grades : ranking.grades
    let ideal: Double
    if gains == nil {
      ideal = discountedGain(ranking.judgedGrades)
    } else {
      ideal = discounted(ranking.judgedGrades.map(gain).sorted(by: >))
    }
    return ideal > 0 ? discountedGain(grades) / ideal : 0
  }

  private func gain(_ grade: Int) -> Double {
    // trec_eval knows no gain for a grade below 0, nor for one that the table leaves out.
    gains.map { $0[grade] ?? max(0, Double(grade)) } ?? max(0, Double(grade))
  }

  private func discountedGain(_ grades: [Int]) -> Double { discounted(grades.lazy.map(gain)) }

  private func discounted(_ gains: some Collection<Double>) -> Double {
    var sum = 0.0
    for (i, gain) in gains.prefix(cutoff).enumerated() where gain != 0 {
      sum += gain / log2(Double(i + 2))
    }
    return sum
  }
}
