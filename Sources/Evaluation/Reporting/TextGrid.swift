/// Cells in rows under a header, to be written in one of several notations.
struct TextGrid {
  /// One cell.
  struct Cell {
    var text: String
    /// Whether the cell is the best of its column.
    var isBest = false
    /// What stands behind the text, raised where the notation can: stars, letters.
    var mark = ""

    init(_ text: String, isBest: Bool = false, mark: String = "") {
      self.text = text
      self.isBest = isBest
      self.mark = mark
    }
  }

  let header: [String]
  let rows: [[Cell]]
  /// Number of columns, from the left, that are text.
  let labels: Int
  /// What the marks mean; empty where there are none.
  var legend = ""

  /// Columns that line up; `bold` stands around the best.
  func plain(bold: (String, String) = ("", "")) -> String {
    let widths = header.indices.map { i in
      max(header[i].count, rows.map { $0[i].text.count + markWidth(i) }.max() ?? 0)
    }
    func space(_ count: Int) -> String { String(repeating: " ", count: count) }
    func line(_ cells: [String]) -> String {
      var text = cells.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }
    var text = line(
      header.enumerated().map { i, name in
        i < labels ? name + space(widths[i] - name.count) : space(widths[i] - name.count) + name
      })
    for row in rows {
      text += line(
        row.enumerated().map { i, cell in
          let mark = cell.mark + space(markWidth(i) - cell.mark.count)
          let margin = space(widths[i] - cell.text.count - mark.count)
          let shown = cell.isBest ? bold.0 + cell.text + bold.1 : cell.text
          return i < labels ? shown + mark + margin : margin + shown + mark
        })
    }
    return text + (legend.isEmpty ? "" : legend + "\n")
  }

  private func markWidth(_ column: Int) -> Int { rows.map { $0[column].mark.count }.max() ?? 0 }

  /// A table in Markdown, the best in bold.
  var markdown: String {
    func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
    let rule = header.indices.map { $0 < labels ? ":--" : "--:" }
    var text = row(header.map(Self.markdown)) + row(rule)
    for cells in rows {
      text += row(
        cells.map { cell in
          let value = Self.markdown(cell.text)
          return (cell.isBest ? "**\(value)**" : value) + Self.markdown(cell.mark)
        })
    }
    return text + (legend.isEmpty ? "" : "\n" + Self.markdown(legend) + "\n")
  }

  /// A table in LaTeX for the package booktabs, the best in bold.
  var latex: String {
    func row(_ cells: [String]) -> String { cells.joined(separator: " & ") + " \\\\\n" }
    let alignment =
      String(repeating: "l", count: labels) + String(repeating: "r", count: header.count - labels)
    var text = "\\begin{tabular}{\(alignment)}\n\\toprule\n" + row(header.map(Self.latex))
    text += "\\midrule\n"
    for cells in rows {
      text += row(
        cells.map { cell in
          let value = Self.latex(cell.text)
          return (cell.isBest ? "\\textbf{\(value)}" : value)
            + (cell.mark.isEmpty ? "" : "\\textsuperscript{\(cell.mark)}")
        })
    }
    text += "\\bottomrule\n\\end{tabular}\n"
    return legend.isEmpty
      ? text : text + "\n\\smallskip\n{\\footnotesize \(Self.latex(legend))}\n"
  }

  /// Text with what means something in a table of Markdown escaped.
  private static func markdown(_ text: String) -> String {
    var escaped = ""
    for character in text {
      if "\\|*`<".contains(character) { escaped += "\\" }
      escaped.append(character)
    }
    return escaped
  }

  /// Text with LaTeX's special characters escaped.
  private static func latex(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "\\": escaped += "\\textbackslash{}"
      case "~": escaped += "\\textasciitilde{}"
      case "^": escaped += "\\textasciicircum{}"
      case "<": escaped += "\\textless{}"
      case ">": escaped += "\\textgreater{}"
      case "&", "%", "$", "#", "_", "{", "}": escaped += "\\\(character)"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}

extension ReportFormat {
  /// A grid in this notation; TSV and JSON have other forms.
  func text(_ grid: TextGrid, isTerminal: Bool) -> String {
    switch self {
    case .markdown: grid.markdown
    case .latex: grid.latex
    default: grid.plain(bold: isTerminal ? ("\u{1B}[1m", "\u{1B}[0m") : ("", ""))
    }
  }
}
