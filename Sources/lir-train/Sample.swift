import ArgumentParser
import Records
import ToolSupport
import TrainingData

/// `lir-train sample`: runs and judgements to training tuples.
struct Sample: ToolCommand {
  static let tool = LirTrain.name

  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Make training tuples from a run, hard negatives included.",
    discussion: """
      A tuple a query, or --repeat of them: with single_relevant a judged document and others that \
      the run found and nobody judged relevant (hard negatives), with the other strategies \
      documents and their targets as scores. What cannot be used is left out, counted and warned of: \
      queries without judgements, without a relevant document, with too few documents, queries and \
      documents without a text.
      """)

  static let withoutEffect = ["qrels", "queries", "docs", "skip-unanswered", "strict"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var keeping: KeepingOptions

  @Option(help: ArgumentHelp("Judgements; several files are one.", valueName: "file"))
  var qrels: [String] = []

  @Option(
    help: ArgumentHelp(
      "Text records of the queries; without, tuples have ids alone.", valueName: "file"))
  var queries: [String] = []

  @Option(
    help: ArgumentHelp(
      "Text records of the documents, of any size; without, tuples have ids alone.",
      valueName: "file"))
  var docs: [String] = []

  @OptionGroup var fields: FieldOptions

  @Option(
    help: "How documents are chosen: single_relevant, top, random, log_random or top_and_random.")
  var sampling: DocumentSampling = .singleRelevant

  @Option(
    help: ArgumentHelp("Documents of a tuple.", valueName: "n"))
  var sampleSize: Int = 8

  @Option(help: ArgumentHelp("Ranks of the run that count. (default: all)", valueName: "n"))
  var depth: Int?

  @Option(
    help: ArgumentHelp("Take the run's first N queries and no more. (default: all)", valueName: "n")
  )
  var limit: Int?

  @Option(
    help: ArgumentHelp(
      "Ranks at the top that are left out, but for judged documents: those that nobody judged may be relevant.",
      valueName: "n"))
  var skipTop: Int = 0

  @Option(
    help:
      "Scores of the documents: score (the run's), relevance, subtopic_relevance, rank, or order (none: the first is the positive one). (default: order with single_relevant, else score)"
  )
  var targets: TargetKind?

  @Flag(help: "Scale the scores of a tuple to lie between 0 and 1.")
  var normalizeTargets = false

  @Flag(help: "Take judged documents that the run lacks, too.")
  var addDocsNotInRanking = false

  @Flag(help: "End with an error (status 1) where something would be left out.")
  var strict = false

  /// What happens without it, too; scripts say it.
  @Flag(help: .hidden)
  var skipUnanswered = false

  @Option(help: ArgumentHelp("Tuples a query.", valueName: "n"))
  var `repeat`: Int = 1

  @Argument(help: "Runs, read as one; - or nothing for the standard input.")
  var runs: [String] = []

  func execute(_ context: ToolContext) throws {
    try SampleJob(self, context).run()
  }
}

extension DocumentSampling: ExpressibleByArgument {}
extension TargetKind: ExpressibleByArgument {}
