import Evaluation
import Failures
import Records
import Streams
import ToolSupport

/// The files of `--plot` and `--report`.
struct ReportJob {
  private let command: Evaluate
  private let context: ToolContext
  private let limits: ReportPage.Limits
  private var runs: [Run] = []
  private var qrels: [Qrels] = []
  private var curves: [Evaluation] = []

  init(_ command: Evaluate, _ context: ToolContext) throws(Failure) {
    self.command = command
    self.context = context
    limits = try command.report.limits()
    try command.report.check(command.output.output)
  }

  /// Keeps what the files need of a run.
  mutating func add(_ run: Run, _ qrels: Qrels) throws(Failure) {
    guard command.report.isWanted else { return }
    let evaluator = Evaluator(
      qrels: qrels, measures: try RecallCurves.measures(), droppingSelf: command.dropSelf,
      pool: context.pool)
    curves.append(try evaluator.evaluate(run, over: command.averageOver))
    if command.report.report == nil { return }
    runs.append(run)
    self.qrels.append(qrels)
  }

  /// Writes the files.
  func write(_ evaluations: [Evaluation]) throws(Failure) {
    guard command.report.isWanted else { return }
    var comparisons: [RunComparison] = []
    let baseline = command.comparison.baseline ?? evaluations.first?.run
    if evaluations.count > 1 {
      var options = try command.comparison.options(seed: command.common.seed.value)
      options.baseline = baseline
      comparisons = try RunComparison.compare(evaluations, options)
    }
    let recall = RecallCurves(curves).plot()
    if let path = command.report.plot {
      let bars = EvaluationPlots(evaluations, comparisons).bars(measure: 0)
      let writer = try ByteWriter(path)
      try writer.write(Plot.file(bars + [recall]))
      try writer.finish()
    }
    guard let path = command.report.report else { return }
    var page = ReportPage(
      runs: runs, qrels: qrels, evaluations, comparisons, curves: recall, baseline: baseline,
      limits: limits)
    try addTexts(&page)
    for run in runs where WholeFile.isRegular(run.name) {
      if let text = try RunMetadata.read(run.name) { page.metadata.append((run.name, text)) }
    }
    let writer = try ByteWriter(path)
    try page.write { text throws(Failure) in try writer.write(text) }
    try writer.finish()
  }

  /// The texts of files, else those that runs brought along.
  private func addTexts(_ page: inout ReportPage) throws(Failure) {
    var queryIDs = IDTable()
    for query in page.queries { _ = queryIDs.insert(query) }
    var (queries, docs) = (TextTable(queryIDs), TextTable(page.documents))
    for run in runs where run.texts != nil {
      for query in 0..<run.queries.count {
        queries[run.queries[query]] = run.queryText(query).map { Array($0.utf8) }
        for entry in run.entries(of: query).prefix(limits.documents) {
          docs[run.doc(entry)] = run.docText(entry).map { Array($0.utf8) }
        }
      }
    }
    let options = command.records.records()
    if let file = command.report.queriesText {
      try queries.read([file], options)
      warn(queries, "queries", file)
    }
    if !command.report.docs.isEmpty {
      try docs.read(command.report.docs, options)
      warn(docs, "documents", command.report.docs.joined(separator: " "))
    }
    context.count(skipped: queries.skipped + docs.skipped)
    let (queryTexts, docTexts) = (queries, docs)
    page.queryText = { id in queryTexts[id].map { String(decoding: $0, as: UTF8.self) } }
    page.docText = { id in docTexts[id].map { String(decoding: $0, as: UTF8.self) } }
  }

  private func warn(_ table: TextTable, _ what: String, _ file: String) {
    if let failure = table.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
    if table.missingCount > 0 {
      context.diagnostics.warning(
        "\(file): \(table.missingCount) of \(table.ids.count) \(what) of the report are not there")
    }
  }
}
