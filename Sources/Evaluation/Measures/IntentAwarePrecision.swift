import Failures
import Records

/// Intent-aware precision at a cutoff.
package struct IntentAwarePrecision: Measure {
  package static let description = MeasureDescription(
    name: "P_IA", summary: "mean over subtopics of the precision for each alone",
    formula: "(number of pairs of a rank i <= k and a subtopic of its document) / (k · subtopics)",
    source: "Agrawal et al., WSDM 2009; \(NoveltyModel.source)",
    parameters: [.rel, .judgedOnly], cutoff: .optional)

  private let model: NoveltyModel
  private let cutoff: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try NoveltyModel(arguments)
    cutoff = try arguments.cutoff()
  }

  package var needs: RankingNeeds { .subtopics }
  package func check(_ qrels: Qrels) throws(Failure) { try NoveltyModel.check(qrels) }

  package func value(_ ranking: JudgedRanking) -> Double {
    let ranking = model.restrict(ranking)
    let relevance = SubtopicRelevance(ranking, model.level)
    let found = relevance.ranked.reduce(0) { $1.place < cutoff ? $0 + $1.subtopics.count : $0 }
    return found == 0 ? 0 : Double(found) / scale(ranking, relevance)
  }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let ranking = model.restrict(ranking)
    let relevance = SubtopicRelevance(ranking, model.level)
    if relevance.ranked.isEmpty { return 0 }
    var counts = [Double](repeating: 0, count: ranking.count)
    for (place, subtopics) in relevance.ranked { counts[place] = Double(subtopics.count) }
    let sum = TieExpectation(ranking).sum(
      cutoff: cutoff, gain: { counts[$0] }, weight: { _ in 1 })
    return sum / scale(ranking, relevance)
  }

  private func scale(_ ranking: JudgedRanking, _ relevance: SubtopicRelevance) -> Double {
    Double(cutoff == .max ? ranking.count : cutoff) * Double(relevance.count)
  }
}
