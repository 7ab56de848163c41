import ArgumentParser
import Failures
import ModelSupport
import Models
import Records
import Reranking
import Streams
import Tensors
import ToolSupport

/// `lir-rerank`: a run and texts to a run.
struct Rerank: ToolCommand {
  static let tool = LirRerank.name

  static let configuration = CommandConfiguration(
    commandName: "rerank",
    abstract: "Score the documents of a run anew with a cross-encoder or a bi-encoder.",
    usage: """
      lir-rerank --model DIR --queries FILE --docs FILE [--depth N] [OPTIONS] [RUN]
      lir-rerank --model DIR --text QUERY DOC...
      lir-rerank --queries VECTORS --docs VECTORS|--index DIR [OPTIONS] [RUN]
      """)

  static let examples = [
    """
    lir-rerank --model models/cross --queries queries.tsv --docs docs.tsv --depth 10 first.run \\
      -o second.run
    """
  ]

  static let withoutEffect = [
    "queries", "docs", "index", "tag", "batch-tokens", "mark-end", "format", "query-ids",
  ]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Model") var modelOptions: ModelOptions
  @OptionGroup(title: "Input") var records: RecordOptionsGroup
  @OptionGroup(title: "Input") var queryFields: QueryFieldOptions
  @OptionGroup(title: "Vectors of other programs") var vectors: VectorOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var resumption: ResumeOptions
  @OptionGroup(title: "Input") var shards: ShardOptions

  @Option(help: ArgumentHelp("Text records of the queries, or vectors.", valueName: "file"))
  var queries: String?

  @Option(
    help: ArgumentHelp(
      "Ids of the vectors in --queries, one a line. (default: the file itself, or FILE.ids)",
      valueName: "file"))
  var queryIds: String?

  @Option(
    help: ArgumentHelp(
      "Text records of the documents, or vectors, of any size: one pass picks those that the run names.",
      valueName: "file"))
  var docs: [String] = []

  @Option(
    help: ArgumentHelp(
      "Index of stored vectors that stands in for the documents' texts, for bi-encoders.",
      valueName: "dir"))
  var index: String?

  @Option(
    help: ArgumentHelp(
      "Documents a query that are scored; those behind them are left out. (default: all)",
      valueName: "n"))
  var depth: Int?

  @Option(
    help: ArgumentHelp(
      "Share W of the first stage's score in the final one: (1-W)·model + W·first.", valueName: "w")
  )
  var interpolate: Float?

  @Option(
    help: "What a cross-encoder's score is: model (as its folder says), logit, sigmoid or softmax.")
  var score: ScoreForm = .model

  @Flag(
    help:
      "With a set-encoder: draw states, from the seed, for documents that are missing to its depth, as Lightning IR does."
  )
  var sampleMissingDocs = false

  @Option(
    help: ArgumentHelp(
      "Most tokens of a pair, or of a text of a bi-encoder, special ones included. (default: what the model says)",
      valueName: "n"))
  var maxLength: Int?

  @Option(
    help: ArgumentHelp(
      "Text in front of every query, or the name of one of the model's prompts. (default: what the model says)",
      valueName: "text|name"))
  var prompt: String?

  @Flag(
    help:
      "Answer at once: read JSON lines with texts up to each line '# end ID', as lir-search --mark-end writes them, and write that line behind the answer."
  )
  var markEnd = false

  @Option(
    help: ArgumentHelp(
      "Form of the run: trec, or jsonl, a JSON object a document, with the texts where they are known. (default: trec)",
      valueName: "form"), completion: .list(["trec", "jsonl"]))
  var format: String?

  @Option(help: "Last column of the run. (default: the tool's name and 8 digits of what made it)")
  var tag: String?

  @Option(help: "Form of the first stage's run: auto, trec, jsonl, json or msmarco.")
  var runFormat: RunFormat = .auto

  @Option(
    help: ArgumentHelp(
      "Tokens that are computed at once. The output does not depend on it.", valueName: "n"))
  var batchTokens: Int = BatchEncoder.defaultBatchTokens

  @OptionGroup(title: "Model") var computation: PrecisionOptions

  @Flag(help: "Score by hand: the operands are a query and documents, one score a line comes out.")
  var text = false

  @Argument(
    help:
      "The first stage's run, or a token stream of pairs for a cross-encoder; - or nothing for the standard input."
  )
  var inputs: [String] = []

  func execute(_ context: ToolContext) throws {
    let calibration = try PairCalibration(self, context).run()
    if let calibration, computation.precision == .f32 {
      return try context.answer(calibration, into: output)
    }
    if text {
      guard format == nil else { throw Failure.usage("--format is for runs, --text writes scores") }
      context.omitSummary()
      return try TextScoring(self, context, calibration).run()
    }
    try checkFormat()
    try RecordLimit.check(shards.limit)
    let operands = try Operands.resolve(inputs)
    let opened = try operands.map { ($0, try ByteReader($0)) }
    if markEnd { return try AnswersJob(self, context, calibration, opened).run() }
    if let (operand, bytes) = opened.first, try TensorStreamReader.recognizes(bytes) {
      guard opened.count == 1 else {
        throw Failure.data(operand, "expected one stream of pairs, found several operands")
      }
      return try PairStreamJob(self, context, calibration, operand, bytes).run()
    }
    try RerankJob(self, context, calibration, operands, Dictionary(opened) { first, _ in first })
      .run()
  }

  /// Writes JSON lines in place of TREC's; nil for those.
  var json: JSONRunWriter? { format == "jsonl" ? JSONRunWriter(docs: nil) : nil }

  private func checkFormat() throws(Failure) {
    if let format, !["trec", "jsonl"].contains(format) {
      throw .usage("--format: expected trec or jsonl, found '\(format)'")
    }
  }

  /// How a cross-encoder's pairs become scores.
  func scoring(_ description: ModelDescription) throws(Failure) -> CrossEncoderScoring {
    try CrossEncoderScoring(
      description, score, samplingSeed: sampleMissingDocs ? common.seed.value : nil)
  }
}

extension ScoreForm: ExpressibleByArgument {}
