import Failures
import Records

/// What the order of tied documents does to a measure.
package enum TieEffect: Sendable {
  /// Nothing: it looks at which documents there are.
  case none
  /// It does not fall when a document with a higher key takes the place of one with a lower: the
  /// extremes are the tied documents sorted by their keys.
  case monotone(key: @Sendable (_ grade: Int) -> Int)
  /// Anything.
  case any

  /// It does not fall when a better document moves up.
  static let monotone = TieEffect.monotone { max($0, -1) }
  /// It does not fall when a document of grade `level` or more moves up; lower grades are alike.
  static func monotone(above level: Int) -> TieEffect { .monotone { $0 >= level ? 1 : 0 } }
}

/// The least, the expected and the greatest value of a measure over all orders of tied documents,
/// each order being as likely as any other.
struct TieBounds: Sendable {
  private(set) var least: Double
  private(set) var expected: Double
  private(set) var greatest: Double
  /// Whether one of them comes from random orders, because there were too many.
  private(set) var isSampled = false

  /// Most orders that are all gone through.
  static let enumerated = 5040
  /// Random orders where there are more.
  static let samples = 1000

  /// Bounds of a measure for a ranking that knows its ties.
  ///
  /// In this order: what the measure knows of itself (`tieEffect`, `expectation`), all orders that
  /// differ, random ones.
  init(_ measure: any Measure, _ ranking: JudgedRanking, seed: UInt64) {
    let value = measure.value(ranking)
    (least, expected, greatest) = (value, value, value)
    var hasExtremes = false
    var hasMean = false
    var kinds = { (place: Int) in Kind(grade: ranking.grades[place], subtopics: []) }
    switch measure.tieEffect {
    case .none: return
    case .monotone(let key):
      let low = TieOrders.sorted(ranking) { key(ranking.grades[$0]) < key(ranking.grades[$1]) }
      let high = TieOrders.sorted(ranking) { key(ranking.grades[$0]) > key(ranking.grades[$1]) }
      least = measure.value(ranking.rearranged(low))
      greatest = measure.value(ranking.rearranged(high))
      hasExtremes = true
      kinds = { Kind(grade: key(ranking.grades[$0]), subtopics: []) }
      // No order is another one.
      hasMean = least == greatest
      if hasMean { expected = least }
    case .any:
      if let subtopics = ranking.subtopics {
        var table = [[Qrels.SubtopicGrade]](repeating: [], count: ranking.count)
        for (place, grades) in subtopics.ranked { table[place] = Array(grades) }
        kinds = { Kind(grade: 0, subtopics: table[$0]) }
      }
    }
    if !hasMean, let mean = measure.expectation(ranking) {
      expected = mean
      hasMean = true
    }
    if hasExtremes && hasMean { return }
    let orders = TieOrders(ranking, kinds: (0..<ranking.count).map(kinds))
    var values: [Double] = []
    if let all = orders.all(limit: Self.enumerated) {
      values = all.map { measure.value(ranking.rearranged($0)) }
    } else {
      isSampled = true
      var random = SeededRandom(seed)
      values = (0..<Self.samples).map { _ in
        measure.value(ranking.rearranged(orders.random(&random)))
      }
      // The order by grade is often the best, and its reverse the worst.
      for isRising in [true, false] where !hasExtremes {
        let sorted = TieOrders.sorted(ranking) {
          isRising == (ranking.grades[$0] < ranking.grades[$1])
            && ranking.grades[$0] != ranking.grades[$1]
        }
        let value = measure.value(ranking.rearranged(sorted))
        (least, greatest) = (min(least, value), max(greatest, value))
      }
    }
    if !hasMean { expected = values.reduce(0, +) / Double(values.count) }
    if !hasExtremes {
      least = values.reduce(least) { min($0, $1) }
      greatest = values.reduce(greatest) { max($0, $1) }
    }
  }

  /// What documents must share to be one for a measure.
  struct Kind: Hashable {
    var grade: Int
    var subtopics: [SubtopicKey]

    init(grade: Int, subtopics: [Qrels.SubtopicGrade]) {
      self.grade = grade
      self.subtopics = subtopics.map { SubtopicKey(subtopic: $0.subtopic, grade: $0.grade) }
    }

    struct SubtopicKey: Hashable {
      var subtopic: Int
      var grade: Int
    }
  }
}

/// The orders of tied documents that differ for a measure.
struct TieOrders {
  private let count: Int
  /// For each tie: its first place, and the numbers of the kinds there, ascending.
  private var groups: [(start: Int, kinds: [Int], members: [[Int]])] = []

  init(_ ranking: JudgedRanking, kinds: [TieBounds.Kind]) {
    count = ranking.count
    for tie in ranking.ties {
      var numbers: [TieBounds.Kind: Int] = [:]
      var members: [[Int]] = []
      for place in tie {
        let number = numbers[kinds[place]] ?? members.count
        if number == members.count {
          numbers[kinds[place]] = number
          members.append([])
        }
        members[number].append(place)
      }
      if members.count < 2 { continue }
      let labels = members.indices.flatMap { [Int](repeating: $0, count: members[$0].count) }
      groups.append((tie.lowerBound, labels, members))
    }
  }

  /// The places sorted within ties; the others stay.
  static func sorted(_ ranking: JudgedRanking, by precedes: (Int, Int) -> Bool) -> [Int] {
    var sources = Array(0..<ranking.count)
    for tie in ranking.ties { sources[tie].sort(by: precedes) }
    return sources
  }

  /// All orders that differ, each as likely as any other; nil if there are more than `limit`.
  func all(limit: Int) -> [[Int]]? {
    var total = 1.0
    for group in groups { total *= Self.multinomial(group.members.map(\.count)) }
    if total > Double(limit) { return nil }
    var orders = [Array(0..<count)]
    for group in groups {
      var next: [[Int]] = []
      var labels = group.kinds
      repeat {
        for order in orders {
          var copy = order
          place(labels, group, into: &copy)
          next.append(copy)
        }
      } while Self.advance(&labels)
      orders = next
    }
    return orders
  }

  /// One order.
  func random(_ random: inout SeededRandom) -> [Int] {
    var order = Array(0..<count)
    for group in groups {
      var labels = group.kinds
      for i in stride(from: labels.count - 1, to: 0, by: -1) {
        labels.swapAt(i, random.index(below: i + 1))
      }
      place(labels, group, into: &order)
    }
    return order
  }

  private func place(
    _ labels: [Int], _ group: (start: Int, kinds: [Int], members: [[Int]]), into order: inout [Int]
  ) {
    var next = [Int](repeating: 0, count: group.members.count)
    for (i, label) in labels.enumerated() {
      order[group.start + i] = group.members[label][next[label]]
      next[label] += 1
    }
  }

  /// The number of ways to order things of which so many are alike.
  private static func multinomial(_ counts: [Int]) -> Double {
    var ways = 1.0
    var total = 0
    for count in counts {
      for i in 1...count {
        total += 1
        ways *= Double(total) / Double(i)
      }
    }
    return ways.rounded()
  }

  /// The next order of labels in the dictionary's; false behind the last.
  private static func advance(_ labels: inout [Int]) -> Bool {
    guard let pivot = labels.indices.dropLast().last(where: { labels[$0] < labels[$0 + 1] }),
      let other = labels.lastIndex(where: { $0 > labels[pivot] })
    else { return false }
    labels.swapAt(pivot, other)
    labels[(pivot + 1)...].reverse()
    return true
  }
}

extension Evaluator {
  /// How many random orders stand for all, where those are too many.
  package static let sampledOrders = TieBounds.samples

  /// The least, the expected and the greatest value over all orders of ties, as three measures
  /// `AP[min]`, `AP[mean]`, `AP[max]`; and for which measures random orders had to do, for how many
  /// queries.
  package func bounds(
    _ run: Run, over selection: QuerySelection, seed: UInt64
  ) throws(Failure) -> (evaluation: Evaluation, sampled: [(measure: String, queries: Int)]) {
    let selected = try select(run, selection)
    let found = try forEachPair(selected.pairs) { pair in
      rankings(run, pair, order: .trec, needs: .ties).enumerated().map { i, ranking in
        TieBounds(measures[i].measure, ranking, seed: seed ^ UInt64(pair.run ?? 0) &* 0x9E37_79B9)
      }
    }
    var names: [NamedMeasure] = []
    var values: [[Double]] = []
    var sampled: [(String, Int)] = []
    for (i, measure) in measures.enumerated() {
      for (suffix, path) in [
        ("min", \TieBounds.least), ("mean", \TieBounds.expected), ("max", \TieBounds.greatest),
      ] as [(String, KeyPath<TieBounds, Double> & Sendable)] {
        names.append(
          NamedMeasure(
            name: "\(measure.name)[\(suffix)]", measure: measure.measure,
            description: measure.description))
        values.append(found.map { $0[i][keyPath: path] })
      }
      let count = found.count { $0[i].isSampled }
      if count > 0 { sampled.append((measure.name, count)) }
    }
    return (selected.evaluation(run, names, values), sampled)
  }
}
