import Failures
import JSON

/// Comparisons of runs, to be written down.
package struct ComparisonReport: Sendable {
  private let comparisons: [RunComparison]

  /// A report on comparisons.
  package init(_ comparisons: [RunComparison]) { self.comparisons = comparisons }

  /// Number of comparisons.
  package var count: Int { comparisons.count }

  /// Hands the report over.
  package func write(
    _ format: ReportFormat, _ output: (String) throws(Failure) -> Void
  ) throws(Failure) {
    switch format {
    case .tsv: try writeTSV(output)
    case .json: try writeJSON(output)
    case .table: try output(TextGrid(header: header, rows: rows, labels: 3).plain)
    case .markdown: try output(TextGrid(header: header, rows: rows, labels: 3).markdown)
    case .latex: try output(TextGrid(header: header, rows: rows, labels: 3).latex)
    }
  }

  private static func text(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? "\(value)"
  }

  private func writeTSV(_ output: (String) throws(Failure) -> Void) throws(Failure) {
    for comparison in comparisons {
      let start = "\(comparison.measure)\t\(comparison.baseline)\t\(comparison.run)\t"
      for (name, value) in comparison.statistics {
        try output("\(start)\(name)\t\(Self.text(value))\n")
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
      try output(line + "}")
      separator = ","
    }
    try output(comparisons.isEmpty ? "[]\n" : "\n]\n")
  }

  /// What a table has room for.
  private static let shown = [
    "difference", "ci_low", "ci_high", "wins", "ties", "losses", "t_p_holm", "wilcoxon_p_holm",
    "randomisation_p_holm", "tukey_p", "tost_p", "cohen_d",
  ]

  private var header: [String] { ["measure", "baseline", "run"] + Self.shown + [""] }

  private var rows: [[String]] {
    comparisons.map { comparison in
      let values = Self.shown.map { name in
        let value = comparison.value(name) ?? .nan
        if value.isNaN { return "-" }
        let isCount = ["wins", "ties", "losses"].contains(name)
        return isCount ? "\(Int(value))" : DecimalText.fixed(value, 4)
      }
      return [comparison.measure, comparison.baseline, comparison.run] + values
        + [Self.mark(comparison.value("t_p_holm") ?? .nan)]
    }
  }

  /// Stars for the corrected p of the t-test: below 0.05, 0.01, 0.001.
  static func mark(_ p: Double) -> String {
    p < 0.001 ? "***" : p < 0.01 ? "**" : p < 0.05 ? "*" : ""
  }
}

/// Cells in rows.
struct TextGrid {
  let header: [String]
  let rows: [[String]]
  /// Number of columns, from the left, that are text.
  let labels: Int

  /// Columns that line up.
  var plain: String {
    let widths = header.indices.map { i in ([header] + rows).map { $0[i].count }.max() ?? 0 }
    return ([header] + rows).map { row in
      var cells: [String] = []
      for (i, cell) in row.enumerated() {
        let space = String(repeating: " ", count: widths[i] - cell.count)
        cells.append(i < labels || i == row.count - 1 ? cell + space : space + cell)
      }
      var line = cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  /// A table in Markdown.
  var markdown: String {
    func row(_ cells: [String]) -> String {
      "| "
        + cells.map { $0.replacing("|", with: "\\|").replacing("*", with: "\\*") }
        .joined(separator: " | ") + " |\n"
    }
    let rule = header.indices.map { $0 < labels ? ":--" : "--:" }
    return row(header) + row(rule) + rows.map(row).joined()
  }

  /// A table in LaTeX for the package booktabs.
  var latex: String {
    func row(_ cells: [String]) -> String {
      cells.map(Report.latex).joined(separator: " & ") + " \\\\\n"
    }
    let alignment =
      String(repeating: "l", count: labels)
      + String(repeating: "r", count: header.count - labels)
    return "\\begin{tabular}{\(alignment)}\n\\toprule\n" + row(header) + "\\midrule\n"
      + rows.map(row).joined() + "\\bottomrule\n\\end{tabular}\n"
  }
}
