import Failures
import Records

/// How runs are compared.
package struct ComparisonOptions: Sendable {
  /// Random signs and bootstrap samples.
  package var resamples = 10_000
  /// Share of the bootstrap's samples that its interval holds.
  package var confidence = 0.95
  /// A difference that does not matter, for the test of equivalence.
  package var margin = 0.01
  /// Seed of everything random.
  package var seed: UInt64 = 42
  /// The run that the others are compared with; all pairs without one.
  package var baseline: String?

  package init() {}
}

/// Two runs compared by a measure.
package struct RunComparison: Sendable {
  /// The measure's name.
  package let measure: String
  /// The run that comes first.
  package let baseline: String
  /// The run that is compared with it.
  package let run: String
  /// Names and values of the statistics, in the order of their printing.
  package internal(set) var statistics: [(name: String, value: Double)]
  /// The queries that both have.
  package let queries: [RecordID]
  /// Run less baseline, by query.
  package let differences: [Double]

  /// A statistic.
  package func value(_ name: String) -> Double? { statistics.first { $0.name == name }?.value }

  /// Compares evaluations by the same measures, pair by pair.
  ///
  /// The queries are those that all have a value for.
  /// - Throws: 65 where those are fewer than two; 64 where the baseline is none of the runs.
  package static func compare(
    _ evaluations: [Evaluation], _ options: ComparisonOptions
  ) throws(Failure) -> [RunComparison] {
    if let baseline = options.baseline, !evaluations.contains(where: { $0.run == baseline }) {
      throw .usage("expected one of the runs as the baseline, found '\(baseline)'")
    }
    var comparisons: [RunComparison] = []
    for measure in (evaluations.first?.measures ?? []).indices {
      let (queries, groups) = try common(evaluations, measure)
      let tukey = GroupTests.tukey(groups)
      let start = comparisons.count
      for i in evaluations.indices {
        for j in evaluations.indices where isPair(i, j, evaluations, options) {
          let stream = UInt64(
            measure * evaluations.count * evaluations.count + i * groups.count + j)
          comparisons.append(
            RunComparison(
              measure: evaluations[i].measures[measure].name, baseline: evaluations[i].run,
              run: evaluations[j].run,
              statistics: statistics(
                groups[i], groups[j], tukey: tukey[i][j], options,
                seed: options.seed &+ stream &* 0xD134_2543_DE82_EF95),
              queries: queries, differences: zip(groups[i], groups[j]).map { $1 - $0 }))
        }
      }
      correct(&comparisons[start...])
    }
    return comparisons
  }

  private static func isPair(
    _ i: Int, _ j: Int, _ evaluations: [Evaluation], _ options: ComparisonOptions
  ) -> Bool {
    options.baseline.map { evaluations[i].run == $0 && i != j } ?? (i < j)
  }

  /// The queries that all have, and the values of each run for them.
  private static func common(
    _ evaluations: [Evaluation], _ measure: Int
  ) throws(Failure) -> (queries: [RecordID], values: [[Double]]) {
    let tables = evaluations.map { evaluation in
      Dictionary(
        zip(evaluation.queries, evaluation.values[measure]), uniquingKeysWith: { first, _ in first }
      )
    }
    let queries = (evaluations.first?.queries ?? []).filter { query in
      tables.allSatisfy { $0[query].map { !$0.isNaN } ?? false }
    }
    guard queries.count >= 2 else {
      throw .data(
        evaluations.map(\.run).joined(separator: " "),
        "expected at least 2 queries in common to compare runs, found \(queries.count)")
    }
    return (queries, tables.map { table in queries.compactMap { table[$0] } })
  }

  private static func statistics(
    _ baseline: [Double], _ run: [Double], tukey: Double, _ options: ComparisonOptions,
    seed: UInt64
  ) -> [(name: String, value: Double)] {
    let differences = zip(baseline, run).map { $1 - $0 }
    let n = Double(differences.count)
    let student = PairedTests.student(differences)
    let wilcoxon = PairedTests.wilcoxon(differences)
    let equivalence = PairedTests.equivalence(differences, margin: options.margin)
    let interval = PairedTests.bootstrap(
      differences, confidence: options.confidence, resamples: options.resamples, seed: ~seed)
    let mean = PairedTests.mean(differences)
    let effect = mean / PairedTests.deviation(differences)
    return [
      ("queries", n), ("baseline_mean", PairedTests.mean(baseline)),
      ("mean", PairedTests.mean(run)), ("difference", mean), ("ci_low", interval.low),
      ("ci_high", interval.high), ("wins", Double(differences.count { $0 > 0 })),
      ("ties", Double(differences.count { $0 == 0 })),
      ("losses", Double(differences.count { $0 < 0 })),
      ("cohen_d", effect), ("hedges_g", effect * (1 - 3 / (4 * n - 5))),
      ("t", student.statistic), ("t_p", student.p), ("wilcoxon", wilcoxon.statistic),
      ("wilcoxon_p", wilcoxon.p),
      (
        "randomisation_p",
        PairedTests.randomisation(differences, resamples: options.resamples, seed: seed)
      ),
      ("tukey_p", tukey), ("tost_p", equivalence.p),
    ]
  }

  /// Adds p-values that are corrected for the number of comparisons by a measure.
  private static func correct(_ comparisons: inout ArraySlice<RunComparison>) {
    for name in ["t_p", "wilcoxon_p", "randomisation_p"] {
      let values = comparisons.map { $0.value(name) ?? .nan }
      let corrected = zip(GroupTests.holm(values), GroupTests.bonferroni(values))
      for (index, (holm, bonferroni)) in zip(comparisons.indices, corrected) {
        comparisons[index].statistics += [
          (name + "_holm", holm), (name + "_bonferroni", bonferroni),
        ]
      }
    }
  }
}
