import ArgumentParser
import Failures
import Records
import Streams
import ToolSupport
import Training
import TrainingData

/// `lir-train sample`: runs and judgements to training tuples.
struct Sample: ToolCommand {
  static let tool = LirTrain.name

  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Make training tuples from a run, hard negatives included.",
    discussion: """
      A tuple a query, or --repeat of them: with single_relevant a judged document and others that \
      the run found and nobody judged relevant (hard negatives), with the other strategies \
      documents and their targets as scores.
      """)

  static let withoutEffect = ["qrels", "queries", "docs"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Output") var output: OutputOptions

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

  @Flag(help: "Leave out queries without a relevant document to sample, and count them.")
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

/// One call of `lir-train sample`.
private struct SampleJob {
  private let command: Sample
  private let context: ToolContext
  private let operands: [String]

  init(_ command: Sample, _ context: ToolContext) throws(Failure) {
    self.command = command
    self.context = context
    operands = try Operands.resolve(command.runs)
    for (name, value, least) in [
      ("sample-size", command.sampleSize, 1), ("repeat", command.`repeat`, 1),
      ("depth", command.depth ?? 1, 1), ("skip-top", command.skipTop, 0),
    ] where value < least {
      throw .usage("--\(name): expected at least \(least), found \(value)")
    }
    if command.addDocsNotInRanking, targets == .score || targets == .rank {
      throw .usage("--add-docs-not-in-ranking: those documents have no \(targets.rawValue)")
    }
    if command.normalizeTargets, targets == .order {
      throw .usage("--normalize-targets: there are no scores with --targets order")
    }
  }

  private var targets: TargetKind {
    command.targets ?? (command.sampling == .singleRelevant ? .order : .score)
  }

  func run() throws(Failure) {
    let folders = try MadeFolders(above: command.output.output)
    let run = try RunReader.read(operands, keeping: [.texts], pool: context.pool)
    let qrels =
      command.qrels.isEmpty ? nil : try Qrels.read(command.qrels, repeated: .subtopics)
    var options = RunTuples.Options(targets: targets)
    options.depth = command.depth
    options.skippedRanks = command.skipTop
    options.sampleSize = command.sampleSize
    options.sampling = command.sampling
    options.normalizesTargets = command.normalizeTargets
    options.addsJudged = command.addDocsNotInRanking
    options.skipsUnanswered = command.skipUnanswered
    options.seed = command.common.seed.value
    let opener = DataOpener(
      scratchFolder: scratchFolder, context.pool, seed: command.common.seed.value
    ) {
      [diagnostics = context.diagnostics] in diagnostics.warning($0)
    }
    let texts = try opener.texts(
      queries: (command.queries, command.fields.queryRecords()),
      docs: (command.docs, command.fields.records()), run, depth: command.depth,
      judged: command.addDocsNotInRanking ? qrels : nil)
    options.needsTexts = false
    options.named = { "--" + $0.replacing("_", with: "-") }
    let tuples = try RunTuples(
      run, qrels: qrels, options, queries: texts.queries, docs: texts.docs)
    opener.say(tuples.leftOut, run)
    context.count(skipped: tuples.leftOut.total)
    context.progress.expect(tuples.count * command.`repeat`)
    let writer = try ByteWriter(
      command.output.output, compression: try command.output.compression(), checksumText: true)
    for repetition in 0..<command.`repeat` {
      for index in 0..<tuples.count {
        let tuple = try tuples.tuple(index, epoch: repetition)
        try writer.write(
          tuple.line(
            hasQueryTexts: !command.queries.isEmpty, hasDocumentTexts: !command.docs.isEmpty,
            hasScores: targets != .order))
        context.count(records: 1)
      }
    }
    let inputs =
      try InputDigest.of(operands) + InputDigest.of(command.qrels, name: "qrels")
      + InputDigest.of(command.queries, name: "queries")
      + InputDigest.of(command.docs, name: "docs")
    let provenance = Provenance(
      tool: "\(Sample.tool) sample", settings: context.settings, inputs: inputs)
    try writer.finishText(
      records: tuples.count * command.`repeat`,
      provenance: command.output.noProvenance ? nil : provenance.json)
    folders.keep()
  }

  /// Where the texts are kept meanwhile: beside the output, which has room for them.
  private var scratchFolder: String {
    let folder = PathName.split(command.output.output).folder
    return folder.isEmpty ? "." : folder
  }
}
