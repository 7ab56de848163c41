import Failures
import Glibc

/// Novelty- and rank-biased precision.
package struct NoveltyRBP: NoveltyMeasure {
  package static let description = MeasureDescription(
    name: "NRBP",
    summary: "gain of new subtopics for a user who goes on with chance beta",
    formula: "(1 - (1 - alpha)·beta) / subtopics · sum over ranks i of G(i) · beta^(i - 1);"
      + "\n  G(i) = sum over its subtopics of (1 - alpha)^(documents above about it)",
    source: "Clarke, Kolla and Vechtomova, ICTIR 2009; \(NoveltyModel.source)",
    parameters: [
      .rel, NoveltyModel.alphaParameter, NoveltyPatience.parameter,
    ])

  let model: NoveltyModel
  let cutoff = Int.max
  private let patience: NoveltyPatience

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try NoveltyModel(arguments)
    patience = try NoveltyPatience(arguments)
  }

  func discount(_ place: Int) -> Double { patience.discount(place) }

  func scale(_ relevance: SubtopicRelevance, depth: Int) -> Double {
    Double(relevance.count) / (1 - (1 - model.alpha) * patience.beta)
  }
}

/// The chance that a user goes on to the next rank.
struct NoveltyPatience: Sendable {
  static let parameter = MeasureParameter(
    name: "beta", value: "0.5", meaning: "chance to go on to the next rank")

  let beta: Double

  init(_ arguments: MeasureArguments) throws(Failure) {
    beta = try arguments.number("beta", default: 0.5)
    guard beta < 1 else {
      throw .usage("measure '\(arguments.name)': expected beta from 0 to below 1, found \(beta)")
    }
  }

  /// The chance to reach a place, from 0.
  func discount(_ place: Int) -> Double { pow(beta, Double(place)) }
}
