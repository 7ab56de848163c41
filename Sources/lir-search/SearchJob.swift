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

/// One run of `lir-search`: opens the index, loops over windows of queries, closes.
struct SearchJob {
  private let options: LirSearch
  private let context: ToolContext
  private let operands: [String]
  private let folder: IndexFolder
  private let index: any SearchableIndex
  /// Parameters of searching in force.
  private let arguments: IndexArguments
  private let kernels: Kernels
  private let filter: DocumentFilter?
  private let calibration: Calibration?

  init(
    _ options: LirSearch, _ context: ToolContext, _ calibration: Calibration?
  ) throws(Failure) {
    self.calibration = calibration
    self.options = options
    self.context = context
    guard options.k >= 1 else { throw .usage("-k: expected at least 1, found \(options.k)") }
    try BatchTokens.check(options.batchTokens)
    try QueryInput.check(options)
    try RecordLimit.check(options.shards.limit)
    operands = options.text.isEmpty ? try Operands.resolve(options.inputs) : ["--text"]
    try options.resumption.check(
      inputs: options.inputs + (options.filter.map { [$0] } ?? []), output: options.output)
    _ = try options.shards.selection()
    folder = try IndexFolder(options.index)
    kernels = try options.modelOptions.instructions.kernels()
    (index, arguments) = try IndexTypes.open(
      folder, context.declared, IndexWork(kernels, context.pool, seed: options.common.seed.value))
    if let path = options.filter {
      let filter = try DocumentFilter(path, index.documents)
      if filter.unknown > 0 {
        context.diagnostics.warning("\(path): \(filter.unknown) ids are not in the index")
      }
      self.filter = filter
    } else {
      filter = nil
    }
  }

  func run() throws(Failure) {
    let input = try QueryInput(options, operands, context.diagnostics)
    var inputs = try [("index", folder.manifest.digest)] + InputDigest.of(options.inputs)
    if let filter = options.filter { inputs += try InputDigest.of([filter], name: "filter") }
    inputs += calibration?.inputs ?? []
    let first = try firstSegment(of: input)
    // A stream says what made it, also where it comes through a pipe.
    if let by = first?.description.by {
      inputs.append(("queries", Checksum.xxh3Long(Array(by.utf8))))
    }
    let provenance = Provenance(
      tool: LirSearch.name, settings: context.settings, parameters: arguments.effective(.search),
      inputs: inputs,
      instructionSet: options.computation.recordedInstructionSet(kernels),
      earlier: source.description.by)
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
      marksEnds: options.markEnd)
    var loop = Loop(
      search: RunSearch(
        index, output,
        RunSearch.Options(
          k: options.k, dropsSelf: options.dropSelf, filter: filter,
          input: operands.joined(separator: " "), target: options.output.output)))
    switch input {
    case .typed(let queries):
      try search(
        queries.indices.map { Array("\($0 + 1)".utf8) }, queries,
        try texts.embedder(operands[0]), &loop, since: ContinuousClock.now)
    case .texts(let reader): try runTexts(reader, &loop, output)
    case .stream(let reader): try runVectors(reader, first, &loop)
    }
    try loop.search.finish()
    try output.finish()
    for (name, value) in index.figures { context.report(name, value) }
    guard options.latency else { return }
    for (name, seconds) in loop.latencies.percentiles {
      context.report("\(name)_ms", ToolContext.fixed(seconds * 1000, 3))
    }
  }

  private var source: IndexSource { folder.manifest.source }

  private var texts: SearchTexts {
    SearchTexts(
      options: options, context: context, source: source, kernels: kernels, calibration: calibration
    )
  }

  // MARK: Queries

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

  private func runTexts(
    _ reader: TextRecordReader, _ loop: inout Loop, _ output: RunOutput
  ) throws(Failure) {
    // Not one query needs no model.
    if EmptyInputs.areAllowed, options.modelOptions.model == nil, try reader.nextBlock() == nil {
      return
    }
    let embedder = try texts.embedder(operands[0])
    try options.shards.restrict(
      reader, operands: operands, options: options.records.records(limit: options.shards.limit))
    let eager = operands == ["-"]
    while var batch = try reader.next(eager: eager) {
      let started = ContinuousClock.now
      let window = try embedder?.tokens(of: &batch)
      if let failure = batch.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
      context.progress.reading(reader.extent)
      let ids = (0..<batch.count).map { batch.id($0).bytes }
      let texts = (0..<batch.count).map { index in batch.withText(index) { Array($0) } }
      if let embedder, let window {
        context.count(truncated: window.tokens.truncated)
        try search(ids, try embedder.embed(window), &loop, since: started, texts: texts)
      } else {
        try search(ids, .texts(texts), &loop, since: started, texts: texts)
      }
      context.count(skipped: batch.skipped)
      if eager { try output.flush() }
    }
  }

  private func runVectors(
    _ reader: TensorStreamReader, _ first: TensorSegment?, _ loop: inout Loop
  ) throws(Failure) {
    var wanted = RecordLimit.range(options.shards.limit)
    if let selection = try options.shards.selection() {
      let count = try TensorStreamReader.countRecords(operands[0])
      wanted = selection.range(of: min(count, wanted.upperBound))
    }
    var ordinal = 0
    var next = first
    while let segment = next {
      context.progress.reading(reader.extent)
      let started = ContinuousClock.now
      let range = (ordinal..<ordinal + segment.records).clamped(to: wanted)
      let members = range.map { $0 - ordinal }
      if !members.isEmpty {
        try search(
          members.map { segment.id($0) },
          try Embeddings(segment, members, operands[0], kernels), &loop, since: started)
      }
      ordinal += segment.records
      next = try reader.next()
    }
  }

  /// Searches a block of queries that are text.
  private func search(
    _ ids: [[UInt8]], _ texts: [[UInt8]], _ embedder: TextEmbedder?, _ loop: inout Loop,
    since started: ContinuousClock.Instant
  ) throws(Failure) {
    guard let embedder else {
      return try search(ids, .texts(texts), &loop, since: started, texts: texts)
    }
    let (embeddings, truncated) = try embedder.embed(texts)
    context.count(truncated: truncated)
    try search(ids, embeddings, &loop, since: started, texts: texts)
  }

  /// Searches a block of queries that was begun at `started`, and counts them.
  private func search(
    _ ids: [[UInt8]], _ queries: Embeddings, _ loop: inout Loop,
    since started: ContinuousClock.Instant, texts: [[UInt8]] = []
  ) throws(Failure) {
    let count = try loop.search.search(
      ids: ids, queries, texts: options.wantsJSON ? texts : [])
    context.count(records: count)
    if count > 0 {
      loop.latencies.add((ContinuousClock.now - started) / .seconds(1), queries: ids.count)
    }
  }

  /// What changes from one block of queries to the next.
  private struct Loop {
    var search: RunSearch
    var latencies = Latencies()
  }
}
