import Failures

/// Discounted cumulative gain of new information.
package struct AlphaDCG: NoveltyMeasure {
  package static let description = MeasureDescription(
    name: "alpha_DCG", aliases: ["α_DCG"],
    summary: "gain of new subtopics, discounted by rank, relative to documents about all of them",
    formula:
      "sum over ranks i <= k of G(i) / log2(i + 1) / the same for documents about everything;"
      + "\n  G(i) = sum over its subtopics of (1 - alpha)^(documents above about it);  k = 1: G(1)",
    source: "Clarke et al., SIGIR 2008; \(NoveltyModel.source)",
    parameters: [.rel, NoveltyModel.alphaParameter, .judgedOnly], cutoff: .optional)

  let model: NoveltyModel
  let cutoff: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try NoveltyModel(arguments)
    cutoff = try arguments.cutoff()
  }

  func discount(_ place: Int) -> Double { 1 / Discount.log2(place) }

  func scale(_ relevance: SubtopicRelevance, depth: Int) -> Double {
    fullScale(relevance, depth: depth)
  }
}
