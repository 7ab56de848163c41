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
  private let plotFile: ByteWriter?
  private let pageFile: ByteWriter?

  /// Opens the files, so that a place that cannot be written is known before there is work.
  init(_ command: Evaluate, _ context: ToolContext) throws(Failure) {
    self.command = command
    self.context = context
    limits = try command.report.limits(digits: command.tables.digits)
    try command.report.check(command.output.output)
    func file(_ path: String?) throws(Failure) -> ByteWriter? {
      guard let path else { return nil }
      return try ByteWriter(path)
    }
    plotFile = try file(command.report.plot)
    pageFile = try file(command.report.report)
  }

  /// Keeps what the files need of a run that is called `name`.
  mutating func add(_ run: Run, _ qrels: Qrels, name: String) throws(Failure) {
    guard command.report.isWanted else { return }
    let evaluator = Evaluator(
      qrels: qrels, measures: try RecallCurves.measures(), droppingSelf: command.dropSelf,
      pool: context.pool)
    var curve = try evaluator.evaluate(run, over: command.averageOver)
    curve.run = name
    curves.append(curve)
    if command.report.report == nil { return }
    runs.append(run)
    self.qrels.append(qrels)
  }

  /// Writes the files.
  ///
  /// - Parameters:
  ///   - evaluations: The values of the runs.
  ///   - baseline: The run that others are compared with; nil for the first.
  /// - Throws: 65 for a malformed text record, 73 where a file cannot be made.
  func write(_ evaluations: [Evaluation], baseline: String?) throws(Failure) {
    guard command.report.isWanted else { return }
    var comparisons: [RunComparison] = []
    let baseline = baseline ?? evaluations.first?.run
    if evaluations.count > 1 {
      var options = try command.comparison.options(seed: command.common.seed.value)
      options.baseline = baseline
      comparisons = try RunComparison.compare(evaluations, options)
    }
    let recall = RecallCurves(curves).plot()
    if let plotFile {
      let bars = EvaluationPlots(evaluations, comparisons).bars(measure: 0)
      try plotFile.write(Plot.file(bars + [recall]))
      try plotFile.finish()
    }
    guard let pageFile else { return }
    var page = ReportPage(
      runs: runs, qrels: qrels, evaluations, comparisons, curves: recall, baseline: baseline,
      limits: limits)
    page.title = command.report.title
    var texts = ReportTexts(page, runs, depth: limits.documents)
    try texts.read(
      queries: command.report.queriesText, docs: command.report.docs, command.records.records(),
      queryOptions: command.queryFields.records(command.records.records()),
      warn: context.diagnostics.warning)
    context.count(skipped: texts.skipped)
    page.queryText = { [texts] in texts.query($0) }
    page.docText = { [texts] in texts.doc($0) }
    for (run, evaluation) in zip(runs, evaluations) where WholeFile.isRegular(run.name) {
      if let text = try RunMetadata.read(run.name) { page.metadata.append((evaluation.run, text)) }
    }
    try page.write { text throws(Failure) in try pageFile.write(text) }
    try pageFile.finish()
  }
}
