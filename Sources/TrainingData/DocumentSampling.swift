import Glibc
import Kernels

/// Which documents of a ranking a query is trained with (Lightning IR `data/dataset.py`, `Sampler`).
package enum DocumentSampling: String, Sendable, CaseIterable {
  /// The first ones.
  case top
  /// Any.
  case random
  /// One relevant document and others that are not.
  case singleRelevant = "single_relevant"
  /// Any, by 1 / ln(1 + rank).
  case logRandom = "log_random"
  /// Half of them the first ones, the others any of the rest.
  case topAndRandom = "top_and_random"

  /// What is known of a document that may be sampled.
  package struct Candidate: Sendable {
    /// From 1; nil for a judged document that the ranking lacks.
    package var rank: Int?
    /// Nil where it is not judged.
    package var grade: Int?

    package init(rank: Int?, grade: Int?) {
      self.rank = rank
      self.grade = grade
    }
  }

  /// Places of `count` documents of a query's.
  ///
  /// - Precondition: `feasible` says so.
  package func places(
    of candidates: [Candidate], _ count: Int, _ random: inout CounterRandom
  ) -> [Int] {
    let all = Array(candidates.indices)
    switch self {
    case .top: return Array(all.prefix(count))
    case .random: return Self.drawn(count, of: all, &random)
    case .topAndRandom:
      let top = count / 2
      return Array(all.prefix(top))
        + Self.drawn(count - top, of: Array(all.dropFirst(top)), &random)
    case .singleRelevant:
      return Self.drawn(1, of: all.filter { (candidates[$0].grade ?? 0) > 0 }, &random)
        + Self.drawn(count - 1, of: all.filter { Self.isNegative(candidates[$0]) }, &random)
    case .logRandom:
      let weights = candidates.map { $0.rank.map { 1 / log1p(Double($0)) } }
      let least = weights.compactMap { $0 }.min() ?? 1
      // The smallest of exponential times with these rates: drawing without replacement by weight
      // (Efraimidis and Spirakis, 2006).
      let times = weights.map { weight in
        -log((Double(random.nextBits()) + 0.5) * 0x1p-32) / (weight ?? least)
      }
      return Array(all.sorted { (times[$0], $0) < (times[$1], $1) }.prefix(count))
    }
  }

  /// Whether there are enough documents of each sort.
  package func feasible(_ candidates: [Candidate], _ count: Int) -> Bool {
    guard self == .singleRelevant else { return candidates.count >= count }
    return candidates.count(where: Self.isNegative) >= count - 1
  }

  /// Documents with a grade below 0 are neither positive nor negative, as in the reference.
  private static func isNegative(_ candidate: Candidate) -> Bool {
    candidate.rank != nil && (candidate.grade ?? 0) == 0
  }

  /// Some of several, each as likely, in the order in which they are drawn.
  private static func drawn(
    _ count: Int, of places: [Int], _ random: inout CounterRandom
  ) -> [Int] {
    var places = places
    for i in 0..<min(count, places.count) {
      // The upper half of the product: uneven by less than 2⁻³².
      let share = random.next().multipliedFullWidth(by: UInt64(places.count - i)).high
      places.swapAt(i, i + Int(share))
    }
    return Array(places.prefix(count))
  }
}
