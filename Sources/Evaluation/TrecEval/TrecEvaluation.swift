import Failures
import Records
import Workers

/// What trec_eval prints for judgements and a run.
package struct TrecEvaluation {
  private let options: TrecOptions
  private let columns: [TrecColumn]
  private let source: any TrecJudgements
  private let run: Run
  private let zScores: ZScores?
  private let pool: WorkerPool

  /// Reads what the options name.
  ///
  /// - Throws: 64 where the measures make no sense, 65 where a file is malformed.
  package init(
    _ options: TrecOptions, pool: WorkerPool = WorkerPool(threads: 1)
  ) throws(Failure) {
    self.options = options
    self.pool = pool
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
    run = try RunReader.read(options.operands[1], format: .trecEval, pool: pool)
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
    let queries = source.queries.compactMap { query -> (RecordID, Int?)? in
      if let only = options.onlyQuery, query != RecordID(only) { return nil }
      let found = run.queries.find(query)
      return found == nil && !options.complete ? nil : (query, found)
    }
    guard !queries.isEmpty else {
      throw .data(
        run.name, "expected queries that \(options.operands[0]) judges, found none of them")
    }
    let rows = Results<[Cell]>(queries.count)
    try pool.forEach(queries.count) { index, _ throws(Failure) in
      rows.set(index, try row(queries[index].0, queries[index].1))
    }
    var sums = [Double](repeating: 0, count: columns.count)
    for (index, (query, _)) in queries.enumerated() {
      let id = options.perQuery ? query.description : ""
      for (i, cell) in rows.take(index).enumerated() {
        switch cell {
        case .none: break
        case .text(let text):
          if options.perQuery { try output(Self.line(columns[i].name, id, "'\(text)'")) }
        case .number(let value):
          sums[i] += value
          if options.perQuery, columns[i].isPerQuery { try output(line(columns[i], id, value)) }
        }
      }
    }
    if options.summary { try writeSummary(sums, queries.count, output) }
  }

  /// What a column says of a query.
  private enum Cell: Sendable {
    case none
    case text(String)
    case number(Double)
  }

  /// What the columns say of a query; `found` is its number in the run.
  private func row(_ query: RecordID, _ found: Int?) throws(Failure) -> [Cell] {
    let input = try source.input(query, run, found, options)
    var cells: [Cell] = []
    for column in columns {
      if case .grades(let length) = column.source {
        let isEmpty = found == nil && column.name == "relstring"
        cells.append(.text(isEmpty ? "" : input.gradeText(length)))
        continue
      }
      if !column.isNumber {
        cells.append(.none)
        continue
      }
      var value = try input.value(column)
      if found == nil { value = Self.absent(column, value) }
      if column.aggregation == .geometricMean { value = MeasureAggregation.floorLog(value) }
      if let zScores { value = zScores.score(value, column.name, query: query) }
      cells.append(.number(value))
    }
    return cells
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
    if zScores == nil, isCount { return Self.line(name, query, "\(Int(clamping: value))") }
    return Self.line(name, query, DecimalText.fixed(value, 4, width: 6))
  }

  private static func padded(_ name: String) -> String {
    name + String(repeating: " ", count: max(0, 22 - name.utf8.count))
  }

  private static func line(_ name: String, _ query: String, _ value: String) -> String {
    "\(padded(name))\t\(query)\t\(value)\n"
  }
}
