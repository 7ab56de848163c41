import ArgumentParser
import Tensors
import ToolSupport

@main
struct LirTokenize: Tool, ToolCommand {
  static let name = "lir-tokenize"
  static let tool = name

  static let configuration = CommandConfiguration(
    commandName: name,
    abstract: "Turn text records into tokens, or tokens back into text.",
    usage: """
      lir-tokenize --model DIR [--role query|doc] [OPTIONS] [TEXTS...]
      lir-tokenize --model DIR --decode [OPTIONS] [STREAMS...]
      """)

  static let examples = ["lir-tokenize --model models/minilm --role doc --stats docs.tsv"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Model") var modelOptions: ModelOptions
  @OptionGroup(title: "Input") var records: RecordOptionsGroup
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var resumption: ResumeOptions
  @OptionGroup(title: "Input") var shards: ShardOptions

  @Option(
    help:
      "Whose texts these are: query or doc. Without it the tokenizer works alone: no markers, no prompt, no truncation but --max-length."
  )
  var role: TokenizerRole?

  @Flag(help: "Read pairs of a query and a document, for cross-encoders.")
  var pairs = false

  @Option(
    help: ArgumentHelp(
      "Most tokens of a text, special ones included. (default: what the model says for the role)",
      valueName: "n"))
  var maxLength: Int?

  @Option(
    help: ArgumentHelp(
      "Text in front of every text, or the name of one of the model's prompts.",
      valueName: "text|name"))
  var prompt: String?

  @Option(
    help: ArgumentHelp(
      "Cut texts into passages of N tokens, special ones included, that start every STRIDE tokens; their ids are ID#0, ID#1, …",
      valueName: "n:stride"))
  var window: String?

  @Option(help: "Form of the output: tensor, jsonl or tokens.")
  var format: TokenFormat = .tensor

  @Flag(help: "Write one JSON object about the tokens instead of them.")
  var stats = false

  @Flag(help: "Turn token streams back into text records.")
  var decode = false

  @Argument(
    help: "Text records (token streams with --decode); - or nothing for the standard input.")
  var inputs: [String] = []

  func execute(_ context: ToolContext) throws {
    let operands = try Operands.resolve(inputs)
    if decode { return try DecodeJob(self, context, operands).run() }
    try TokenizeJob(self, context, operands).run()
  }
}

/// `--role` of a tokenizer.
enum TokenizerRole: String, ExpressibleByArgument, CaseIterable {
  case query, doc

  var role: Role { self == .query ? .query : .doc }
}

/// `--format`.
enum TokenFormat: String, ExpressibleByArgument, CaseIterable { case tensor, jsonl, tokens }
