import Glibc

/// The gain that a document of each grade brings.
struct GainTable: Sendable {
  /// Gains of the grades that were named; the others bring what they are, and nothing below 0.
  private let table: [Int: Double]?

  /// Whether grade g brings 2^g - 1 where it was not named.
  private let isExponential: Bool

  init(_ table: [Int: Double]?, isExponential: Bool = false) {
    self.table = table
    self.isExponential = isExponential
  }

  /// The gain of a grade; that of a document without a judgement is 0 unless -1 was named.
  @inline(__always)
  func gain(_ grade: Int) -> Double {
    if let gain = table?[grade] { return gain }
    if grade <= 0 { return 0 }
    return isExponential ? exp2(Double(grade)) - 1 : Double(grade)
  }

  /// The least and the most that the grades from 0 to `top`, and those that were named, bring.
  ///
  /// Gains of other grades rise with them: the first and the last of these tell, of which there may be
  /// more than anybody can count.
  func range(upTo top: Int) -> (low: Double, high: Double) {
    var possible = table.map { Array($0.values) } ?? []
    var first = 0
    while first <= top, table?[first] != nil { first += 1 }
    var last = top
    while last >= first, table?[last] != nil { last -= 1 }
    if first <= last { possible += [gain(first), gain(last)] }
    return (possible.min() ?? 0, possible.max() ?? 0)
  }

  /// Whether the gain is the grade, whatever it is multiplied with.
  var isProportional: Bool { table == nil && !isExponential }

  /// Whether documents that were not judged bring something.
  private var countsUnjudged: Bool { table?[JudgedRanking.unjudged] ?? 0 != 0 }

  /// Calls `body` with place and gain of each ranked document that brings one.
  func forEachGain(
    _ ranking: JudgedRanking, cutoff: Int = .max, _ body: (_ place: Int, _ gain: Double) -> Void
  ) {
    if countsUnjudged {
      for (place, grade) in ranking.grades.prefix(cutoff).enumerated() {
        let gain = gain(grade)
        if gain != 0 { body(place, gain) }
      }
      return
    }
    for place in ranking.pool {
      if place >= cutoff { break }
      let gain = gain(ranking.grades[place])
      if gain != 0 { body(place, gain) }
    }
  }

  /// The gains of the best ranking, descending, as long as they are above 0.
  func ideal(_ ranking: JudgedRanking) -> [Double] {
    var gains: [Double] = []
    for grade in ranking.judgedGrades where grade >= 0 {
      let gain = gain(grade)
      if gain > 0 { gains.append(gain) }
    }
    if table != nil { gains.sort(by: >) }
    return gains
  }

  /// Discounted cumulative gain: sum of gain(i) / log2(i + 1) over ranks i <= cutoff.
  func discounted(_ ranking: JudgedRanking, cutoff: Int = .max) -> Double {
    var sum = 0.0
    forEachGain(ranking, cutoff: cutoff) { place, gain in sum += gain / Discount.log2(place) }
    return sum
  }

  /// Discounted cumulative gain of the best ranking.
  func idealDiscounted(_ ranking: JudgedRanking, cutoff: Int = .max) -> Double {
    var sum = 0.0
    if table == nil, !isExponential {
      for (place, grade) in ranking.judgedGrades.prefix(cutoff).enumerated() {
        if grade <= 0 { break }
        sum += Double(grade) / Discount.log2(place)
      }
      return sum
    }
    for (place, gain) in ideal(ranking).prefix(cutoff).enumerated() {
      sum += gain / Discount.log2(place)
    }
    return sum
  }

  /// What the order of ties does to a sum of gains that fall with the rank.
  var tieEffect: TieEffect {
    guard let table else { return .monotone }
    let ranked = Set(table.values).sorted()
    let isMapped = table.allSatisfy { $0.key >= 0 && $0.value >= 0 }
    // Grades that were not named keep their own gains, which the keys cannot know.
    return isMapped && ranked == Array(table.sorted { $0.key < $1.key }.map(\.value))
      ? .monotone : .any
  }

  /// The expected discounted gain over all orders of ties.
  func expectedDiscounted(_ ranking: JudgedRanking, cutoff: Int) -> Double {
    TieExpectation(ranking).sum(
      cutoff: cutoff, gain: { gain(ranking.grades[$0]) }, weight: { 1 / Discount.log2($0) })
  }
}

/// What ranks are divided by.
enum Discount {
  private static let table: [Double] = (0..<2048).map { Glibc.log2(Double($0 + 2)) }

  /// The binary logarithm of rank + 1, for a place from 0.
  @inline(__always)
  static func log2(_ place: Int) -> Double {
    place < table.count ? table[place] : Glibc.log2(Double(place + 2))
  }
}
