import ArgumentParser
import Evaluation
import Failures
import Records
import ToolSupport

/// `lir-eval`: runs and judgements to values of measures.
struct Evaluate: ToolCommand {
  static let tool = LirEval.name

  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Evaluate runs against relevance judgements.",
    usage: "lir-eval --qrels FILE [-m MEASURE]... [OPTIONS] [RUN...]",
    discussion: """
      Without -m the measures are \(defaultMeasures.joined(separator: " ")). Values are printed \
      with six decimals in tables, and as the shortest number that reads back the same in TSV and \
      JSON. A run is called what its file is called on the command line; the query of a mean (a \
      sum, for counts) is "all".
      """)

  static let examples = ["lir-eval --qrels qrels.txt -m nDCG@10 -m RR@10 first.run"]

  static let defaultMeasures = ["nDCG@10", "AP", "RR", "P@10", "R@1000"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  @Option(
    help: ArgumentHelp(
      """
      Judgements: TREC's four columns, three with a header, as BEIR has them, or a JSON object \
      {query: {doc: grade}}; several files are one. \
      (default: the grades in JSONL runs)
      """, valueName: "file"))
  var qrels: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      """
      Measures in ir-measures' notation, such as nDCG@10 or AP(rel=2), or trec_eval's, such as \
      ndcg_cut_10; several with commas between, or the option again.
      """,
      valueName: "name"))
  var measure: [String] = []

  @Option(
    help: """
      Form of the output: table, tsv, json, markdown or latex. (default: table on a terminal, \
      else tsv)
      """)
  var format: ReportFormat?

  @Flag(help: "Print the value of every query, too.")
  var perQuery = false

  @Option(
    help: """
      Queries that count: both (those that run and qrels have), qrels (a query that the run lacks \
      counts 0) or run (one without judgements counts 0).
      """)
  var averageOver: QuerySelection = .both

  @Option(
    help: """
      Form of the runs: auto, trec, trec_eval (more may follow the tag), jsonl, json (one object, \
      {query: {doc: score}}) or msmarco.
      """)
  var runFormat: RunFormat = .auto

  @Option(
    help: """
      Order of documents with equal scores: trec (by id, descending, or as the provider in a \
      measure's name has it), rank (by the ranks in the run) or bounds (the least, the expected and \
      the greatest value over all orders).
      """)
  var ties: TieRule = .trec

  @Flag(
    help: "Print Judged beside each measure, at its cutoff: how much of what it sees is judged.")
  var judged = false

  @Flag(
    help: """
      Print beside P, RR, Success, ERR, RBP and rbp what documents without a judgement could add.
      """)
  var residuals = false

  @Flag(help: "Leave documents with the id of their query out of the runs.")
  var dropSelf = false

  @Flag(help: "Fail where run and qrels do not have the same queries.")
  var strict = false

  @OptionGroup(title: "Output") var tables: TableOptionsGroup
  @OptionGroup(title: "Output") var keeping: KeepingOptions
  @OptionGroup(title: "Comparison") var comparison: ComparisonOptionsGroup
  @OptionGroup(title: "Plots and report") var report: ReportOptionsGroup
  @OptionGroup(title: "Texts of the report") var records: RecordOptionsGroup
  @OptionGroup(title: "Texts of the report") var queryFields: QueryFieldOptions

  @Flag(help: "Print the ir_metadata at the head of the runs, as YAML, and stop.")
  var metadata = false

  @Flag(help: "List the measures, and stop.")
  var listMeasures = false

  @Option(help: ArgumentHelp("Explain a measure, and stop.", valueName: "name"))
  var explain: String?

  @Argument(help: "Runs; - or nothing for the standard input.")
  var runs: [String] = []

  func execute(_ context: ToolContext) throws {
    if listMeasures || explain != nil || metadata {
      context.omitSummary()
      return try answer()
    }
    try EvaluationJob(self, context).run()
  }

  /// Answers a question about measures or runs.
  private func answer() throws(Failure) {
    if listMeasures { return try StandardOutput.write(MeasureRegistry.listing + "\n") }
    if let explain {
      return try StandardOutput.write(try MeasureRegistry.explanation(explain) + "\n")
    }
    // One document of YAML a run that has metadata.
    for run in try Operands.resolve(runs) {
      guard let text = try RunMetadata.read(run) else {
        throw Failure(
          .refused, at: run, "expected ir_metadata at the head of the run, found none",
          hint: "it stands in comments from '# ir_metadata.start' to '# ir_metadata.end'")
      }
      try StandardOutput.write("---\n# \(run)\n\(text)")
    }
  }
}

/// `--ties`.
enum TieRule: String, ExpressibleByArgument, CaseIterable { case trec, rank, bounds }

extension ReportFormat: ExpressibleByArgument {}
extension QuerySelection: ExpressibleByArgument {}
extension RunFormat: ExpressibleByArgument {}
