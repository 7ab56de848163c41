import Failures
import Records
import Workers

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
  let measures: [NamedMeasure]
  let droppingSelf: Bool
  private let pool: WorkerPool

  /// One query of a run and the same in the judgements; nil where it is not there.
  typealias Pair = (run: Int?, qrels: Int?)

  /// An evaluator of some measures.
  ///
  /// With `droppingSelf` documents with the id of their query are left out of runs.
  package init(
    qrels: Qrels, measures: [NamedMeasure], droppingSelf: Bool = false,
    pool: WorkerPool = WorkerPool(threads: 1)
  ) {
    self.qrels = qrels
    self.droppingSelf = droppingSelf
    self.measures = measures
    self.pool = pool
  }

  /// The values of all measures for a run; with `ties` in that order for all of them, instead of
  /// the orders of their providers.
  ///
  /// - Throws: 65 where there is no query to average over: there is no score of nothing.
  package func evaluate(
    _ run: Run, over selection: QuerySelection = .both, ties: TieOrder? = nil
  ) throws(Failure) -> Evaluation {
    let selected = try select(run, selection)
    let found = try forEachPair(selected.pairs) { pair in
      zip(measures, rankings(run, pair, order: ties)).map { $0.measure.value($1) }
    }
    return selected.evaluation(
      run, measures, measures.indices.map { i in found.map { $0[i] } })
  }

  /// What documents without a judgement could add at most, by the measures that can say so: values
  /// under the names `P@10[residual]`.
  package func residuals(
    _ run: Run, over selection: QuerySelection, ties: TieOrder? = nil
  ) throws(Failure) -> Evaluation {
    let selected = try select(run, selection)
    let found = try forEachPair(selected.pairs) { pair in
      zip(measures, rankings(run, pair, order: ties)).map { $0.measure.residual($1) }
    }
    let known = measures.indices.filter { i in found.contains { $0[i] != nil } }
    let names = known.map { i in
      NamedMeasure(
        name: "\(measures[i].name)[residual]", measure: measures[i].measure,
        description: measures[i].description)
    }
    return selected.evaluation(run, names, known.map { i in found.map { $0[i] ?? 0 } })
  }

  /// What each measure sees of a query; the same where they want the same.
  func rankings(
    _ run: Run, _ pair: Pair, order: TieOrder?, needs more: RankingNeeds = []
  ) -> [JudgedRanking] {
    let needs = measures.reduce(more) { $0.union($1.measure.needs) }
    var made: [(order: TieOrder, ranking: JudgedRanking)] = []
    return measures.map { measure in
      let order = order ?? measure.ties
      if let found = made.first(where: { $0.order == order }) { return found.ranking }
      let ranking = JudgedRanking(
        run: run, query: pair.run, qrels: qrels, judgedQuery: pair.qrels, ties: order,
        droppingSelf: droppingSelf, needs: needs)
      made.append((order, ranking))
      return ranking
    }
  }

  /// Queries that a thread takes at once.
  private static let batch = 16

  /// What `body` makes of each query, in their order.
  func forEachPair<Value: Sendable>(
    _ pairs: [Pair], _ body: @escaping @Sendable (Pair) -> Value
  ) throws(Failure) -> [Value] {
    let batches = (pairs.count + Self.batch - 1) / Self.batch
    let results = Results<[Value]>(batches)
    try pool.forEach(batches) { batch, _ throws(Failure) in
      let range = batch * Self.batch..<min(pairs.count, (batch + 1) * Self.batch)
      results.set(batch, pairs[range].map(body))
    }
    return (0..<batches).flatMap { results.take($0) }
  }

  /// The queries that count.
  func select(
    _ run: Run, _ selection: QuerySelection
  ) throws(Failure) -> SelectedQueries {
    for measure in measures {
      if var fraction = qrels.fraction, !measure.measure.takesFractions {
        fraction.message += ", which \(measure.name) cannot take"
        fraction.hint = "nDCG with the grades as gains takes them"
        throw fraction
      }
      try measure.measure.check(qrels)
      if let conflict = qrels.conflict, !measure.measure.needs.contains(.subtopics) {
        throw conflict
      }
    }
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
    return SelectedQueries(
      pairs: selected,
      queries: selected.map { pair in
        pair.run.map { run.queries[$0] } ?? pair.qrels.map { qrels.queries[$0] } ?? RecordID("")
      },
      counts: QueryCounts(
        both: pairs.count { $0.run != nil && $0.qrels != nil },
        onlyInQrels: pairs.count { $0.run == nil }, onlyInRun: pairs.count { $0.qrels == nil }))
  }

  /// The queries of the run, then those that only the qrels have.
  private func pair(_ run: Run) -> [Pair] {
    var pairs: [Pair] = []
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

/// The queries that count in an evaluation.
struct SelectedQueries: Sendable {
  let pairs: [Evaluator.Pair]
  let queries: [RecordID]
  let counts: QueryCounts

  /// The evaluation with these values, by measure, then query.
  func evaluation(_ run: Run, _ measures: [NamedMeasure], _ values: [[Double]]) -> Evaluation {
    Evaluation(
      run: run.name, tag: run.tag, measures: measures, queries: queries, values: values,
      counts: counts)
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
  /// What the run is called: its name, or a label.
  package var run: String
  /// The run's tag.
  package let tag: String
  /// The measures, in the order that they were asked for.
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

  /// These values with others beside them: `P@10[residual]` behind `P@10`.
  package func interleaved(_ others: Evaluation) -> Evaluation {
    var order: [(NamedMeasure, [Double])] = []
    for (measure, column) in zip(measures, values) {
      order.append((measure, column))
      for (other, column) in zip(others.measures, others.values)
      where other.name.hasPrefix(measure.name + "[") { order.append((other, column)) }
    }
    return Evaluation(
      run: run, tag: tag, measures: order.map(\.0), queries: queries, values: order.map(\.1),
      counts: counts)
  }
}
