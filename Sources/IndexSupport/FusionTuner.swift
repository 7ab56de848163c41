import Evaluation
import Failures
import Records
import Retrieval
import Workers

/// Finds weights of a fusion on queries with judgements.
package struct FusionTuner: Sendable {
  private let qrels: Qrels
  private let measure: NamedMeasure
  private let folds: Int
  private let seed: UInt64

  /// - Parameters:
  ///   - qrels: The judgements.
  ///   - measure: What is to be large.
  ///   - folds: Parts of the queries for cross-validation, at least two.
  ///   - seed: What deals the queries into parts.
  init(qrels: Qrels, measure: NamedMeasure, folds: Int, seed: UInt64) {
    self.qrels = qrels
    self.measure = measure
    self.folds = folds
    self.seed = seed
  }

  /// What runs must be read with.
  package var details: RunDetails { measure.ties.details }

  /// Finds the weights of a fusion, on all judged queries and on those outside of each part.
  ///
  /// - Parameters:
  ///   - fusion: How the runs become one; its weights do not count.
  ///   - runs: The runs.
  ///   - k: Documents a query that the fused run has.
  ///   - pool: What threads there are.
  /// - Returns: The weights, and what they are worth.
  /// - Throws: 65 where fewer queries are judged than there are parts, for judgements that the measure
  ///   cannot take, and where a fused score is not finite.
  package func tune(
    _ fusion: RunFusion, _ runs: [Run], k: Int, pool: WorkerPool
  ) throws(Failure) -> FusionTuning {
    let (queries, unjudged) = judgedQueries(runs)
    guard queries.count >= folds else {
      throw .data(
        qrels.name,
        "expected judgements for at least \(folds) queries of the runs, one a part, found "
          + "\(queries.count)", hint: queries.count > 1 ? "--folds \(queries.count)" : nil)
    }
    let work = Work(
      queries: queries, shares: queries.map { fusion.shares(of: $0, in: runs) }, k: k,
      details: details, evaluator: Evaluator(qrels: qrels, measures: [measure], pool: pool))
    let aggregation = measure.description.aggregation
    var known: [[Int]: [Double]] = [:]
    func values(_ weights: [Int]) throws(Failure) -> [Double] {
      if let values = known[weights] { return values }
      let values = try work.values(weights)
      known[weights] = values
      return values
    }
    let search = WeightSearch(runs.count)
    func best(_ places: [Int]) throws(Failure) -> (weights: [Int], value: Double) {
      func value(_ weights: [Int]) throws(Failure) -> Double {
        let all = try values(weights)
        return aggregation.aggregate(places.map { all[$0] })
      }
      let weights = try search.best(value)
      return (weights, try value(weights))
    }
    let all = try best(Array(queries.indices))
    let parts = QueryFolds.of(queries, count: folds, seed: seed)
    var found: [FusionTuning.Fold] = []
    var heldOut = [Double](repeating: 0, count: queries.count)
    for part in 0..<folds {
      let out = queries.indices.filter { parts[$0] == part }
      let (weights, value) = try best(queries.indices.filter { parts[$0] != part })
      let kept = try values(weights)
      for place in out { heldOut[place] = kept[place] }
      found.append(
        FusionTuning.Fold(
          weights: weights, queries: out.count, training: value,
          heldOut: aggregation.aggregate(out.map { kept[$0] })))
    }
    var tuning = FusionTuning(
      measure: measure.name, weights: all.weights, value: all.value, folds: found,
      heldOut: aggregation.aggregate(heldOut), queries: queries.count, unjudged: unjudged)
    tuning.equal = aggregation.aggregate(try values(runs.map { _ in 1 }))
    tuning.missing = qrels.queries.count - queries.count
    for run in runs {
      tuning.alone.append((run.name, aggregation.aggregate(try work.values(run))))
    }
    return tuning
  }

  /// The judged queries that a run has, in the order of the fused run, and how many are not judged.
  private func judgedQueries(_ runs: [Run]) -> (queries: [RecordID], unjudged: Int) {
    var table = IDTable()
    for run in runs {
      for number in 0..<run.queries.count { _ = table.insert(run.queries[number]) }
    }
    let all = (0..<table.count).map { table[$0] }
    let judged = all.filter { qrels.queries.find($0) != nil }
    return (judged, all.count - judged.count)
  }
}

/// What is evaluated again and again.
private struct Work {
  let queries: [RecordID]
  let shares: [FusionShares]
  let k: Int
  let details: RunDetails
  let evaluator: Evaluator

  /// The measure's value for each query of the run that these weights give.
  func values(_ weights: [Int]) throws(Failure) -> [Double] {
    let weights = weights.map { Double($0) }
    var builder = RunBuilder(name: "the fused run", details: details)
    for (query, shares) in zip(queries, shares) {
      let ranking = try shares.ranked(by: weights, query).prefix(k)
      query.bytes.withUnsafeBytes { query in
        for (place, document) in ranking.enumerated() {
          let (score, rank) = (document.score, UInt32(place + 1))
          _ = document.id.bytes.withUnsafeBytes { id in
            builder.add(query: query, doc: id, score: score, rank: rank)
          }
        }
      }
    }
    let evaluation = try evaluator.evaluate(builder.finish())
    precondition(evaluation.queries == queries, "other queries than those of the runs")
    return evaluation.values[0]
  }

  /// The measure's value for each query of a run; one that it lacks retrieves nothing.
  func values(_ run: Run) throws(Failure) -> [Double] {
    let evaluation = try evaluator.evaluate(run, over: .qrels)
    let values = Dictionary(
      zip(evaluation.queries, evaluation.values[0]), uniquingKeysWith: { first, _ in first })
    return queries.map { values[$0] ?? 0 }
  }
}
