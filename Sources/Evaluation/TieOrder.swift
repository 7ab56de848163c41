import Failures
import Records

/// Which document comes first of several with the same score.
package enum TieOrder: Sendable, Equatable {
  /// The one with the greater id; scores are compared in single precision, as trec_eval does it.
  case trec
  /// The one with the rank that was written down for it; scores in single precision.
  case rank
  /// The one with the greater id; scores are compared as they were written.
  case descending
  /// The one with the smaller id; scores as they were written.
  case ascending
  /// The one that was read first; scores as they were written.
  case input

  /// What has to be kept of a run for this order.
  package var details: RunDetails {
    switch self {
    case .trec: []
    case .rank: [.ranks]
    case .descending, .ascending, .input: [.exactScores]
    }
  }
}

/// The entries of one query of a run, in some order of ties.
struct RankedEntries {
  private let range: Range<Int>
  /// The entries, where they are not those of `range` in their order.
  private var reordered: [Int]?

  /// No entries.
  init() { range = 0..<0 }

  init(_ run: Run, query: Int, order: TieOrder, droppingSelf: Bool = false) {
    range = run.entries(of: query)
    if droppingSelf {
      let kept = range.filter { entry in
        run.withDoc(entry) { doc in run.queries.withBytes(query) { !doc.elementsEqual($0) } }
      }
      if kept.count < range.count { reordered = kept }
    }
    if order != .trec { reorder(run, order) }
  }

  /// Number of documents.
  var count: Int { reordered?.count ?? range.count }

  /// The run's entry at a place.
  @inline(__always)
  subscript(place: Int) -> Int {
    guard let reordered else { return range.lowerBound + place }
    return reordered[place]
  }

  /// Calls `body` with the places, ascending, of judged documents, and their judgements.
  @inline(__always)
  func forEachMatch(_ run: Run, _ table: JudgementTable, _ body: (Int, Int) -> Void) {
    guard let reordered else {
      return table.forEachMatch(run, range) { body($0 - range.lowerBound, $1) }
    }
    for (place, entry) in reordered.enumerated() {
      if let judgement = table.find(run, entry: entry) { body(place, judgement) }
    }
  }

  private mutating func reorder(_ run: Run, _ order: TieOrder) {
    let groups = ties(run)
    if groups.isEmpty { return }
    var entries = reordered ?? Array(range)
    for group in groups {
      entries[group].sort { left, right in
        if order == .rank { return run.writtenRank(left) ?? 0 < run.writtenRank(right) ?? 0 }
        let (l, r) = (run.exactScore(left) ?? 0, run.exactScore(right) ?? 0)
        if l != r { return l > r }
        // Entries come by id, descending.
        switch order {
        case .ascending: return left > right
        case .input: return run.ordinal(left) < run.ordinal(right)
        default: return left < right
        }
      }
    }
    reordered = entries
  }

  /// The places of two or more documents with equal scores in single precision.
  func ties(_ run: Run) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var start = 0
    while start < count {
      var end = start + 1
      let score = run.score(self[start])
      while end < count, run.score(self[end]) == score { end += 1 }
      if end - start > 1 { groups.append(start..<end) }
      start = end
    }
    return groups
  }
}

extension Evaluator {
  /// How many of a run's queries have a tie across rank `cutoff` of documents with different
  /// grades, so that the order of ties decides the measures there.
  package func straddlingTies(_ run: Run, cutoff: Int) -> Int {
    var count = 0
    for query in 0..<run.queries.count {
      let judged = run.queries.withBytes(query) { qrels.queries.find($0) }
      let entries = RankedEntries(run, query: query, order: .trec, droppingSelf: droppingSelf)
      guard let judged, cutoff < entries.count,
        run.score(entries[cutoff - 1]) == run.score(entries[cutoff]),
        let tie = entries.ties(run).first(where: { $0.contains(cutoff) })
      else { continue }
      let grades = tie.map { place in
        max(
          0,
          run.withDoc(entries[place]) { qrels.find($0, query: judged) }
            .map { qrels.grade($0) } ?? 0)
      }
      if Set(grades).count > 1 { count += 1 }
    }
    return count
  }

  /// Refuses ranks that do not say which of two documents with equal scores comes first (65).
  package func checkRanks(_ run: Run) throws(Failure) {
    for query in 0..<run.queries.count {
      let entries = RankedEntries(run, query: query, order: .rank, droppingSelf: droppingSelf)
      for tie in entries.ties(run) {
        for place in tie.dropLast() {
          let (one, two) = (entries[place], entries[place + 1])
          guard let rank = run.writtenRank(one), rank == run.writtenRank(two) else { continue }
          throw .data(
            run.name,
            "query \(run.queries[query]): expected different ranks for documents with equal scores, "
              + "found rank \(rank) for \(run.doc(one)) and \(run.doc(two))")
        }
      }
    }
  }
}
