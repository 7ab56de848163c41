import ArgumentParser
import Encoding
import Failures
import IndexFormat
import IndexSupport
import ModelSupport
import Models
import Records
import Retrieval
import Streams
import ToolSupport

@main
struct LirSearch: Tool, ToolCommand, TakesDeclaredOptions {
  static let name = "lir-search"
  static let tool = name

  static let configuration = CommandConfiguration(
    commandName: name, abstract: "Find the best documents of an index for every query.",
    usage: """
      lir-search --index DIR [-k N] [--model DIR] [OPTIONS] [QUERIES...] [-o FILE]
      lir-search --index DIR --model DIR --text QUERY [OPTIONS]
      """)

  static let examples = [
    "lir-search --index docs.index --model models/minilm -k 10 queries.tsv -o first.run",
    "lir-search --index docs.index --model models/minilm -k 3 --text 'how to fix a puncture'",
  ]

  static let withoutEffect = [
    "index", "tag", "filter", "filter-out", "pairs", "first-stage", "latency", "batch-tokens",
    "docs", "format",
    "mark-end", "tmp-dir", "explain", "preset", "plot",
  ]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Model") var modelOptions: ModelOptions
  @OptionGroup(title: "Input") var records: RecordOptionsGroup
  @OptionGroup(title: "Vectors of other programs") var vectors: VectorOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var resumption: ResumeOptions
  @OptionGroup(title: "Input") var shards: ShardOptions

  @Option(
    help: ArgumentHelp(
      "Folder of the index; may be repeated: indexes of one model are searched as one, such as shards, those of several with --fuse.",
      valueName: "dir"))
  var index: [String]

  @Option(
    help: ArgumentHelp(
      "Search several indexes, and fuse what they find as lir-rerank fuse does: rrf, sum, minmax, zscore, borda, mnz or dbsf. Each gives its -k best documents.",
      valueName: "method"), completion: .list(FusionMethod.allCases.map(\.rawValue)))
  var fuse: FusionMethod?

  @OptionGroup(title: "Fusion") var fusing: FusionOptions

  @Option(
    name: .customShort("k", allowingJoined: true),
    help: ArgumentHelp("Documents a query.", valueName: "n"))
  var k: Int = usualK

  @Option(
    help: ArgumentHelp(
      "A query, in place of queries from a file; may be repeated. They are called 1, 2, and so on.",
      valueName: "query"))
  var text: [String] = []

  @Option(
    help: ArgumentHelp(
      "Most tokens of a text, special ones included. (default: what the model says)", valueName: "n"
    ))
  var maxLength: Int?

  @Option(
    help: ArgumentHelp(
      "Text in front of every text, or the name of one of the model's prompts. (default: what the model says for the role)",
      valueName: "text|name"))
  var prompt: String?

  @Option(
    help: ArgumentHelp(
      "Form of the run: trec, or jsonl, a JSON object a document, with the query's text, and with --docs the document's. (default: trec)",
      valueName: "form"), completion: .list(["trec", "jsonl"]))
  var format: String?

  @Option(
    help: ArgumentHelp(
      "Text records of the documents, of any size, for --format jsonl; may be repeated.",
      valueName: "file"))
  var docs: [String] = []

  @Flag(
    help:
      "Write the line '# end ID' behind the documents of each query, at once: for a program that asks one query after the other."
  )
  var markEnd = false

  @Option(
    help: ArgumentHelp("Folder of scratch files. (default: $TMPDIR or /tmp)", valueName: "dir"))
  var tmpDir: String?

  @Option(help: "Last column of the run. (default: the tool's name and 8 digits of what made it)")
  var tag: String?

  @Option(
    help: ArgumentHelp(
      "Documents that may be found: an id a line, or a query and an id a line. Others are left out before the best are chosen.",
      valueName: "file"))
  var filter: String?

  @Option(
    help: ArgumentHelp(
      "Documents that may not be found: an id a line, or a query and an id a line.",
      valueName: "file"))
  var filterOut: String?

  @Option(
    help: ArgumentHelp(
      "Documents of equal scores: trec, the greater id first, or anserini, the smaller id first and scores of four decimals, less a millionth a tie, as Anserini writes them. (default: trec)",
      valueName: "order"), completion: .list(RunTies.allCases.map(\.rawValue)))
  var ties: String?

  @Option(
    help: ArgumentHelp(
      "Of an index whose search is approximate: fast, balanced or accurate, which stand for values of its parameters; those that are said count.",
      valueName: "name"), completion: .list(SearchPreset.allCases.map(\.rawValue)))
  var preset: SearchPreset?

  @Option(
    help: ArgumentHelp(
      "Try the settings of the index on up to 200 of the queries, and write the flags of the cheapest that reaches a goal, with the curve, instead of a run. The goal is exact:0.95@10, recall of what exact search finds, or qrels:FILE:0.95@10, a part of its nDCG.",
      valueName: "goal"))
  var tune: String?

  @Option(
    help: ArgumentHelp("With --tune: SVG file for the curve.", valueName: "file"))
  var plot: String?

  @OptionGroup(title: "Learned scores") var learned: LearnedOptions

  @Flag(help: "Leave out the document with the query's own id.")
  var dropSelf = false

  @Option(help: ArgumentHelp("Least score that a document is found with.", valueName: "x"))
  var minScore: Float?

  @Option(
    help: ArgumentHelp(
      "Score these pairs and no others: lines of a query's and a document's id, or of a run or of judgements.",
      valueName: "file"))
  var pairs: String?

  @Option(
    help: ArgumentHelp(
      "Score the documents that a run has for each query, or that another index finds, and no others; the index's queries come beside the others, as with --fuse.",
      valueName: "run|dir"))
  var firstStage: String?

  @Option(
    help: ArgumentHelp(
      "Documents that the index of --first-stage finds for each query. (default: -k, and at least 100)",
      valueName: "n"))
  var firstStageK: Int?

  @Option(
    help: ArgumentHelp(
      "Find documents by their passages, whose ids are id#0, id#1 and so on: maxp, by the best, firstp, by the first, or sump, by the sum of all.",
      valueName: "how"), completion: .list(PassageAggregation.allCases.map(\.rawValue)))
  var aggregate: String?

  @Option(
    help: ArgumentHelp(
      "Search again with A times the query's vector and B times the mean of its first K documents'.",
      valueName: "k:a:b"))
  var prf: String?

  @Flag(help: "Write JSON lines that also say what each score is made of.")
  var explain = false

  @Flag(help: "Add the 50th, 95th and 99th percentile of a query's time to the summary.")
  var latency = false

  @Option(
    help: ArgumentHelp(
      "Tokens that are computed at once where queries are text. The output does not depend on it.",
      valueName: "n"))
  var batchTokens: Int = BatchEncoder.defaultBatchTokens

  @OptionGroup(title: "Model") var computation: PrecisionOptions

  @Argument(
    help:
      "Queries: a tensor stream, a .npy, .safetensors or pickle, or JSON lines of vectors, or text records with --model; - or nothing for the standard input."
  )
  var inputs: [String] = []

  var ownerOfOptions: String? {
    index.count == 1 ? (try? IndexManifest(folder: index[0]))?.type : nil
  }

  static func declaredOptions(of subcommand: String?) -> [DeclaredOption]? {
    DeclaredOption.parameters(.search)
  }

  func execute(_ context: ToolContext) throws {
    let calibration = try calibrate(context)
    if let calibration, computation.precision == .f32 {
      return try context.answer(calibration, into: output)
    }
    try SearchJob(self, context, calibration).run()
  }

  /// What `--calibrate` finds on queries; nil where it is not said.
  private func calibrate(_ context: ToolContext) throws(Failure) -> Calibration? {
    try Calibration.ask(
      computation, batchTokens: batchTokens, operands: inputs,
      others: [("--shard", shards.shard != nil), ("--resume", resumption.resume)],
      context.diagnostics
    ) { file throws(Failure) in
      try Calibration(texts: file, records, context.diagnostics) { () throws(Failure) in
        try TextEmbedder(
          modelOptions.load(for: .query, LayerPrecisions.calibrating, context.diagnostics), .query,
          context.pool, modelOptions.instructions.kernels(), batchTokens: batchTokens,
          maxLength: maxLength, prompt: prompt)
      }
    }
  }
}

extension LirSearch {
  /// Documents a query where nobody says how many.
  static let usualK = 1000

  /// The index of the first stage; nil where there is none, or a run in its place.
  var firstStageIndex: String? {
    firstStage.flatMap { WholeFile.isDirectory($0) ? $0 : nil }
  }

  /// Whether the run is JSON lines.
  var wantsJSON: Bool { format == "jsonl" || explain }

  /// How the run stands where scores are equal.
  var tieOrder: RunTies { ties.flatMap(RunTies.init) ?? .trec }
}
