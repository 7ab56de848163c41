import Failures
import Records

/// Which document comes first of several with the same score.
package enum TieOrder: Sendable, Equatable {
  /// The one with the greater id, as trec_eval has it.
  case trec
  /// The one with the smaller id.
  case ascending
  /// The one that was read first.
  case input
  /// The one with the higher grade.
  case best
  /// The one with the lower grade.
  case worst
  /// Any of them, by a seed.
  case random(UInt64)
}

extension JudgedRanking {
  /// The grades of places in a run's order with ties ordered anew.
  ///
  /// `entries` are those of the run that stand at the places.
  static func reorder(
    _ grades: inout [Int], _ run: Run, _ entries: [Int], _ order: TieOrder, query: Int
  ) {
    if order == .trec { return }
    var random = SeededRandom(0)
    if case .random(let seed) = order {
      random = SeededRandom(seed ^ (UInt64(query) &* 0x9E37_79B9_7F4A_7C15))
    }
    var start = 0
    while start < entries.count {
      let end = tieEnd(run, entries, start)
      switch order {
      case .trec: break
      case .ascending: grades[start..<end].reverse()
      case .input:
        let places = (start..<end).sorted { run.ordinal(entries[$0]) < run.ordinal(entries[$1]) }
        grades.replaceSubrange(start..<end, with: places.map { grades[$0] })
      case .best: grades[start..<end].sort(by: >)
      case .worst: grades[start..<end].sort()
      case .random:
        for i in stride(from: end - 1, to: start, by: -1) {
          grades.swapAt(i, start + random.index(below: i - start + 1))
        }
      }
      start = end
    }
  }

  /// Where the documents end that have the score of the one at `start`.
  static func tieEnd(_ run: Run, _ entries: [Int], _ start: Int) -> Int {
    var end = start + 1
    let score = run.score(entries[start])
    while end < entries.count, run.score(entries[end]) == score { end += 1 }
    return end
  }
}

extension Evaluator {
  /// How many of a run's queries have a tie across rank `cutoff` of documents with different
  /// grades, so that the order of ties decides the measures there.
  package func straddlingTies(_ run: Run, cutoff: Int) -> Int {
    var count = 0
    for query in 0..<run.queries.count {
      let judged = run.queries.withBytes(query) { qrels.queries.find($0) }
      let entries = Array(run.entries(of: query))
      guard let judged, cutoff < entries.count,
        run.score(entries[cutoff - 1]) == run.score(entries[cutoff])
      else { continue }
      let score = run.score(entries[cutoff])
      let tied = entries.filter { run.score($0) == score }
      let grades = tied.map { entry in
        max(0, run.withDoc(entry) { qrels.find($0, query: judged) }.map { qrels.grade($0) } ?? 0)
      }
      if Set(grades).count > 1 { count += 1 }
    }
    return count
  }

  /// The least, the expected and the greatest value over all orders of ties, as three measures
  /// `AP[min]`, `AP[mean]`, `AP[max]`.
  ///
  /// What is expected is the mean over `samples` random orders.
  package func bounds(
    _ run: Run, over selection: QuerySelection, samples: Int, seed: UInt64
  ) throws(Failure) -> Evaluation {
    let low = try evaluate(run, over: selection, ties: .worst)
    let high = try evaluate(run, over: selection, ties: .best)
    var sums = low.values.map { $0.map { _ in 0.0 } }
    var random = SeededRandom(seed)
    for _ in 0..<samples {
      let sample = try evaluate(run, over: selection, ties: .random(random.next()))
      for i in sums.indices {
        for j in sums[i].indices { sums[i][j] += sample.values[i][j] }
      }
    }
    var measures: [NamedMeasure] = []
    var values: [[Double]] = []
    for (i, measure) in low.measures.enumerated() {
      for (suffix, column) in [
        ("min", low.values[i]), ("mean", sums[i].map { $0 / Double(samples) }),
        ("max", high.values[i]),
      ] {
        measures.append(
          NamedMeasure(
            name: "\(measure.name)[\(suffix)]", measure: measure.measure,
            description: measure.description))
        values.append(column)
      }
    }
    return Evaluation(
      run: low.run, tag: low.tag, measures: measures, queries: low.queries, values: values,
      counts: low.counts)
  }
}
