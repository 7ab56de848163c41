import Failures

/// Normalised novelty- and rank-biased precision.
package struct NormalizedNoveltyRBP: NoveltyMeasure {
  package static let description = MeasureDescription(
    name: "nNRBP",
    summary: "gain of new subtopics for a user who goes on with chance beta, of the best ranking's",
    formula: "sum over ranks i of G(i) · beta^(i - 1) / the same for the ideal ranking;"
      + "\n  G(i) = sum over its subtopics of (1 - alpha)^(documents above about it)",
    source: "Clarke, Kolla and Vechtomova, ICTIR 2009; \(NoveltyModel.source)",
    parameters: [.rel, NoveltyModel.alphaParameter, NoveltyPatience.parameter])

  let model: NoveltyModel
  let cutoff = Int.max
  private let patience: NoveltyPatience

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try NoveltyModel(arguments)
    patience = try NoveltyPatience(arguments)
  }

  func discount(_ place: Int) -> Double { patience.discount(place) }

  func scale(_ relevance: SubtopicRelevance, depth: Int) -> Double { idealScale(relevance) }
}
