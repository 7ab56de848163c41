import Records

/// What the measures see of one query: the grades of its ranked documents, and of all judged ones.
package struct JudgedRanking: Sendable {
  /// What stands for the grade of a document that is not in the qrels.
  package static let unjudged = -1
  /// What stands for a negative grade: pooled, but not judged, as trec_eval reads it.
  package static let pooledUnjudged = -2

  /// Grades of the ranked documents, best first; below 0 for those without a judgement.
  package var grades: [Int]
  /// Whether each ranked document is in the qrels, with a negative grade or not.
  package var isJudged: [Bool]
  /// Grades of all judged documents of the query, descending.
  package var judgedGrades: [Int]

  /// A ranking from its parts.
  package init(grades: [Int], isJudged: [Bool], judgedGrades: [Int]) {
    precondition(grades.count == isJudged.count, "\(grades.count), \(isJudged.count) documents")
    self.grades = grades
    self.isJudged = isJudged
    self.judgedGrades = judgedGrades
  }

  /// Joins one query of a run with its judgements; nil for a query that only one of them has.
  package init(run: Run, query: Int?, qrels: Qrels, judgedQuery: Int?) {
    judgedGrades = judgedQuery.map { qrels.judgements(of: $0).map { qrels.grade($0) } } ?? []
    judgedGrades.sort(by: >)
    grades = []
    isJudged = []
    guard let query else { return }
    let entries = run.entries(of: query)
    grades.reserveCapacity(entries.count)
    isJudged.reserveCapacity(entries.count)
    for entry in entries {
      let judgement = judgedQuery.flatMap { judged in
        run.withDoc(entry) { qrels.find($0, query: judged) }
      }
      let grade = judgement.map { qrels.grade($0) } ?? Self.unjudged
      grades.append(judgement != nil && grade < 0 ? Self.pooledUnjudged : grade)
      isJudged.append(judgement != nil)
    }
  }

  /// Number of ranked documents.
  package var count: Int { grades.count }

  /// Number of judged documents with at least this grade.
  package func relevantCount(_ level: Int) -> Int {
    // Descending, and few are relevant.
    judgedGrades.firstIndex { $0 < level } ?? judgedGrades.count
  }

  /// Number of ranked documents with at least this grade, among the first `cutoff`.
  package func relevantRetrieved(_ level: Int, cutoff: Int = .max) -> Int {
    grades.prefix(cutoff).reduce(0) { $1 >= level ? $0 + 1 : $0 }
  }

  /// The ranking without the documents that were not judged, a negative grade being none.
  package var judgedOnly: JudgedRanking {
    let kept = grades.indices.filter { grades[$0] >= 0 }
    return JudgedRanking(
      grades: kept.map { grades[$0] }, isJudged: kept.map { _ in true },
      judgedGrades: judgedGrades)
  }
}
