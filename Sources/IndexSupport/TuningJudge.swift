import Evaluation
import Failures
import IndexFormat
import Records
import Retrieval

/// How good the answers of a setting are beside those of exact search.
package struct TuningJudge {
  private let goal: TuningGoal
  private let ids: [RecordID]
  private let documents: any DocumentIDs
  private let qrels: Qrels?
  private let measure: NamedMeasure

  /// - Parameters:
  ///   - goal: What is to be reached.
  ///   - ids: The queries.
  ///   - documents: Those of the index.
  /// - Throws: 65 and 66 for the file of judgements; 65 where it judges none of the queries.
  package init(
    _ goal: TuningGoal, _ ids: [[UInt8]], _ documents: any DocumentIDs
  ) throws(Failure) {
    self.goal = goal
    self.documents = documents
    self.ids = ids.map { RecordID($0) }
    measure = try MeasureRegistry.measure("nDCG@\(goal.depth)")
    guard case .qrels(let path) = goal.judge else {
      qrels = nil
      return
    }
    let qrels = try Qrels.read([path])
    guard self.ids.contains(where: { qrels.queries.find($0) != nil }) else {
      throw .data(path, "no judgement is of one of the queries")
    }
    self.qrels = qrels
  }

  /// The part of what exact search gives.
  package func quality(
    _ found: [[TopDocuments.Entry]], _ exact: [[TopDocuments.Entry]]
  ) -> Double {
    guard let qrels else { return recall(found, exact) }
    let best = gain(exact, qrels)
    return best > 0 ? gain(found, qrels) / best : 1
  }

  private func recall(
    _ found: [[TopDocuments.Entry]], _ exact: [[TopDocuments.Entry]]
  ) -> Double {
    var (sum, queries) = (0.0, 0.0)
    for (found, exact) in zip(found, exact) where !exact.isEmpty {
      // Documents with the score of the last one are as good as it is.
      let last = exact[exact.count - 1].score
      sum += Double(min(exact.count, found.count { $0.score >= last })) / Double(exact.count)
      queries += 1
    }
    return queries == 0 ? 1 : sum / queries
  }

  /// The mean nDCG of the judged queries.
  private func gain(_ found: [[TopDocuments.Entry]], _ qrels: Qrels) -> Double {
    var (sum, queries) = (0.0, 0.0)
    for (id, entries) in zip(ids, found) {
      guard let query = qrels.queries.find(id) else { continue }
      let grades = entries.map { entry in
        qrels.find(documents.id(Int(entry.ordinal)), query: query) ?? JudgedRanking.unjudged
      }
      let judged = qrels.judgements(of: query).map { qrels.grade($0) }.sorted(by: >)
      let value = measure.measure.value(JudgedRanking(grades: grades, judgedGrades: judged))
      if value.isFinite { sum += value }
      queries += 1
    }
    return queries == 0 ? 0 : sum / queries
  }
}

extension Qrels {
  fileprivate func find(_ doc: [UInt8], query: Int) -> Int? {
    doc.withUnsafeBytes { find($0, query: query) }.map { grade($0) }
  }
}
