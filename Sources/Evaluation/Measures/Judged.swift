import Failures

/// Share of judged documents.
package struct Judged: Measure {
  package static let description = MeasureDescription(
    name: "Judged", summary: "share of judged documents among the first k that there are",
    formula: "(number of ranks i <= k with a judgement) / min(k, retrieved)",
    source: "ir_measures; ties in trec_eval's order", cutoff: .optional)

  private let cutoff: Int

  package init(_ arguments: MeasureArguments) throws(Failure) { cutoff = try arguments.cutoff() }

  package func value(_ ranking: JudgedRanking) -> Double {
    let head = ranking.isJudged.prefix(cutoff)
    return head.isEmpty ? 0 : Double(head.count { $0 }) / Double(head.count)
  }
}
