import Failures
import Records

/// Subtopic recall.
package struct SubtopicRecall: Measure {
  package static let description = MeasureDescription(
    name: "StRecall", summary: "share of the subtopics that any of the first k documents is about",
    formula: "(number of subtopics of ranks i <= k) / number of subtopics",
    source: "Zhai, Cohen and Lafferty, SIGIR 2003; \(NoveltyModel.source)",
    parameters: [.rel], cutoff: .optional)

  private let level: Int
  private let cutoff: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
    cutoff = try arguments.cutoff()
  }

  package var needs: RankingNeeds { .subtopics }
  package func check(_ qrels: Qrels) throws(Failure) { try NoveltyModel.check(qrels) }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevance = SubtopicRelevance(ranking, level)
    var found: Set<Int> = []
    for (place, subtopics) in relevance.ranked where place < cutoff { found.formUnion(subtopics) }
    return relevance.count == 0 ? 0 : Double(found.count) / Double(relevance.count)
  }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let relevance = SubtopicRelevance(ranking, level)
    if relevance.count == 0 { return 0 }
    let expectation = TieExpectation(ranking)
    let found = relevance.table(ranking.count).reduce(0.0) { sum, isRelevant in
      sum + 1 - (expectation.survival(cutoff: cutoff) { isRelevant[$0] ? 1 : 0 }.last ?? 1)
    }
    return found / Double(relevance.count)
  }
}
