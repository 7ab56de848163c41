import Failures
import JSON
import Records

/// How values are written down.
package enum ReportFormat: String, Sendable, CaseIterable {
  /// Columns that line up, a run a line.
  case table
  /// `run<TAB>measure<TAB>query<TAB>value`.
  case tsv
  /// A list of `{"run","measure","query","value"}`.
  case json
  /// A table in Markdown.
  case markdown
  /// A table in LaTeX, for the package booktabs.
  case latex

  /// Whether the values stand in rows and columns, for people.
  package var isTable: Bool { self != .tsv && self != .json }

  /// Decimals of values in a table, where nobody says how many.
  func digits(isTerminal: Bool) -> Int { self == .table && !isTerminal ? 6 : 4 }
}

/// The values of some runs, to be written down.
package struct Report: Sendable {
  /// What stands in the place of a query for the value over all.
  package static let all = "all"

  let evaluations: [Evaluation]
  let perQuery: Bool
  /// Decimals of the values; nil for what each format has.
  private let digits: Int?

  /// A report on evaluations by the same measures.
  ///
  /// - Parameters:
  ///   - evaluations: The values.
  ///   - perQuery: Whether those of every query are written, too.
  ///   - digits: Decimals of the values; nil for what each format has.
  package init(_ evaluations: [Evaluation], perQuery: Bool, digits: Int? = nil) {
    self.evaluations = evaluations
    self.perQuery = perQuery
    self.digits = digits
  }

  /// How many lines a report of one value a line has.
  package var rowCount: Int {
    evaluations.reduce(0) { $0 + $1.measures.count * (perQuery ? $1.queries.count + 1 : 1) }
  }

  /// Hands the report over, piece by piece.
  package func write(
    _ format: ReportFormat, isTerminal: Bool = false, marks: SignificanceMarks? = nil,
    _ output: (String) throws(Failure) -> Void
  ) throws(Failure) {
    switch format {
    case .tsv: try writeTSV(output)
    case .json: try writeJSON(output)
    case .table, .markdown, .latex:
      let digits = digits ?? format.digits(isTerminal: isTerminal)
      try output(format.text(grid(marks, digits: digits), isTerminal: isTerminal))
    }
  }

  /// Calls `body` with every value: those of the queries, then the one over all.
  private func forEachValue(
    _ body: (_ run: String, _ measure: NamedMeasure, _ query: String, _ value: Double)
      throws(Failure) -> Void
  ) throws(Failure) {
    for evaluation in evaluations {
      for (i, measure) in evaluation.measures.enumerated() {
        if perQuery {
          for (query, value) in zip(evaluation.queries, evaluation.values[i])
          where !value.isNaN {
            try body(evaluation.run, measure, query.description, value)
          }
        }
        try body(evaluation.run, measure, Self.all, evaluation.aggregate(i))
      }
    }
  }

  private func writeTSV(_ output: (String) throws(Failure) -> Void) throws(Failure) {
    try forEachValue { run, measure, query, value throws(Failure) in
      try output("\(run)\t\(measure.name)\t\(query)\t\(measure.text(value, digits))\n")
    }
  }

  private func writeJSON(_ output: (String) throws(Failure) -> Void) throws(Failure) {
    var separator = "["
    try forEachValue { run, measure, query, value throws(Failure) in
      var line = separator + "\n{\"run\":"
      JSON.quote(run, to: &line)
      line += ",\"measure\":"
      JSON.quote(measure.name, to: &line)
      line += ",\"query\":"
      JSON.quote(query, to: &line)
      try output(line + ",\"value\":\(value.isFinite ? measure.text(value, digits) : "null")}")
      separator = ","
    }
    try output("\n]\n")
  }
}

extension NamedMeasure {
  /// A value as the shortest number that reads back the same; counts without a fraction.
  ///
  /// - Parameters:
  ///   - value: The value.
  ///   - digits: Decimals that it has instead; nil for the shortest number.
  /// - Returns: The text.
  package func text(_ value: Double, _ digits: Int? = nil) -> String {
    if let digits, value.isFinite { return fixedText(value, digits) }
    if description.aggregation == .sum, let count = Int(exactly: value) { return "\(count)" }
    return "\(value)"
  }

  /// A value with so many decimals; counts without any.
  package func fixedText(_ value: Double, _ digits: Int) -> String {
    if value.isNaN { return "-" }
    if description.aggregation == .sum, let count = Int(exactly: value) { return "\(count)" }
    return DecimalText.rounded(value, digits)
  }
}
