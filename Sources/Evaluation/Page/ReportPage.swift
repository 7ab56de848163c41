import Failures
import JSON
import Records

/// One page of HTML with everything about some runs: tables, plots, and each query's documents.
///
/// It needs nothing else: no network, no other file. Ids, names and texts are data to it, never
/// markup.
package struct ReportPage: Sendable {
  /// What the page shows of queries and documents.
  package struct Limits: Sendable {
    /// Documents of a run and query.
    package var documents = 10
    /// Queries with their documents: those where the runs differ most, or where one run is worst.
    package var queries = 1000
    /// Characters of a text.
    package var characters = 600
    /// Decimals of values.
    package var digits = 4

    package init() {}
  }

  let runs: [Run]
  let evaluations: [Evaluation]
  let comparisons: [RunComparison]
  /// The judgements of each run.
  let qrels: [Qrels]
  let curves: Plot
  let limits: Limits
  /// The run that others are compared with, by its number.
  let baseline: Int
  /// The queries of all evaluations.
  package let queries: [RecordID]
  /// The places of those that come with documents.
  let shown: Set<Int>
  /// What the page is called; nil for the names of its runs.
  package var title: String?
  /// Headers of runs that bring metadata along: the run's name, and YAML.
  package var metadata: [(run: String, text: String)] = []
  /// Texts of queries and documents by id; nil for those that are unknown.
  package var queryText: @Sendable (RecordID) -> String? = { _ in nil }
  package var docText: @Sendable (RecordID) -> String? = { _ in nil }

  /// A page about runs, their values and their comparisons with the run `baseline`.
  package init(
    runs: [Run], qrels: [Qrels], _ evaluations: [Evaluation], _ comparisons: [RunComparison],
    curves: Plot, baseline: String?, limits: Limits
  ) {
    self.runs = runs
    self.qrels = qrels
    self.evaluations = evaluations
    self.comparisons = comparisons
    self.curves = curves
    self.limits = limits
    self.baseline = evaluations.firstIndex { $0.run == baseline } ?? 0
    (queries, shown) = Self.queries(evaluations, most: limits.queries)
  }

  /// Hands the page over, piece by piece.
  package func write(_ output: (String) throws(Failure) -> Void) throws(Failure) {
    try output(head)
    try output(summary)
    if !comparisons.isEmpty { try output(comparisonTable) }
    try output(plots)
    if !metadata.isEmpty { try output(metadataSection) }
    try output(Self.querySection(limits, shown: shown.count, all: queries.count))
    try output("</main>\n<script type=\"application/json\" id=\"data\">")
    try writeData(output)
    try output("</script>\n<script>\n\(PageScript.text)</script>\n</body>\n</html>\n")
  }

  /// Names of files without the folders that they are in.
  private static func fileNames(_ paths: String) -> String {
    paths.split(separator: " ").map { $0.split(separator: "/").last.map(String.init) ?? "" }
      .joined(separator: " ")
  }

  private func escape(_ text: String) -> String { SVGDrawing.escape(text) }

  private var head: String {
    let title = title.map(escape)
    let judged = "\(evaluations.first?.queries.count ?? 0) queries"
    let names = runs.count == 1 ? "1 run" : "\(runs.count) runs"
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width,initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
      style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
      <meta name="generator" content="lir-eval">
      <title>\(title ?? "Evaluation of " + escape(evaluations.map(\.run).joined(separator: ", ")))</title>
      <style>
      \(PageStyle.text)@media (prefers-color-scheme:dark){\(SVGDrawing.darkStyle)}
      </style>
      </head>
      <body>
      <header><h1>\(title ?? "Evaluation")</h1>
      <p>\(names), \(judged), judged by <code>\(escape(Self.fileNames(qrels.first?.name ?? "")))</code></p>
      <nav aria-label="Sections"><a href="#values">Values</a>\
      \(comparisons.isEmpty ? "" : "<a href=\"#comparison\">Comparison</a>")\
      <a href="#plots">Plots</a>\(metadata.isEmpty ? "" : "<a href=\"#metadata\">Metadata</a>")\
      <a href="#queries">Queries</a></nav></header>
      <main>

      """
  }

  /// A table whose columns can be sorted; the texts are markup already.
  private func table(
    _ id: String, _ caption: String, _ header: [String], labels: Int, rows: [[String]]
  ) -> String {
    var text = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"\(caption)\">"
    text += "<table class=\"sortable\" id=\"\(id)\"><thead><tr>"
    for (i, name) in header.enumerated() {
      text += "<th scope=\"col\"\(i < labels ? "" : " class=\"n\"")>"
      text += "<button type=\"button\">\(name)</button></th>"
    }
    text += "</tr></thead>\n<tbody>\n"
    for row in rows {
      text += "<tr>"
      for (i, cell) in row.enumerated() {
        let name = header[i].replacing("\"", with: "&quot;")
        text +=
          i == 0
          ? "<th scope=\"row\">\(cell)</th>"
          : "<td\(i < labels ? "" : " class=\"n\"") data-name=\"\(name)\">"
        text += i == 0 ? "" : cell + "</td>"
      }
      text += "</tr>\n"
    }
    return text + "</tbody></table></div>\n"
  }

  private var summary: String {
    let report = Report(evaluations, perQuery: false)
    let marks =
      comparisons.isEmpty
      ? nil : SignificanceMarks(evaluations, comparisons, baseline: evaluations[baseline].run)
    let rows = evaluations.enumerated().map { i, evaluation in
      let name = "<i class=\"key k\(i % SVGDrawing.seriesCount)\"></i>" + escape(evaluation.run)
      let isBase = i == baseline && evaluations.count > 1
      return [name + (isBase ? " <small class=\"tag\">baseline</small>" : "")]
        + evaluation.measures.indices.map { measure in
          let value = escape(
            evaluation.measures[measure].fixedText(
              evaluation.aggregate(measure), limits.digits))
          let shown = report.isBest(evaluation, measure) ? "<b>\(value)</b>" : value
          let mark = marks?.mark(run: i, measure: measure) ?? ""
          return shown + (marks == nil ? "" : "<sup>\(mark)</sup>")
        }
    }
    let header = ["run"] + (evaluations.first?.measures.map { escape($0.name) } ?? [])
    return "<section id=\"values\"><h2>Values</h2>\n"
      + table("runs", "Values of the runs", header, labels: 1, rows: rows)
      + (marks.map { "<p class=\"note\">Best in bold. \(escape($0.legend))</p>" } ?? "")
      + "</section>\n"
  }

  /// What the page has room for, and how it is called there.
  private static let shown = [
    ("difference", "difference"), ("interval", "interval"), ("wins", "wins"), ("ties", "ties"),
    ("losses", "losses"), ("t_p_holm", "p t-test"), ("wilcoxon_p_holm", "p Wilcoxon"),
    ("randomisation_p_holm", "p random"), ("cohen_d", "Cohen’s d"),
  ]

  private func text(_ name: String, _ comparison: RunComparison) -> String {
    func fixed(_ name: String, _ decimals: Int = limits.digits) -> String {
      let text = DecimalText.rounded(comparison.value(name) ?? .nan, decimals)
      return text.replacing("-", with: "−")
    }
    if name == "interval" { return "\(fixed("ci_low")) … \(fixed("ci_high"))" }
    let value = comparison.value(name) ?? .nan
    if value.isNaN { return "–" }
    if ["wins", "ties", "losses"].contains(name) { return "\(Int(value))" }
    return name.contains("_p") && value < 0.0001 ? "&lt;0.0001" : fixed(name, max(4, limits.digits))
  }

  private var comparisonTable: String {
    let rows = comparisons.map { comparison in
      [escape(comparison.run), escape(comparison.measure)]
        + Self.shown.map { text($0.0, comparison) }
    }
    let header = ["run", "measure"] + Self.shown.map(\.1)
    return "<section id=\"comparison\"><h2>Against \(escape(evaluations[baseline].run))</h2>\n"
      + table("comparisons", "Comparison with the baseline", header, labels: 2, rows: rows)
      + "<p class=\"note\">Paired over queries. p-values are two-sided and corrected by Holm for the "
      + "number of runs; the t-test, Wilcoxon’s signed ranks, random signs. Intervals by bootstrap."
      + "</p></section>\n"
  }

  private var plots: String {
    let plots = EvaluationPlots(evaluations, comparisons)
    var text = "<section id=\"plots\"><h2>Plots</h2>\n"
    let measures = evaluations.first?.measures ?? []
    if measures.count > 1 {
      text += "<p><label>Measure <select id=\"plotted\">"
      for (i, measure) in measures.enumerated() {
        text += "<option value=\"\(i)\">\(escape(measure.name))</option>"
      }
      text += "</select></label></p>\n"
    }
    for i in measures.indices {
      text += "<div class=\"plots\" data-measure=\"\(i)\"\(i > 0 ? " hidden" : "")>\n"
      for plot in plots.bars(measure: i) { text += "<figure>\(plot.element)</figure>\n" }
      text += "</div>\n"
    }
    return text + "<div class=\"plots\"><figure>\(curves.element)</figure></div></section>\n"
  }

  private var metadataSection: String {
    var text = "<section id=\"metadata\"><h2>Metadata</h2>\n"
    for (run, yaml) in metadata {
      text += "<details><summary>\(escape(run))</summary><pre>\(escape(yaml))</pre></details>\n"
    }
    return text + "</section>\n"
  }

  private static func querySection(_ limits: Limits, shown: Int, all: Int) -> String {
    let documents = "the first \(limits.documents) documents of each run"
    let queries =
      shown < all
      ? "\(shown) of \(all) queries, those where the runs differ most (with one run, the worst), have"
      : "Each query has"
    return """
      <section id="queries"><h2>Queries</h2>
      <p class="tools"><label>Measure <select id="measure"></select></label>
      <label>Find <input id="find" type="search" placeholder="id or words"></label>
      <span id="count" role="status"></span></p>
      <div class="scroll" tabindex="0" role="region" aria-label="Values of queries">
      <table id="perquery"></table></div>
      <p><button type="button" id="more" class="plain" hidden>Show more queries</button></p>
      <p class="note">\(queries) \(documents), with texts of up to \(limits.characters) characters \
      where they were given. Open a query to see them.</p>
      <noscript><p class="note">The table of queries needs JavaScript.</p></noscript>
      </section>

      """
  }
}
