import Failures
import Records

/// What a run is measured by in trec_eval's manner.
protocol TrecJudgements: Sendable {
  /// The judged queries, ordered.
  var queries: [RecordID] { get }
  /// Number of judgements above grade 0.
  var relevantCount: Int { get }
  /// What measures see of a query; `found` is its number in the run, nil if it is not there.
  func input(
    _ query: RecordID, _ run: Run, _ found: Int?, _ options: TrecOptions
  ) throws(Failure) -> any TrecInput
}

/// What measures see of a query.
protocol TrecInput {
  /// A column's value.
  func value(_ column: TrecColumn) throws(Failure) -> Double
  /// The grades of the first documents, a character each.
  func gradeText(_ length: Int) -> String
}

extension TrecInput {
  func gradeText(_ length: Int) -> String { "" }
}

extension JudgedRanking {
  /// The ranking as trec_eval's options want it.
  init(_ qrels: Qrels, _ query: RecordID, _ run: Run, _ found: Int?, _ options: TrecOptions) {
    let judged = qrels.queries.find(query)
    var ranking = JudgedRanking(run: run, query: found, qrels: qrels, judgedQuery: judged)
    if found == nil {
      ranking = JudgedRanking(grades: [Self.unjudged], judgedGrades: ranking.judgedGrades)
    }
    ranking = ranking.prefix(options.depth)
    self = options.judgedOnly ? ranking.judgedOnly : ranking
  }
}

/// Judgements of one judge.
struct TrecQrels: TrecJudgements {
  private let qrels: Qrels
  let queries: [RecordID]

  init(_ path: String) throws(Failure) {
    qrels = try Qrels.read(path, repeated: .refused)
    guard qrels.count > 0 else { throw .data(path, "expected judgements, found no line of one") }
    queries = (0..<qrels.queries.count).map { [qrels] in qrels.queries[$0] }.sorted()
  }

  var relevantCount: Int { (0..<qrels.count).count { qrels.grade($0) > 0 } }

  func input(
    _ query: RecordID, _ run: Run, _ found: Int?, _ options: TrecOptions
  ) throws(Failure) -> any TrecInput {
    Input(ranking: JudgedRanking(qrels, query, run, found, options))
  }

  private struct Input: TrecInput {
    let ranking: JudgedRanking

    func value(_ column: TrecColumn) -> Double {
      switch column.source {
      case .measure(let measure): isUndefined(column) ? -Double.nan : measure.value(ranking)
      case .queryCount: 1
      default: preconditionFailure("\(column.name) is no measure of judgements")
      }
    }

    /// Whether trec_eval divides 0 by 0 here, and prints that: all documents are gone by -J.
    private func isUndefined(_ column: TrecColumn) -> Bool {
      guard ranking.count == 0, let (points, level) = column.recalls else { return false }
      let relevant = Double(ranking.relevantCount(level))
      return points.contains { ($0 * relevant).rounded() <= 0 }
    }

    func gradeText(_ length: Int) -> String {
      var text = ""
      for grade in ranking.grades.prefix(length) {
        switch grade {
        case JudgedRanking.unjudged: text += "-"
        case JudgedRanking.pooledUnjudged: text += "."
        case 0...9: text += "\(grade)"
        default: text += ">"
        }
      }
      return text
    }
  }
}

extension JudgeGroups: TrecJudgements {
  func input(
    _ query: RecordID, _ run: Run, _ found: Int?, _ options: TrecOptions
  ) throws(Failure) -> any TrecInput {
    Input(
      rankings: judges.filter { $0.queries.find(query) != nil }.map {
        JudgedRanking($0, query, run, found, options)
      })
  }

  private struct Input: TrecInput {
    let rankings: [JudgedRanking]

    func value(_ column: TrecColumn) -> Double {
      switch column.source {
      case .groups(let measure):
        let sum = rankings.reduce(0) { $0 + measure.value($1) }
        return rankings.count > 1 ? sum / Double(rankings.count) : sum
      case .queryCount: return 1
      default: preconditionFailure("\(column.name) is no measure of judges")
      }
    }
  }
}

extension Preferences: TrecJudgements {
  var relevantCount: Int { 0 }

  func input(
    _ query: RecordID, _ run: Run, _ found: Int?, _ options: TrecOptions
  ) throws(Failure) -> any TrecInput {
    let ranking = found.map { Self.ranking(run, $0).prefix(options.depth) } ?? []
    return Input(
      counts: try PreferenceCounts(lines(of: query), ranking: Array(ranking), name: name))
  }

  /// The documents of a query: here ties are by id ascending, as trec_eval has it for preferences.
  private static func ranking(_ run: Run, _ query: Int) -> [RecordID] {
    var docs: [RecordID] = []
    let entries = run.entries(of: query)
    var start = entries.lowerBound
    while start < entries.upperBound {
      var end = start + 1
      while end < entries.upperBound, run.score(end) == run.score(start) { end += 1 }
      for entry in (start..<end).reversed() { docs.append(run.doc(entry)) }
      start = end
    }
    return docs
  }

  private struct Input: TrecInput {
    let counts: PreferenceCounts

    func value(_ column: TrecColumn) -> Double {
      switch column.source {
      case .preferences(let measure): measure.value(counts)
      case .queryCount: 1
      default: preconditionFailure("\(column.name) is no measure of preferences")
      }
    }
  }
}
