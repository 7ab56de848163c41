import ArgumentParser
import Failures
import IndexSupport
import Records
import Retrieval
import Streams
import ToolSupport

/// `lir-rerank fuse`: runs to a run, without a model.
struct Fuse: ToolCommand {
  static let tool = LirRerank.name

  static let configuration = CommandConfiguration(
    commandName: "fuse", abstract: "Combine runs into one, without a model.",
    usage:
      "lir-rerank fuse [--method METHOD] [--tune-weights QRELS] [OPTIONS] RUN RUN... [-o FILE]",
    discussion: """
      A document that a run lacks gets nothing from it: no rank, no score. Scores are read and \
      written in single precision.
      """)

  static let examples = [
    "lir-rerank fuse first.run sparse.run -o fused.run",
    "lir-rerank fuse --tune-weights qrels.txt first.run sparse.run -o tuned.run",
  ]

  static let withoutEffect = ["tag"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var keeping: KeepingOptions

  @Option(
    help: """
      How: rrf (reciprocal ranks), sum (of the scores as they are), minmax or zscore (of \
      normalised ones), borda (Borda's count), mnz (CombMNZ) or dbsf (places within three \
      deviations of the mean).
      """)
  var method: FusionMethod = .rrf

  @OptionGroup var fusing: FusionOptions

  @OptionGroup var tuning: WeightTuningOptions

  @Option(
    help: ArgumentHelp(
      "Documents of each run and query that count, from the top. (default: all)", valueName: "n"))
  var depth: Int?

  @Option(
    name: .customShort("k", allowingJoined: true),
    help: ArgumentHelp("Documents a query that are written. (default: all)", valueName: "n"))
  var k: Int?

  @Option(help: "Last column of the run. (default: the tool's name and 8 digits of what made it)")
  var tag: String?

  @Option(help: "Form of the runs: auto, trec, trec_eval, jsonl, json or msmarco.")
  var runFormat: RunFormat = .auto

  @Argument(help: "Two runs or more; - for the standard input.")
  var runs: [String] = []

  func execute(_ context: ToolContext) throws {
    var fusion = try fusion()
    try keeping.check(
      inputs: runs + [tuning.tuneWeights].compactMap { $0 }, output: output.output)
    let tuner = try tuning.tuner(fusing, runs, seed: common.seed.value)
    var read: [Run] = []
    for operand in runs {
      let run = try RunReader.read(operand, format: runFormat, keeping: tuner?.details ?? [])
      guard run.count > 0 || EmptyInputs.areAllowed else {
        throw Failure.data(operand, "expected a run, found no line of one")
      }
      read.append(run)
    }
    var inputs = try InputDigest.of(runs)
    let tuned = try tuner?.tune(fusion, read, k: k ?? .max, pool: context.pool)
    if let tuned {
      fusion.weights = tuned.weights.map { Double($0) }
      inputs += try InputDigest.of([tuning.tuneWeights ?? "-"], name: "tune-weights")
    }
    let provenance = Provenance(
      tool: "\(Self.tool) fuse", settings: context.settings, inputs: inputs,
      found: tuned?.found ?? [])
    if keeping.resume, try isThere(provenance, fusion, read, context) { return }
    let output = try RunOutput(
      output, tag: tag ?? provenance.runTag(Self.tool),
      provenance: provenance.json)
    try fusion.fuse(read) { query, documents throws(Failure) in
      let ranking = documents.prefix(k ?? .max)
      try output.append(query: query, Array(ranking))
      context.count(records: ranking.count)
    }
    tell(tuned, context)
    try output.finish()
  }

  /// Whether the run that the options ask for is there already.
  private func isThere(
    _ provenance: Provenance, _ fusion: RunFusion, _ read: [Run], _ context: ToolContext
  ) throws(Failure) -> Bool {
    try FinishedOutput(output, shard: nil, context.diagnostics).isThere(
      run: FinishedOutput.ExpectedRun(tag: tag, tool: Self.tool, provenance),
      calling: InputDigest.names(runs)
    ) { () throws(Failure) in
      var answers: [FinishedRun.Answer] = []
      try fusion.fuse(read) { query, documents throws(Failure) in
        answers.append(
          FinishedRun.Answer(query: query, documents: min(documents.count, k ?? .max)))
      }
      return answers.filter { $0.documents > 0 }
    }
  }

  /// Says which weights were found, and how.
  private func tell(_ tuned: FusionTuning?, _ context: ToolContext) {
    guard let tuned else { return }
    for line in tuned.lines { context.diagnostics.say(line) }
    for (key, value) in tuned.summary { context.report(key, value) }
  }

  /// What the options ask for; 64 where they make no sense.
  private func fusion() throws(Failure) -> RunFusion {
    guard runs.count >= 2 else { throw .usage("expected at least two runs, found \(runs.count)") }
    guard runs.count(where: { $0 == "-" }) < 2 else {
      throw .usage("expected - once, found it twice")
    }
    if let depth, depth < 1 { throw .usage("--depth: expected at least 1, found \(depth)") }
    if let k, k < 1 { throw .usage("-k: expected at least 1, found \(k)") }
    var fusion = try fusing.fusion(method, flag: "--method", of: runs.count, called: "a run")
    fusion.depth = depth ?? .max
    return fusion
  }
}
