import Evaluation
import Failures
import Records
import Streams
import ToolSupport

/// One call of `lir-eval`.
struct EvaluationJob {
  let command: Evaluate
  let context: ToolContext
  let measures: [NamedMeasure]

  init(_ command: Evaluate, _ context: ToolContext) throws(Failure) {
    self.command = command
    self.context = context
    measures = try MeasureRegistry.measures(
      command.measure.isEmpty ? Evaluate.defaultMeasures : command.measure, judged: command.judged
    ) { [diagnostics = context.diagnostics] name, ours in
      diagnostics.note("trec_eval's \(name) is \(ours)")
    }
  }

  func run() throws(Failure) {
    let operands = try Operands.resolve(command.runs)
    try checkNames(operands)
    if Set(operands).count < operands.count {
      throw .usage("expected each run once, found \(Self.repeated(operands)) twice")
    }
    let names = try command.tables.names(of: operands)
    try checkComparison(operands, names)
    if command.residuals, command.ties == .bounds {
      throw .usage("--residuals: expected one order of ties, found --ties bounds")
    }
    try command.keeping.check(inputs: operands + command.qrels, output: command.output.output)
    let qrels = command.qrels.isEmpty ? nil : try readQrels()
    var evaluations: [Evaluation] = []
    var report = try ReportJob(command, context)
    if command.keeping.resume {
      // A table says nothing of what made it: one that is there is made again, and a message says so.
      _ = try FinishedOutput(command.output, shard: nil, context.diagnostics)
        .isThere(text: nil, calling: [:])
    }
    for (operand, name) in zip(operands, names) {
      evaluations.append(try evaluation(of: operand, called: name, qrels, &report))
    }
    let baseline = command.comparison.baseline.map { wanted in
      operands.firstIndex(of: wanted).map { names[$0] } ?? wanted
    }
    if command.comparison.isWanted {
      try compare(evaluations, baseline)
    } else {
      let values = Report(evaluations, perQuery: command.perQuery, digits: command.tables.digits)
      try write(records: values.rowCount) { format, writer throws(Failure) in
        try values.write(format, isTerminal: writer.isTerminal) { text throws(Failure) in
          try writer.write(text)
        }
      }
    }
    // Last, so that what is refused on the way leaves none.
    try report.write(evaluations, baseline: baseline)
  }

  /// Refuses what no comparison can be, before anything is read or written.
  private func checkComparison(_ operands: [String], _ names: [String]) throws(Failure) {
    _ = try command.output.compression()
    if command.comparison.isWanted || command.report.isWanted {
      _ = try command.comparison.options(seed: command.common.seed.value)
    }
    guard command.comparison.isWanted else {
      if command.tables.summary { throw .usage("--summary is for --compare") }
      return
    }
    guard operands.count > 1 else {
      throw .usage("--compare: expected at least two runs, found \(operands.count)")
    }
    if command.tables.summary, command.format?.isTable == false {
      throw .usage("--summary is for tables", hint: "--format table, markdown or latex")
    }
    if let baseline = command.comparison.baseline, !(operands + names).contains(baseline) {
      throw .usage(
        "expected one of the runs as the baseline, found '\(baseline)'",
        hint: "the runs are \(names.joined(separator: ", "))")
    }
  }

  private func compare(_ evaluations: [Evaluation], _ baseline: String?) throws(Failure) {
    var options = try command.comparison.options(seed: command.common.seed.value)
    options.baseline = baseline
    let comparisons = try RunComparison.compare(evaluations, options)
    let report = ComparisonReport(
      comparisons, perQuery: command.perQuery, digits: command.tables.digits)
    let marks = SignificanceMarks(evaluations, comparisons, baseline: options.baseline)
    try write(records: report.count) { format, writer throws(Failure) in
      if format.isTable {
        let end = command.tables.summary ? "" : "\n"
        try Report(evaluations, perQuery: false, digits: command.tables.digits).write(
          format, isTerminal: writer.isTerminal, marks: marks
        ) { text throws(Failure) in try writer.write(text + end) }
      }
      if command.tables.summary { return }
      try report.write(format) { text throws(Failure) in try writer.write(text) }
    }
  }

  /// The order of ties that all measures have; nil where each has its own.
  private var tieOrder: TieOrder? { command.ties == .rank ? .rank : nil }

  /// What has to be kept of runs for the orders of ties.
  var details: RunDetails {
    measures.reduce(tieOrder?.details ?? []) { $0.union(tieOrder == nil ? $1.ties.details : []) }
  }

  func evaluate(_ run: Run, _ evaluator: Evaluator) throws(Failure) -> Evaluation {
    if command.ties == .bounds { return try bounds(run, evaluator) }
    if command.ties == .rank {
      try evaluator.checkRanks(run)
    } else {
      warnOfTies(run, evaluator)
    }
    let evaluation = try evaluator.evaluate(run, over: command.averageOver, ties: tieOrder)
    if !command.residuals { return evaluation }
    let residuals = try evaluator.residuals(run, over: command.averageOver, ties: tieOrder)
    guard !residuals.measures.isEmpty else {
      throw .usage(
        "--residuals: expected a measure that has one, found none",
        hint: "P, RR, Success, ERR, RBP and rbp have one")
    }
    return evaluation.interleaved(residuals)
  }

  private func bounds(_ run: Run, _ evaluator: Evaluator) throws(Failure) -> Evaluation {
    let (evaluation, sampled) = try evaluator.bounds(
      run, over: command.averageOver, seed: command.common.seed.value)
    for (measure, queries) in sampled {
      context.diagnostics.warning(
        "\(run.name): \(measure): in \(queries) queries there are too many orders of ties; they "
          + "count with what \(Evaluator.sampledOrders) random ones give")
    }
    return evaluation
  }

  private func warnOfTies(_ run: Run, _ evaluator: Evaluator) {
    for cutoff in Set(measures.compactMap(\.cutoff)).sorted() {
      let count = evaluator.straddlingTies(run, cutoff: cutoff)
      if count == 0 { continue }
      context.diagnostics.warning(
        "\(run.name): in \(count) of \(run.queries.count) queries a tie at rank \(cutoff) decides "
          + "the measures @\(cutoff); --ties bounds says how much")
    }
  }

  /// Says of recall at a cutoff that a run does not reach that it is recall at less.
  func warnOfDepth(_ run: Run, _ evaluation: Evaluation) {
    let depth = (0..<run.queries.count).lazy.map { run.entries(of: $0).count }.max() ?? 0
    for (i, measure) in evaluation.measures.enumerated() where measure.measure is Recall {
      guard let cutoff = measure.cutoff, cutoff > depth,
        evaluation.values[i].contains(where: { $0 < 1 })
      else { continue }
      context.diagnostics.warning(
        "\(run.name): \(measure.name) of a run with at most \(depth) documents a query is recall at "
          + "\(depth)")
    }
  }

  /// Says of operands that are no files, but measures, what they are.
  private func checkNames(_ operands: [String]) throws(Failure) {
    for operand in operands where operand != "-" && !WholeFile.exists(operand) {
      let isMeasure = (try? MeasureRegistry.measures([operand], judged: false)) != nil
      throw Failure(
        .noInput, at: operand, "No such file or directory",
        hint: isMeasure ? "for another measure say -m \(operand)" : nil)
    }
  }

  private static func repeated(_ operands: [String]) -> String {
    operands.indices.first { operands[..<$0].contains(operands[$0]) }.map { operands[$0] } ?? ""
  }

  private func readQrels() throws(Failure) -> Qrels {
    let wantsSubtopics = measures.contains { $0.measure.needs.contains(.subtopics) }
    let qrels = try Qrels.read(
      command.qrels, repeated: wantsSubtopics ? .subtopics : .agreeing, allowsFractions: true)
    guard qrels.count > 0 else {
      throw .data(qrels.name, "expected judgements, found no line of one")
    }
    if wantsSubtopics, qrels.subtopicCount == 1 {
      context.diagnostics.warning(
        "\(qrels.name): there is one subtopic alone, so that measures of diversity say little; "
          + "the second column names subtopics")
    }
    return qrels
  }

  /// Says which queries are not on both sides.
  func say(_ counts: QueryCounts, of run: String) throws(Failure) {
    let text =
      "\(counts.both) queries in both, \(counts.onlyInQrels) in the qrels alone, "
      + "\(counts.onlyInRun) in the run alone"
    if counts.onlyInQrels == 0, counts.onlyInRun == 0 {
      return context.diagnostics.note("\(run): \(text)")
    }
    if command.strict {
      throw Failure(
        .refused, at: run, "expected the queries of the qrels, found \(text)",
        hint: "without --strict, --average-over says which queries count")
    }
    let rule =
      switch command.averageOver {
      case .both: "only the first count"
      case .qrels: "those in the qrels count"
      case .run: "those in the run count"
      }
    context.diagnostics.warning("\(run): \(text); \(rule)")
  }

  private func write(
    records: Int, _ body: (ReportFormat, ByteWriter) throws(Failure) -> Void
  ) throws(Failure) {
    let writer = try ByteWriter(
      command.output.output, compression: try command.output.compression(), checksumText: true)
    let isTable = writer.isTerminal || command.tables.summary
    let format = command.format ?? (isTable ? .table : .tsv)
    try body(format, writer)
    try writer.finishText(records: records, provenance: nil)
  }
}
