import Failures
import JSON

/// Comparisons of runs, to be written down.
package struct ComparisonReport: Sendable {
  private let comparisons: [RunComparison]
  private let perQuery: Bool
  /// Decimals of numbers in tables; nil for 4, and 6 for the differences of queries.
  private let digits: Int?

  /// A report on comparisons.
  ///
  /// - Parameters:
  ///   - comparisons: The comparisons.
  ///   - perQuery: Whether the differences of every query are written, too.
  ///   - digits: Decimals of numbers in tables; nil for 4, and 6 for the differences of queries.
  package init(_ comparisons: [RunComparison], perQuery: Bool = false, digits: Int? = nil) {
    self.comparisons = comparisons
    self.perQuery = perQuery
    self.digits = digits
  }

  /// How many pairs of runs were compared, for all measures together.
  package var count: Int { comparisons.count }

  /// Hands the report over.
  package func write(
    _ format: ReportFormat, _ output: (String) throws(Failure) -> Void
  ) throws(Failure) {
    switch format {
    case .tsv: try writeTSV(output)
    case .json: try writeJSON(output)
    case .table, .markdown, .latex:
      try output(format.text(statistics, isTerminal: false))
      if perQuery { try output("\n" + format.text(differences, isTerminal: false)) }
    }
  }

  private static func text(_ value: Double) -> String {
    // What makes no number has a sign that depends on how it came about.
    if value.isNaN { return "nan" }
    return Int(exactly: value).map { "\($0)" } ?? "\(value)"
  }

  private func writeTSV(_ output: (String) throws(Failure) -> Void) throws(Failure) {
    for comparison in comparisons {
      let start = "\(comparison.measure)\t\(comparison.baseline)\t\(comparison.run)\t"
      for (name, value) in comparison.statistics {
        try output("\(start)\(name)\t\(Self.text(value))\n")
      }
      if !perQuery { continue }
      for (query, value) in zip(comparison.queries, comparison.differences) {
        try output("\(start)difference[\(query)]\t\(Self.text(value))\n")
      }
    }
  }

  private func writeJSON(_ output: (String) throws(Failure) -> Void) throws(Failure) {
    var separator = "["
    for comparison in comparisons {
      var line = separator + "\n{\"measure\":"
      JSON.quote(comparison.measure, to: &line)
      line += ",\"baseline\":"
      JSON.quote(comparison.baseline, to: &line)
      line += ",\"run\":"
      JSON.quote(comparison.run, to: &line)
      for (name, value) in comparison.statistics {
        line += ",\"\(name)\":\(value.isFinite ? Self.text(value) : "null")"
      }
      if perQuery { line += ",\"differences\":" + Self.json(comparison) }
      try output(line + "}")
      separator = ","
    }
    try output(comparisons.isEmpty ? "[]\n" : "\n]\n")
  }

  /// `[{"query","value"}…]`.
  private static func json(_ comparison: RunComparison) -> String {
    var text = "["
    for (query, value) in zip(comparison.queries, comparison.differences) {
      text += text.count == 1 ? "{\"query\":" : ",{\"query\":"
      JSON.quote(query.description, to: &text)
      text += ",\"value\":\(Self.text(value))}"
    }
    return text + "]"
  }

  /// What a table has room for.
  private static let shown = [
    "difference", "ci_low", "ci_high", "wins", "ties", "losses", "t_p_holm", "wilcoxon_p_holm",
    "randomisation_p_holm", "tukey_p", "tost_p", "cohen_d",
  ]

  /// A comparison a line.
  private var statistics: TextGrid {
    let rows = comparisons.map { comparison in
      let stars = SignificanceMarks.stars(comparison.value("t_p_holm") ?? .nan)
      let values = Self.shown.map { name in
        let value = comparison.value(name) ?? .nan
        if value.isNaN { return TextGrid.Cell("-") }
        if ["wins", "ties", "losses"].contains(name) { return TextGrid.Cell("\(Int(value))") }
        let isSmall = name.contains("_p") && value < 0.0001
        return TextGrid.Cell(
          isSmall ? "<0.0001" : DecimalText.rounded(value, digits ?? 4),
          mark: name == "t_p_holm" ? stars : "")
      }
      return [comparison.measure, comparison.baseline, comparison.run].map { TextGrid.Cell($0) }
        + values
    }
    return TextGrid(header: ["measure", "baseline", "run"] + Self.shown, rows: rows, labels: 3)
  }

  /// A query and comparison a line.
  private var differences: TextGrid {
    var rows: [[TextGrid.Cell]] = []
    for comparison in comparisons {
      for (query, value) in zip(comparison.queries, comparison.differences) {
        rows.append(
          [
            comparison.measure, comparison.baseline, comparison.run, query.description,
            DecimalText.rounded(value, digits ?? 6),
          ].map { TextGrid.Cell($0) })
      }
    }
    return TextGrid(
      header: ["measure", "baseline", "run", "query", "difference"], rows: rows, labels: 4)
  }
}
