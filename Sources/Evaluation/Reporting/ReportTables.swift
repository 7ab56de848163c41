/// Tables with a run a line and a measure a column; with the values of queries, a query a line.
extension Report {
  /// The lines: those of queries first; `marks` by run and measure.
  func grid(_ marks: SignificanceMarks?, digits: Int) -> TextGrid {
    let labels = perQuery ? 2 : 1
    var rows: [[TextGrid.Cell]] = []
    for (i, evaluation) in evaluations.enumerated() {
      let name = TextGrid.Cell(evaluation.run + (marks?.label(i) ?? ""))
      if perQuery {
        for (q, query) in evaluation.queries.enumerated() {
          let values = evaluation.measures.indices.map {
            TextGrid.Cell(evaluation.measures[$0].fixedText(evaluation.values[$0][q], digits))
          }
          rows.append([name, TextGrid.Cell(query.description)] + values)
        }
      }
      let values = evaluation.measures.indices.map {
        TextGrid.Cell(
          evaluation.measures[$0].fixedText(evaluation.aggregate($0), digits),
          isBest: isBest(evaluation, $0), mark: marks?.mark(run: i, measure: $0) ?? "")
      }
      rows.append([name] + (perQuery ? [TextGrid.Cell(Self.all)] : []) + values)
    }
    let header =
      ["run"] + (perQuery ? ["query"] : []) + (evaluations.first?.measures.map(\.name) ?? [])
    return TextGrid(header: header, rows: rows, labels: labels, legend: marks?.legend ?? "")
  }

  /// Whether no run has more; counts and single runs have no best.
  func isBest(_ evaluation: Evaluation, _ measure: Int) -> Bool {
    if evaluations.count < 2 { return false }
    if evaluation.measures[measure].description.aggregation == .sum { return false }
    let value = evaluation.aggregate(measure)
    return evaluations.allSatisfy { $0.aggregate(measure) <= value }
  }
}

/// What stands behind the values of runs that differ by more than chance: p of the paired t-test,
/// corrected by Holm.
///
/// With a baseline, or two runs, stars for a difference from it; else each run has a letter, and a
/// value the letters of the runs that it exceeds.
package struct SignificanceMarks: Sendable {
  private let marks: [[String]]
  private let isLettered: Bool
  /// What the marks mean.
  package let legend: String

  /// Marks for evaluations and their comparisons, in the order of `RunComparison.compare`.
  package init(
    _ evaluations: [Evaluation], _ comparisons: [RunComparison], baseline: String?
  ) {
    let names = evaluations.map(\.run)
    let measures = evaluations.first?.measures.map(\.name) ?? []
    var marks = names.map { _ in measures.map { _ in "" } }
    isLettered = baseline == nil && names.count > 2
    for comparison in comparisons {
      guard let measure = measures.firstIndex(of: comparison.measure),
        let first = names.firstIndex(of: comparison.baseline),
        let second = names.firstIndex(of: comparison.run), let p = comparison.value("t_p_holm")
      else { continue }
      if isLettered {
        guard p < 0.05, let difference = comparison.value("difference") else { continue }
        let (better, worse) = difference > 0 ? (second, first) : (first, second)
        marks[better][measure] += Self.letter(worse)
      } else {
        marks[second][measure] = Self.stars(p)
      }
    }
    self.marks = marks.map { $0.map { String($0.sorted()) } }
    legend =
      isLettered
      ? "letters: exceeds that run, p < 0.05 (paired t-test, Holm)"
      : "* ** ***: differs from \(baseline ?? names.first ?? ""), p < 0.05, 0.01, 0.001 "
        + "(paired t-test, Holm)"
  }

  /// What stands behind a value.
  package func mark(run: Int, measure: Int) -> String { marks[run][measure] }

  /// What follows the name of a run: its letter.
  package func label(_ run: Int) -> String { isLettered ? " (\(Self.letter(run)))" : "" }

  /// `a` to `z`, then `A` to `Z`; behind those a number in brackets.
  private static func letter(_ run: Int) -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return run < letters.count ? String(letters[run]) : "[\(run + 1)]"
  }

  /// Stars for a p-value: below 0.05, 0.01, 0.001.
  static func stars(_ p: Double) -> String {
    p < 0.001 ? "***" : p < 0.01 ? "**" : p < 0.05 ? "*" : ""
  }
}
