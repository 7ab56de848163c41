import Failures
import Records

/// Which queries a mean is taken over.
package enum QuerySelection: String, Sendable, CaseIterable {
  /// Those that run and qrels both have, as trec_eval does it.
  case both
  /// All judged ones; those that the run lacks retrieve nothing, as `trec_eval -c` does it.
  case qrels
  /// All of the run; those without judgements have nothing relevant.
  case run
}

/// Evaluates runs against judgements.
package struct Evaluator: Sendable {
  let qrels: Qrels
  private let measures: [NamedMeasure]
  private let droppingSelf: Bool

  /// An evaluator of some measures.
  ///
  /// With `droppingSelf` documents with the id of their query are left out of runs.
  package init(qrels: Qrels, measures: [NamedMeasure], droppingSelf: Bool = false) {
    self.qrels = qrels
    self.droppingSelf = droppingSelf
    self.measures = measures
  }

  /// The values of all measures for a run.
  ///
  /// Exit 65 where there is no query to average over: there is no score of nothing.
  package func evaluate(
    _ run: Run, over selection: QuerySelection = .both, ties: TieOrder = .trec
  ) throws(Failure) -> Evaluation {
    for measure in measures { try measure.measure.check(qrels) }
    let pairs = pair(run)
    let selected = pairs.filter { pair in
      switch selection {
      case .both: pair.run != nil && pair.qrels != nil
      case .qrels: pair.qrels != nil
      case .run: pair.run != nil
      }
    }
    guard !selected.isEmpty else {
      throw .data(
        run.name,
        "expected queries that \(qrels.name) judges, found none of "
          + "\(run.queries.count) in the run and \(qrels.queries.count) in the qrels")
    }
    var values = [[Double]](repeating: [], count: measures.count)
    for i in values.indices { values[i].reserveCapacity(selected.count) }
    for pair in selected {
      var rankings: [(order: TieOrder, ranking: JudgedRanking)] = []
      for (i, measure) in measures.enumerated() {
        // Where somebody asks for an order, providers' do not count.
        let order = ties == .trec ? measure.ties : ties
        let ranking =
          rankings.first { $0.order == order }?.ranking
          ?? JudgedRanking(
            run: run, query: pair.run, qrels: qrels, judgedQuery: pair.qrels, ties: order,
            droppingSelf: droppingSelf)
        if !rankings.contains(where: { $0.order == order }) { rankings.append((order, ranking)) }
        values[i].append(measure.measure.value(ranking))
      }
    }
    return Evaluation(
      run: run.name, tag: run.tag, measures: measures,
      queries: selected.map { pair in
        pair.run.map { run.queries[$0] } ?? pair.qrels.map { qrels.queries[$0] } ?? RecordID("")
      },
      values: values,
      counts: QueryCounts(
        both: pairs.count { $0.run != nil && $0.qrels != nil },
        onlyInQrels: pairs.count { $0.run == nil }, onlyInRun: pairs.count { $0.qrels == nil }))
  }

  /// The queries of the run, then those that only the qrels have.
  private func pair(_ run: Run) -> [(run: Int?, qrels: Int?)] {
    var pairs: [(run: Int?, qrels: Int?)] = []
    for query in 0..<run.queries.count {
      pairs.append((query, run.queries.withBytes(query) { qrels.queries.find($0) }))
    }
    for query in 0..<qrels.queries.count
    where qrels.queries.withBytes(query, { run.queries.find($0) }) == nil {
      pairs.append((nil, query))
    }
    return pairs
  }
}

/// How many queries run and qrels have in common, and apart.
package struct QueryCounts: Sendable, Equatable {
  /// Queries in both.
  package var both: Int
  /// Judged queries that the run lacks.
  package var onlyInQrels: Int
  /// Queries of the run without judgements.
  package var onlyInRun: Int
}

/// The values of measures for one run.
package struct Evaluation: Sendable {
  /// The run's name.
  package let run: String
  /// The run's tag.
  package let tag: String
  /// The measures.
  package let measures: [NamedMeasure]
  /// The queries that count, in the order of the run, then of the qrels.
  package let queries: [RecordID]
  /// Values by measure, then query.
  package let values: [[Double]]
  /// Which queries were there.
  package let counts: QueryCounts

  /// A measure's value over all queries: the mean, or the sum of counts.
  package func aggregate(_ measure: Int) -> Double {
    measures[measure].description.aggregation.aggregate(values[measure])
  }
}
