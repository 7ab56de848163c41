import Failures
import Records

/// Gains for new information: a document brings 1 for each subtopic that it is relevant for, less
/// by a factor 1 - alpha for every document above it that was so, too.
struct NoveltyModel: Sendable {
  let level: Int
  let alpha: Double
  private let judgedOnly: Bool

  /// The share of a subtopic's gain that a document takes away, as ndeval has it where none is given.
  static let standard = 0.5
  /// The program that defines these measures; its ideal rankings are found greedily.
  static let source = "ndeval 4.5 (TREC Web track), as pyndeval has it"
  static let alphaParameter = MeasureParameter(
    name: "alpha", value: "0.5", meaning: "how much of a subtopic's gain one document uses up")

  init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
    alpha = try arguments.number("alpha", default: Self.standard)
    judgedOnly = try arguments.boolean("judged_only", default: false)
    guard alpha <= 1 else {
      throw .usage("measure '\(arguments.name)': expected alpha from 0 to 1, found \(alpha)")
    }
  }

  /// Refuses judgements that were not read with their subtopics (65).
  static func check(_ qrels: Qrels) throws(Failure) {
    if qrels.hasSubtopics { return }
    throw .data(qrels.name, "expected judgements with subtopics, as the iteration of TREC's qrels")
  }

  /// The ranking that counts.
  func restrict(_ ranking: JudgedRanking) -> JudgedRanking {
    judgedOnly ? ranking.pooledOnly : ranking
  }

  /// The sum of discounted gains over the first `cutoff` places.
  func sum(
    _ relevance: SubtopicRelevance, cutoff: Int, discount: (_ place: Int) -> Double
  ) -> Double {
    var gains = [Double](repeating: 1, count: relevance.count)
    var sum = 0.0
    for (place, subtopics) in relevance.ranked where place < cutoff {
      sum += take(subtopics, &gains) * discount(place)
    }
    return sum
  }

  private func take(_ subtopics: [Int], _ gains: inout [Double]) -> Double {
    var gain = 0.0
    for subtopic in subtopics {
      gain += gains[subtopic]
      gains[subtopic] *= 1 - alpha
    }
    return gain
  }

  /// The sum of discounted gains of the ideal ranking, which is found greedily: the best one is
  /// hard to find.
  ///
  /// Of documents with equal gains the one with the greatest id comes first, as in ndeval.
  func idealSum(
    _ relevance: SubtopicRelevance, cutoff: Int, discount: (_ place: Int) -> Double
  ) -> Double {
    var gains = [Double](repeating: 1, count: relevance.count)
    var rest = relevance.judged.filter { !$0.isEmpty }
    var sum = 0.0
    var place = 0
    while place < cutoff, !rest.isEmpty {
      var best = 0
      var most = -1.0
      for (i, subtopics) in rest.enumerated() {
        let gain = subtopics.reduce(0) { $0 + gains[$1] }
        if gain >= most { (best, most) = (i, gain) }
      }
      // With alpha 1 nothing is left.
      if most == 0 { break }
      sum += take(rest.remove(at: best), &gains) * discount(place)
      place += 1
    }
    return sum
  }

  /// The sum that a document relevant for all subtopics at every place would have.
  func fullSum(
    _ relevance: SubtopicRelevance, depth: Int, discount: (_ place: Int) -> Double
  ) -> Double {
    var gain = Double(relevance.count)
    var sum = 0.0
    for place in 0..<depth {
      sum += gain * discount(place)
      gain *= 1 - alpha
    }
    return sum
  }

  /// The expected sum over all orders of ties: of each subtopic alpha · gain is what is left less.
  func expectedSum(
    _ ranking: JudgedRanking, _ relevance: SubtopicRelevance, cutoff: Int,
    discount: (_ place: Int) -> Double
  ) -> Double {
    let expectation = TieExpectation(ranking)
    return relevance.table(ranking.count).reduce(0.0) { total, isRelevant in
      if alpha == 0 {
        return total
          + expectation.sum(
            cutoff: cutoff, gain: { isRelevant[$0] ? 1 : 0 }, weight: { discount($0) })
      }
      let left = expectation.survival(cutoff: cutoff) { isRelevant[$0] ? alpha : 0 }
      var (sum, before) = (0.0, 1.0)
      for (place, after) in left.enumerated() {
        sum += (before - after) / alpha * discount(place)
        before = after
      }
      return total + sum
    }
  }
}

/// A measure that sums the gains of new information, discounted by rank, over what they could be.
protocol NoveltyMeasure: Measure {
  var model: NoveltyModel { get }
  var cutoff: Int { get }
  /// What gains at a place, from 0, count.
  func discount(_ place: Int) -> Double
  /// What the sum is divided by; 0 where nothing is relevant.
  func scale(_ relevance: SubtopicRelevance, depth: Int) -> Double
}

extension NoveltyMeasure {
  package var needs: RankingNeeds { .subtopics }
  package func check(_ qrels: Qrels) throws(Failure) { try NoveltyModel.check(qrels) }

  package func value(_ ranking: JudgedRanking) -> Double {
    let ranking = model.restrict(ranking)
    let relevance = SubtopicRelevance(ranking, model.level)
    let scale = scale(relevance, depth: min(cutoff, ranking.count))
    return scale == 0 ? 0 : model.sum(relevance, cutoff: cutoff, discount: discount) / scale
  }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let ranking = model.restrict(ranking)
    let relevance = SubtopicRelevance(ranking, model.level)
    let scale = scale(relevance, depth: min(cutoff, ranking.count))
    if scale == 0 { return 0 }
    return model.expectedSum(ranking, relevance, cutoff: cutoff, discount: discount) / scale
  }

  /// What ndeval divides by where it knows of no ideal: the gains of documents about everything; at
  /// rank 1 nothing.
  func fullScale(_ relevance: SubtopicRelevance, depth: Int) -> Double {
    if relevance.count == 0 { return 0 }
    let depth = cutoff == .max ? depth : cutoff
    return depth == 1 ? 1 : model.fullSum(relevance, depth: depth, discount: discount)
  }

  func idealScale(_ relevance: SubtopicRelevance) -> Double {
    model.idealSum(relevance, cutoff: cutoff, discount: discount)
  }
}
