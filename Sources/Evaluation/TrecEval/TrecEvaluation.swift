import Failures
import Records

/// What trec_eval prints for judgements and a run.
package struct TrecEvaluation {
  private let options: TrecOptions
  private let columns: [TrecColumn]
  private let source: any TrecJudgements
  private let run: Run
  private let zScores: ZScores?

  /// Reads what the options name.
  ///
  /// - Throws: 64 where the measures make no sense, 65 where a file is malformed.
  package init(_ options: TrecOptions) throws(Failure) {
    self.options = options
    let requests =
      options.measures.isEmpty
      ? [TrecOptions.Request(name: "official")] : options.measures
    let builder = TrecColumnBuilder(level: options.level, documents: options.documents)
    var columns: [TrecColumn] = []
    for (measure, parameters) in try TrecMeasure.resolve(requests) {
      try Self.check(measure, options.format)
      columns += try builder.columns(measure, parameters)
    }
    self.columns = columns
    let path = options.operands[0]
    source =
      switch options.format {
      case .qrels: try TrecQrels(path)
      case .groups: try JudgeGroups(path)
      case .preferences: try Preferences(path, hasGroups: true)
      case .qrelsPreferences: try Preferences(path, hasGroups: false)
      }
    run = try RunReader.read(options.operands[1], format: .trecEval)
    guard run.count > 0 else { throw .data(run.name, "expected a run, found no line of one") }
    zScores = if let path = options.zScores { try ZScores(path) } else { nil }
  }

  private static func check(
    _ measure: TrecMeasure, _ format: TrecOptions.JudgementFormat
  ) throws(Failure) {
    let fits =
      switch (measure.subject, format) {
      case (.run, _), (.qrels, .qrels), (.groups, .groups), (.preferences, .preferences),
        (.preferences, .qrelsPreferences):
        true
      default: false
      }
    if !fits {
      throw .usage("trec_eval: cannot calculate '\(measure.name)' from -R \(format.rawValue)")
    }
  }

  /// Hands over the lines, those of queries first.
  package func write(_ output: (String) throws(Failure) -> Void) throws(Failure) {
    var sums = [Double](repeating: 0, count: columns.count)
    var count = 0
    for query in source.queries {
      if let only = options.onlyQuery, query != RecordID(only) { continue }
      let found = run.queries.find(query)
      if found == nil, !options.complete { continue }
      let input = try source.input(query, run, found, options)
      let id = query.description
      count += 1
      for (i, column) in columns.enumerated() {
        if case .grades(let length) = column.source {
          let text = found == nil && column.name == "relstring" ? "" : input.gradeText(length)
          if options.perQuery { try output(Self.line(column.name, id, "'\(text)'")) }
          continue
        }
        if !column.isNumber { continue }
        var value = try input.value(column)
        if found == nil { value = Self.absent(column, value) }
        if column.aggregation == .geometricMean { value = MeasureAggregation.floorLog(value) }
        if let zScores { value = zScores.score(value, column.name, query: query) }
        sums[i] += value
        if options.perQuery, column.isPerQuery { try output(line(column, id, value)) }
      }
    }
    guard count > 0 else {
      throw .data(
        run.name, "expected queries that \(options.operands[0]) judges, found none of them")
    }
    if options.summary { try writeSummary(sums, count, output) }
  }

  /// What trec_eval makes of a query that the run lacks: it ranks one document that nobody judged,
  /// and takes back what that does to some measures.
  private static func absent(_ column: TrecColumn, _ value: Double) -> Double {
    let isUndone = ["num_ret", "utility", "rbp_resid"].contains(column.name)
    return isUndone || column.name.hasPrefix("unj") ? 0 : value
  }

  private func writeSummary(
    _ sums: [Double], _ count: Int, _ output: (String) throws(Failure) -> Void
  ) throws(Failure) {
    for (column, sum) in zip(columns, sums) {
      switch column.source {
      case .runID: try output(Self.line("runid", "all", run.tag))
      case .grades: break
      case .queryCount: try output(line(column, "all", Double(count)))
      default:
        var value = sum
        switch column.aggregation {
        case .mean, .definedMean: value /= Double(count)
        case .geometricMean: value = MeasureAggregation.exponential(sum / Double(count))
        case .sum:
          // With -c trec_eval counts what is above 0, whatever -l says.
          if options.complete, column.name == "num_rel" { value = Double(source.relevantCount) }
        }
        try output(line(column, "all", value))
      }
    }
  }

  private func line(_ column: TrecColumn, _ query: String, _ value: Double) -> String {
    let isCount = column.aggregation == .sum
    let name = zScores == nil ? column.name : "Z" + Self.padded(column.name)
    if zScores == nil, isCount { return Self.line(name, query, "\(Int(value))") }
    return Self.line(name, query, DecimalText.fixed(value, 4, width: 6))
  }

  private static func padded(_ name: String) -> String {
    name + String(repeating: " ", count: max(0, 22 - name.utf8.count))
  }

  private static func line(_ name: String, _ query: String, _ value: String) -> String {
    "\(padded(name))\t\(query)\t\(value)\n"
  }
}
