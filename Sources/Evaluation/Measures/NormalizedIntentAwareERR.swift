import Failures

/// Normalised intent-aware expected reciprocal rank.
package struct NormalizedIntentAwareERR: NoveltyMeasure {
  package static let description = MeasureDescription(
    name: "nERR_IA",
    summary: "gain of new subtopics over the rank, relative to the best ranking",
    formula: "sum over ranks i <= k of G(i) / i / the same for the ideal ranking;"
      + "\n  G(i) = sum over its subtopics of 0.5^(documents above about it)",
    source: "Chapelle et al., CIKM 2009; \(NoveltyModel.source)",
    parameters: [.rel, .judgedOnly], cutoff: .optional)

  let model: NoveltyModel
  let cutoff: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try NoveltyModel(arguments)
    cutoff = try arguments.cutoff()
  }

  func discount(_ place: Int) -> Double { 1 / Double(place + 1) }

  func scale(_ relevance: SubtopicRelevance, depth: Int) -> Double { idealScale(relevance) }
}
