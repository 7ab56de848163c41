import Records

/// What a measure looks at besides grades.
package struct RankingNeeds: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  /// Grades a subtopic each.
  package static let subtopics = RankingNeeds(rawValue: 1)
  /// Where the relevant documents stand in an ideal ranking.
  package static let idealOrder = RankingNeeds(rawValue: 2)
  /// Which documents have equal scores.
  package static let ties = RankingNeeds(rawValue: 4)
}

/// What the measures see of one query: the grades of its ranked documents, and of all judged ones.
package struct JudgedRanking: Sendable {
  /// What stands for the grade of a document that is not in the qrels.
  package static let unjudged = -1
  /// What stands for a negative grade: pooled, but not judged, as trec_eval reads it.
  package static let pooledUnjudged = -2

  /// Grades of the ranked documents, best first; below 0 for those without a judgement.
  package private(set) var grades: [Int]
  /// The places in `grades`, ascending, of the documents that are in the qrels: few of many.
  package private(set) var pool: [Int]
  /// Grades of all judged documents of the query, descending.
  package let judgedGrades: [Int]
  /// Subtopics, where a measure needs them.
  private(set) var subtopics: SubtopicRanking?
  /// The places of the relevant documents in the ideal ranking's order, nil for those that were not
  /// retrieved; where a measure needs it.
  private(set) var idealPlaces: [Int?]?
  /// The places of two or more documents with equal scores, where somebody asked.
  private(set) var ties: [Range<Int>] = []

  /// A ranking from its parts.
  package init(grades: [Int], judgedGrades: [Int]) {
    self.grades = grades
    self.judgedGrades = judgedGrades
    pool = []
    for (place, grade) in grades.enumerated() where grade != Self.unjudged { pool.append(place) }
  }

  /// Joins one query of a run with its judgements; nil for a query that only one of them has.
  ///
  /// With `droppingSelf` the document with the query's id is left out.
  package init(
    run: Run, query: Int?, qrels: Qrels, judgedQuery: Int?, ties order: TieOrder = .trec,
    droppingSelf: Bool = false, needs: RankingNeeds = []
  ) {
    let judgements = judgedQuery.map { qrels.judgements(of: $0) } ?? 0..<0
    var judged = judgements.map { qrels.grade($0) }
    judged.sort(by: >)
    let entries =
      query.map { RankedEntries(run, query: $0, order: order, droppingSelf: droppingSelf) }
      ?? RankedEntries()
    var grades = [Int](repeating: Self.unjudged, count: entries.count)
    var pool: [Int] = []
    var found: [Int] = []
    if let judgedQuery {
      let table = JudgementTable(qrels, query: judgedQuery)
      entries.forEachMatch(run, table) { place, judgement in
        let grade = qrels.grade(judgement)
        grades[place] = grade < 0 ? Self.pooledUnjudged : grade
        pool.append(place)
        if !needs.isEmpty { found.append(judgement) }
      }
    }
    self.grades = grades
    self.pool = pool
    judgedGrades = judged
    if needs.contains(.subtopics) {
      subtopics = SubtopicRanking(qrels, judgements, pool: pool, found: found)
    }
    if needs.contains(.idealOrder) {
      idealPlaces = Self.idealPlaces(
        run, entries, qrels, judgements, pool: pool, found: found, byInput: order == .ascending)
    }
    if needs.contains(.ties) { self.ties = entries.ties(run) }
  }

  /// Number of ranked documents.
  package var count: Int { grades.count }

  /// Number of judged documents with at least this grade.
  package func relevantCount(_ level: Int) -> Int {
    // Descending, and few are relevant.
    judgedGrades.firstIndex { $0 < level } ?? judgedGrades.count
  }

  /// Calls `body` with the rank, from 1, of each document with at least this grade, which must not
  /// be below 0, among the first `cutoff`.
  @inline(__always)
  package func forEachRelevant(_ level: Int, cutoff: Int = .max, _ body: (Int) -> Void) {
    for place in pool {
      if place >= cutoff { break }
      if grades[place] >= level { body(place + 1) }
    }
  }

  /// Number of ranked documents with at least this grade, among the first `cutoff`.
  package func relevantRetrieved(_ level: Int, cutoff: Int = .max) -> Int {
    var count = 0
    forEachRelevant(level, cutoff: cutoff) { _ in count += 1 }
    return count
  }

  /// The rank, from 1, of the first document with at least this grade; nil if there is none.
  package func firstRelevant(_ level: Int) -> Int? {
    pool.first { grades[$0] >= level }.map { $0 + 1 }
  }

  /// The ranking without the documents that were not judged, a negative grade being none.
  package var judgedOnly: JudgedRanking { restricted(to: pool.filter { grades[$0] >= 0 }) }

  /// The ranking without the documents that are not in the qrels.
  var pooledOnly: JudgedRanking { restricted(to: pool) }

  private func restricted(to kept: [Int]) -> JudgedRanking {
    var ranking = JudgedRanking(grades: kept.map { grades[$0] }, judgedGrades: judgedGrades)
    if ties.isEmpty && subtopics == nil { return ranking }
    func index(_ place: Int) -> Int { kept.firstIndex { $0 >= place } ?? kept.count }
    ranking.ties = ties.map { index($0.lowerBound)..<index($0.upperBound) }.filter { $0.count > 1 }
    ranking.subtopics = subtopics?.moved(index)
    return ranking
  }

  /// The ranking's first documents.
  package func prefix(_ length: Int) -> JudgedRanking {
    length >= count
      ? self : JudgedRanking(grades: Array(grades.prefix(length)), judgedGrades: judgedGrades)
  }

  /// The ranking with its documents at other places: what stands at `i` stood at `sources[i]`.
  ///
  /// Ideal rankings stay what they were: the places that they name move along.
  func rearranged(_ sources: [Int]) -> JudgedRanking {
    var ranking = JudgedRanking(grades: sources.map { grades[$0] }, judgedGrades: judgedGrades)
    ranking.ties = ties
    if subtopics != nil || idealPlaces != nil {
      var target = [Int](repeating: 0, count: sources.count)
      for (place, source) in sources.enumerated() { target[source] = place }
      ranking.subtopics = subtopics?.moved { target[$0] }
      if let idealPlaces {
        // Among equal grades the ideal has the retrieved ones as they are ranked.
        ranking.idealPlaces = ranking.sortedIdeal(
          idealPlaces.map { place in place.map { target[$0] } })
      }
    }
    return ranking
  }

  /// The ranking with another grade for documents that are not judged.
  func assumingUnjudged(_ grade: Int) -> JudgedRanking {
    JudgedRanking(grades: grades.map { $0 < 0 ? grade : $0 }, judgedGrades: judgedGrades)
  }
}

extension JudgedRanking {
  /// The relevant documents in the order of the ideal ranking: by grade, then by score, those that
  /// were not retrieved having 0, then as they were ranked, or, `byInput`, as they were judged.
  private static func idealPlaces(
    _ run: Run, _ entries: RankedEntries, _ qrels: Qrels, _ judgements: Range<Int>, pool: [Int],
    found: [Int], byInput: Bool
  ) -> [Int?] {
    var placeOf: [Int: Int] = [:]
    for (place, judgement) in zip(pool, found) { placeOf[judgement] = place }
    let relevant = judgements.filter { qrels.grade($0) > 0 }.map { judgement in
      let place = placeOf[judgement]
      let entry = place.map { entries[$0] }
      let score = entry.map { run.exactScore($0) ?? Double(run.score($0)) } ?? 0
      return (
        grade: qrels.grade(judgement), score: score, place: place,
        last: byInput ? qrels.ordinal(judgement) : place ?? .max
      )
    }
    return relevant.sorted { left, right in
      if left.grade != right.grade { return left.grade > right.grade }
      return left.score != right.score ? left.score > right.score : left.last < right.last
    }.map(\.place)
  }

  /// Places of an ideal ranking, tied documents of a grade put in their order in this ranking.
  private func sortedIdeal(_ places: [Int?]) -> [Int?] {
    var sorted = places
    var start = 0
    while start < sorted.count {
      guard let first = sorted[start], let tie = ties.first(where: { $0.contains(first) }) else {
        start += 1
        continue
      }
      var end = start + 1
      while end < sorted.count, let next = sorted[end], tie.contains(next),
        grades[next] == grades[first]
      { end += 1 }
      sorted[start..<end].sort { ($0 ?? 0) < ($1 ?? 0) }
      start = end
    }
    return sorted
  }
}
