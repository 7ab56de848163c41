import Records

/// What the measures see of one query: the grades of its ranked documents, and of all judged ones.
package struct JudgedRanking: Sendable {
  /// What stands for the grade of a document that is not in the qrels.
  package static let unjudged = -1
  /// What stands for a negative grade: pooled, but not judged, as trec_eval reads it.
  package static let pooledUnjudged = -2

  /// Grades of the ranked documents, best first; below 0 for those without a judgement.
  package let grades: [Int]
  /// The places in `grades`, ascending, of the documents that are in the qrels: few of many.
  package let pool: [Int]
  /// Grades of all judged documents of the query, descending.
  package let judgedGrades: [Int]

  /// A ranking from its parts.
  package init(grades: [Int], judgedGrades: [Int]) {
    self.grades = grades
    self.judgedGrades = judgedGrades
    var pool: [Int] = []
    for (place, grade) in grades.enumerated() where grade != Self.unjudged { pool.append(place) }
    self.pool = pool
  }

  /// Joins one query of a run with its judgements; nil for a query that only one of them has.
  ///
  /// With `droppingSelf` the document with the query's id is left out.
  package init(
    run: Run, query: Int?, qrels: Qrels, judgedQuery: Int?, ties: TieOrder = .trec,
    droppingSelf: Bool = false
  ) {
    var judged = judgedQuery.map { qrels.judgements(of: $0).map { qrels.grade($0) } } ?? []
    judged.sort(by: >)
    guard let query else {
      self.init(grades: [], judgedGrades: judged)
      return
    }
    var entries = Array(run.entries(of: query))
    if droppingSelf {
      entries.removeAll { entry in
        run.withDoc(entry) { doc in run.queries.withBytes(query) { doc.elementsEqual($0) } }
      }
    }
    var grades = [Int](repeating: Self.unjudged, count: entries.count)
    if let judgedQuery {
      let table = JudgementTable(qrels, query: judgedQuery)
      for (place, entry) in entries.enumerated() {
        guard let judgement = run.withDoc(entry, { table.find($0) }) else { continue }
        let grade = qrels.grade(judgement)
        grades[place] = grade < 0 ? Self.pooledUnjudged : grade
      }
    }
    Self.reorder(&grades, run, entries, ties, query: query)
    self.init(grades: grades, judgedGrades: judged)
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
  package var judgedOnly: JudgedRanking {
    JudgedRanking(
      grades: pool.map { grades[$0] }.filter { $0 >= 0 }, judgedGrades: judgedGrades)
  }

  /// The ranking's first documents.
  package func prefix(_ length: Int) -> JudgedRanking {
    length >= count
      ? self : JudgedRanking(grades: Array(grades.prefix(length)), judgedGrades: judgedGrades)
  }
}
