import Encoding
import Failures
import IndexFormat
import Indexes
import Kernels
import ModelSupport
import Records
import Retrieval
import Streams
import Tensors
import ToolSupport
import Vectors

/// One run of `lir-search`: opens the index, loops over queries, closes.
struct SearchJob {
  private let options: LirSearch
  private let context: ToolContext
  private let operands: [String]
  private let folder: IndexFolder
  private let index: any SearchableIndex
  /// Parameters of searching in force.
  private let arguments: IndexArguments
  private let kernels: Kernels
  private let answers: SearchAnswers
  private let calibration: Calibration?

  init(
    _ options: LirSearch, _ context: ToolContext, _ calibration: Calibration?
  ) throws(Failure) {
    self.calibration = calibration
    self.options = options
    self.context = context
    try SearchAnswers.Options.check(options)
    try BatchTokens.check(options.batchTokens)
    try QueryInput.check(options)
    try RecordLimit.check(options.shards.limit)
    operands = options.text.isEmpty ? try Operands.resolve(options.inputs) : ["--text"]
    try options.resumption.check(
      inputs: options.inputs
        + [options.filter, options.filterOut, options.pairs].compactMap { $0 },
      output: options.output)
    _ = try options.shards.selection()
    folder = try IndexFolder(options.index)
    kernels = try options.modelOptions.instructions.kernels()
    (index, arguments) = try IndexTypes.open(
      folder, context.declared, IndexWork(kernels, context.pool, seed: options.common.seed.value))
    answers = try SearchAnswers(
      index, type: folder.manifest.type,
      SearchAnswers.Options(options, index.documents, context.diagnostics))
  }

  func run() throws(Failure) {
    let input = try QueryInput(options, operands, context.diagnostics)
    let first = try firstSegment(of: input)
    let provenance = try provenance(first)
    let expected = FinishedOutput.ExpectedRun(
      tag: options.tag, tool: LirSearch.name, provenance)
    let names = InputDigest.names(operands)
    if options.resumption.resume {
      let finished = FinishedOutput(
        options.output, shard: options.shards.shard, context.diagnostics)
      if try finished.isThere(
        run: expected, calling: names,
        queries: { () throws(Failure) in try input.ids(options, operands) })
      {
        return
      }
    }
    let work = provenance.work(shard: options.shards.shard, options.output, calling: names)
    let output = try RunOutput(
      options.output, continuing: options.resumption.resume ? work : nil,
      tag: expected.tag, provenance: provenance.json,
      json: options.wantsJSON ? JSONRunWriter(docs: try texts.documents(of: index)) : nil,
      marksEnds: options.markEnd, ties: options.tieOrder)
    let search = RunSearch(
      answers, output,
      RunSearch.Place(input: operands.joined(separator: " "), target: options.output.output))
    var loop = QueryLoop(options, context, operands, kernels, texts, search)
    try loop.run(input, first, output)
    try output.finish()
    for (name, value) in index.figures { context.report(name, value) }
    guard options.latency else { return }
    for (name, seconds) in loop.latencies.percentiles {
      context.report("\(name)_ms", ToolContext.fixed(seconds * 1000, 3))
    }
  }

  /// What makes the run, which begins with the first segment of queries that are a stream.
  private func provenance(_ first: TensorSegment?) throws(Failure) -> Provenance {
    var inputs = try [("index", folder.manifest.digest)] + InputDigest.of(options.inputs)
    for (name, file) in [
      ("filter", options.filter), ("filter-out", options.filterOut), ("pairs", options.pairs),
    ] {
      if let file { inputs += try InputDigest.of([file], name: name) }
    }
    inputs += calibration?.inputs ?? []
    // A stream says what made it, also where it comes through a pipe.
    if let by = first?.description.by {
      inputs.append(("queries", Checksum.xxh3Long(Array(by.utf8))))
    }
    return Provenance(
      tool: LirSearch.name, settings: context.settings, parameters: arguments.effective(.search),
      inputs: inputs,
      instructionSet: options.computation.recordedInstructionSet(kernels),
      earlier: source.description.by)
  }

  private var source: IndexSource { folder.manifest.source }

  private var texts: SearchTexts {
    SearchTexts(
      options: options, context: context, source: source, kernels: kernels, calibration: calibration
    )
  }

  /// The first segment of queries that are a stream, which the index must be able to answer; nil of
  /// others.
  private func firstSegment(of input: QueryInput) throws(Failure) -> TensorSegment? {
    guard case .stream(let reader) = input else { return nil }
    if options.computation.precision != .f32 {
      throw .usage("--precision is for queries that are text, the input is a tensor stream")
    }
    if options.maxLength != nil || options.prompt != nil {
      throw .usage("--max-length and --prompt are for texts, the input is a tensor stream")
    }
    let first = try reader.next()
    if let first { try source.check(queries: first.description, first.schema, operands[0]) }
    return first
  }
}
