/// Tables with a run a line and a measure a column; with the values of queries, a query a line.
extension Report {
  /// A line of a table.
  struct Line {
    var labels: [String]
    /// Texts of the values; nil where the run lacks the query.
    var values: [String?]
    /// Which values are the best of their column.
    var isBest: [Bool]
  }

  /// The names of the columns.
  var columns: [String] {
    ["run"] + (perQuery ? ["query"] : []) + (evaluations.first?.measures.map(\.name) ?? [])
  }

  /// The lines: those of queries first.
  var lines: [Line] {
    var lines: [Line] = []
    for evaluation in evaluations {
      if perQuery {
        for (q, query) in evaluation.queries.enumerated() {
          let texts = evaluation.measures.indices.map {
            evaluation.measures[$0].fixedText(evaluation.values[$0][q])
          }
          lines.append(
            Line(
              labels: [evaluation.run, query.description], values: texts,
              isBest: texts.map { _ in false }))
        }
      }
      let texts = evaluation.measures.indices.map {
        evaluation.measures[$0].fixedText(evaluation.aggregate($0))
      }
      lines.append(
        Line(
          labels: [evaluation.run] + (perQuery ? [Self.all] : []), values: texts,
          isBest: evaluation.measures.indices.map { isBest(evaluation, $0) }))
    }
    return lines
  }

  /// Whether no run has more; counts and single runs have no best.
  private func isBest(_ evaluation: Evaluation, _ measure: Int) -> Bool {
    if evaluations.count < 2 { return false }
    if evaluation.measures[measure].description.aggregation == .sum { return false }
    let value = evaluation.aggregate(measure)
    return evaluations.allSatisfy { $0.aggregate(measure) <= value }
  }

  /// Columns that line up; `bold` stands around the best.
  func table(bold: (String, String)) -> String {
    let lines = lines
    let labelCount = perQuery ? 2 : 1
    var widths = columns.map(\.count)
    for line in lines {
      for (i, text) in (line.labels + line.values.map { $0 ?? "-" }).enumerated() {
        widths[i] = max(widths[i], text.count)
      }
    }
    func pad(_ text: String, _ column: Int) -> String {
      let space = String(repeating: " ", count: widths[column] - text.count)
      return column < labelCount ? text + space : space + text
    }
    var text =
      columns.enumerated().map { pad($1, $0) }.joined(separator: "  ") + "\n"
    for line in lines {
      var cells = line.labels.enumerated().map { pad($1, $0) }
      for (i, value) in line.values.enumerated() {
        let cell = pad(value ?? "-", i + labelCount)
        cells.append(line.isBest[i] ? bold.0 + cell + bold.1 : cell)
      }
      text += cells.joined(separator: "  ") + "\n"
    }
    return text
  }

  /// A table in Markdown, the best in bold.
  var markdown: String {
    let labelCount = perQuery ? 2 : 1
    func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
    func escape(_ text: String) -> String { text.replacing("|", with: "\\|") }
    var text = row(columns.map(escape))
    text += row(columns.indices.map { $0 < labelCount ? ":--" : "--:" })
    for line in lines {
      let values = zip(line.values, line.isBest).map { value, isBest in
        isBest ? "**\(value ?? "-")**" : value ?? "-"
      }
      text += row(line.labels.map(escape) + values)
    }
    return text
  }

  /// A table in LaTeX for the package booktabs, the best in bold.
  var latex: String {
    let labelCount = perQuery ? 2 : 1
    func row(_ cells: [String]) -> String { cells.joined(separator: " & ") + " \\\\\n" }
    let alignment =
      String(repeating: "l", count: labelCount)
      + String(repeating: "r", count: columns.count - labelCount)
    var text = "\\begin{tabular}{\(alignment)}\n\\toprule\n" + row(columns.map(Self.latex))
    text += "\\midrule\n"
    for line in lines {
      let values = zip(line.values, line.isBest).map { value, isBest in
        isBest ? "\\textbf{\(value ?? "-")}" : value ?? "-"
      }
      text += row(line.labels.map(Self.latex) + values)
    }
    return text + "\\bottomrule\n\\end{tabular}\n"
  }

  /// Text with LaTeX's special characters escaped.
  static func latex(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "\\": escaped += "\\textbackslash{}"
      case "~": escaped += "\\textasciitilde{}"
      case "^": escaped += "\\textasciicircum{}"
      case "&", "%", "$", "#", "_", "{", "}": escaped += "\\\(character)"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
