import Records

/// What the measures see of one query: the grades of its ranked documents, and of all judged ones.
package struct JudgedRanking: Sendable {
  /// The grade of a document that was not judged, as in trec_eval: -1, relevant to nobody.
  package static let unjudged = -1

  /// Grades of the ranked documents, best first; unjudged ones are -1.
  package var grades: [Int]
  /// Whether each ranked document is in the qrels.
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
      grades.append(judgement.map { qrels.grade($0) } ?? Self.unjudged)
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

  /// The ranking without the documents that were not judged.
  package var judgedOnly: JudgedRanking {
    let kept = grades.indices.filter { isJudged[$0] }
    return JudgedRanking(
      grades: kept.map { grades[$0] }, isJudged: kept.map { _ in true },
      judgedGrades: judgedGrades)
  }
}
