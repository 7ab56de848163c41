import Failures
import Records

/// Intent-aware average precision.
package struct IntentAwareAP: Measure {
  package static let description = MeasureDescription(
    name: "AP_IA", aliases: ["MAP_IA"],
    summary: "mean over subtopics of the average precision for each alone",
    formula: "mean over subtopics s of (sum of P_s@i over ranks i about s) / documents about s",
    source: "Agrawal et al., WSDM 2009; \(NoveltyModel.source)",
    parameters: [.rel, .judgedOnly])

  private let model: NoveltyModel

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try NoveltyModel(arguments)
  }

  package var needs: RankingNeeds { .subtopics }
  package func check(_ qrels: Qrels) throws(Failure) { try NoveltyModel.check(qrels) }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevance = SubtopicRelevance(model.restrict(ranking), model.level)
    if relevance.count == 0 { return 0 }
    var found = [Int](repeating: 0, count: relevance.count)
    var sums = [Double](repeating: 0, count: relevance.count)
    for (place, subtopics) in relevance.ranked {
      for subtopic in subtopics {
        found[subtopic] += 1
        sums[subtopic] += Double(found[subtopic]) / Double(place + 1)
      }
    }
    return mean(sums, relevance)
  }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let ranking = model.restrict(ranking)
    let relevance = SubtopicRelevance(ranking, model.level)
    if relevance.count == 0 { return 0 }
    let expectation = TieExpectation(ranking)
    let sums = relevance.table(ranking.count).map { isRelevant in
      expectation.precisionSum { isRelevant[$0] }
    }
    return mean(sums, relevance)
  }

  private func mean(_ sums: [Double], _ relevance: SubtopicRelevance) -> Double {
    zip(sums, relevance.relevant).reduce(0) { $0 + $1.0 / Double($1.1) } / Double(relevance.count)
  }
}
