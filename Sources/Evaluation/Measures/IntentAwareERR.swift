import Failures

/// Intent-aware expected reciprocal rank.
package struct IntentAwareERR: NoveltyMeasure {
  package static let description = MeasureDescription(
    name: "ERR_IA",
    summary: "gain of new subtopics over the rank, relative to documents about all of them",
    formula: "sum over ranks i <= k of G(i) / i / the same for documents about everything;"
      + "\n  G(i) = sum over its subtopics of 0.5^(documents above about it);  k = 1: G(1)",
    source: "Chapelle et al., CIKM 2009; \(NoveltyModel.source)",
    parameters: [.rel, .judgedOnly], cutoff: .optional)

  let model: NoveltyModel
  let cutoff: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try NoveltyModel(arguments)
    cutoff = try arguments.cutoff()
  }

  func discount(_ place: Int) -> Double { 1 / Double(place + 1) }

  func scale(_ relevance: SubtopicRelevance, depth: Int) -> Double {
    fullScale(relevance, depth: depth)
  }
}
