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
  let options: LirSearch
  let context: ToolContext
  let operands: [String]
  let indexes: SearchedIndexes
  let kernels: Kernels
  private let answers: FusedAnswers
  private let calibration: Calibration?
  private let learned: LearnedStage?
  /// What is said of queries that are vectors.
  let claims: VectorClaims

  init(
    _ options: LirSearch, _ context: ToolContext, _ calibration: Calibration?
  ) throws(Failure) {
    self.calibration = calibration
    self.options = options
    self.context = context
    try SearchAnswers.Options.check(options)
    try BatchTokens.check(options.batchTokens)
    try QueryInput.check(options)
    try Self.checkTuning(options)
    try RecordLimit.check(options.shards.limit)
    operands = options.text.isEmpty ? try Operands.resolve(options.inputs) : ["--text"]
    try options.resumption.check(
      inputs: options.inputs
        + [options.filter, options.filterOut, options.pairs].compactMap { $0 },
      output: options.output)
    _ = try options.shards.selection()
    kernels = try options.modelOptions.instructions.kernels()
    learned = try LearnedStage(options, kernels)
    indexes = try SearchedIndexes(
      options.index, scoredBy: learned, beside: options.firstStageIndex, fuses: options.fuse != nil,
      options.preset,
      context.declared,
      IndexWork(kernels, context.pool, seed: options.common.seed.value)
    ) { context.diagnostics.warning($0) }
    claims = try indexes.claims(options.vectors)
    let searched = options.firstStageIndex == nil ? indexes.collections : [indexes.collections[0]]
    let scored = learned?.candidates
    let rankings = try searched.map { collection throws(Failure) in
      var own = try SearchAnswers.Options(
        options, collection.index.documents, context.diagnostics)
      own.scored = scored
      return try SearchAnswers(collection.index, type: collection.type, own)
    }
    if options.firstStageIndex != nil {
      try rankings[0].checkSecondStage(indexes.collections[0].type)
      let collection = indexes.collections[1]
      let k = options.firstStageK ?? max(options.k, 100)
      answers = FusedAnswers(
        rankings[0],
        firstStage: try SearchAnswers(
          collection.index, type: collection.type, SearchAnswers.Options(k: k)))
      return
    }
    guard let method = options.fuse else {
      answers = FusedAnswers(rankings[0])
      return
    }
    answers = FusedAnswers(
      rankings,
      try options.fusing.fusion(
        method, flag: "--fuse", of: rankings.count, called: "an index"), k: options.k)
  }

  func run() throws(Failure) {
    let sides =
      indexes.collections.count == 1
      ? QuerySides(texts: operands)
      : try QuerySides(options.text.isEmpty ? operands : ["--text"], indexes.collections, kernels)
    let input =
      sides.texts.isEmpty
      ? .beside(operands[0])
      : try QueryInput(
        options, sides.texts, claims,
        ofVectors: indexes.collections.count == 1 && source.schema != nil,
        context.diagnostics)
    try checkBesides(sides)
    let first = try firstSegment(of: input)
    if let text = options.tune {
      let goal = try TuningGoal(parsing: text)
      var loop = QueryLoop(
        options, context, sides, indexes.collections, claims, texts(sides), QuerySample())
      try loop.run(input, first, nil)
      return try tune(goal, loop.search as? QuerySample ?? QuerySample())
    }
    let provenance = try provenance(first)
    let expected = FinishedOutput.ExpectedRun(
      tag: options.tag, tool: LirSearch.name, provenance)
    let names = InputDigest.names(operands)
    if options.resumption.resume, try isThere(expected, names, input) { return }
    let work = provenance.work(shard: options.shards.shard, options.output, calling: names)
    let output = try RunOutput(
      options.output, continuing: options.resumption.resume && !options.wantsJSON ? work : nil,
      tag: expected.tag, provenance: provenance.json,
      json: options.wantsJSON ? JSONRunWriter(docs: try texts(sides).documents(of: indexes)) : nil,
      shard: try options.shards.recorded(in: options.output),
      marksEnds: options.markEnd, ties: options.tieOrder)
    let search = RunSearch(
      answers, output,
      RunSearch.Place(input: operands.joined(separator: " "), target: options.output.output))
    var loop = QueryLoop(
      options, context, sides, indexes.collections, claims, texts(sides), search)
    try loop.run(input, first, output)
    try output.finish()
    for (name, value) in indexes.figures { context.report(name, value) }
    guard options.latency else { return }
    for (name, seconds) in loop.latencies.percentiles {
      context.report("\(name)_ms", ToolContext.fixed(seconds * 1000, 3))
    }
  }

  /// Whether the run is there already.
  private func isThere(
    _ expected: FinishedOutput.ExpectedRun, _ names: [String: String], _ input: QueryInput
  ) throws(Failure) -> Bool {
    let finished = FinishedOutput(
      options.output, shard: options.shards.shard, context.diagnostics)
    guard !options.wantsJSON else {
      return try finished.isThere(
        // Which texts were shown is in no record.
        text: options.docs.isEmpty ? expected.provenance.json : nil, calling: names,
        as: JSONRunForm(explains: options.explain, marksEnds: options.markEnd))
    }
    return try finished.isThere(
      run: expected, calling: names,
      answers: { () throws(Failure) in
        try input.ids(options, operands, claims).map { query in
          FinishedRun.Answer(query: query, documents: answers.mostDocuments(of: query.bytes))
        }
      })
  }

  /// What makes the run, which begins with the first segment of queries that are a stream.
  private func provenance(_ first: TensorSegment?) throws(Failure) -> Provenance {
    var inputs = try indexes.inputs + InputDigest.of(options.inputs)
    for (name, file) in [
      ("filter", options.filter), ("filter-out", options.filterOut), ("pairs", options.pairs),
      ("first-stage", options.firstStageIndex == nil ? options.firstStage : nil),
    ] {
      if let file { inputs += try InputDigest.of([file], name: name) }
    }
    inputs += try InputDigest.of(options.vectors.ids, name: "ids")
    if let learned { inputs.append(("scorer", learned.digest)) }
    inputs += calibration?.inputs ?? []
    // A stream says what made it, also where it comes through a pipe.
    if let by = first?.description.by {
      inputs.append(("queries", Checksum.xxh3Long(Array(by.utf8))))
    }
    // A default of fusing decides nothing where nothing is fused, and has no part in the tag.
    let settings = context.settings.filter { options.fuse != nil || $0.key != "rrf-k" }
    return Provenance(
      tool: LirSearch.name, settings: settings, parameters: indexes.parameters,
      inputs: inputs,
      instructionSet: options.computation.recordedInstructionSet(kernels),
      earlier: source.description.by)
  }

  /// What the first index was made from.
  private var source: IndexSource { indexes.collections[0].source }

  private func texts(_ sides: QuerySides) -> SearchTexts {
    let sources = zip(indexes.collections, sides.streams).filter { $1 == nil }.map(\.0.source)
    return SearchTexts(
      options: options, context: context, sources: sources, kernels: kernels,
      calibration: calibration)
  }

  /// Refuses what cannot be done with several collections.
  private func checkBesides(_ sides: QuerySides) throws(Failure) {
    guard options.fuse != nil else {
      if indexes.collections.count > 1, sides.texts.isEmpty { try checkStreamOptions() }
      if options.fusing.isSaid { throw .usage("--weights, --rrf-k and --normalize are for --fuse") }
      return
    }
    if options.explain { throw .usage("--explain goes without --fuse: a fused score has no parts") }
    let hasStreams = sides.streams.contains { $0 != nil }
    if hasStreams, !sides.texts.isEmpty, options.shards.shard != nil {
      throw .usage("--shard is for queries that are all texts, or all streams")
    }
    if sides.texts.isEmpty { try checkStreamOptions() }
  }

  private func checkStreamOptions() throws(Failure) {
    if options.computation.precision != .f32 {
      throw .usage("--precision is for queries that are text, the input is a tensor stream")
    }
    if options.maxLength != nil || options.prompt != nil {
      throw .usage("--max-length and --prompt are for texts, the input is a tensor stream")
    }
  }

  /// The first segment of queries that are a stream, which the index must be able to answer; nil of
  /// others.
  private func firstSegment(of input: QueryInput) throws(Failure) -> TensorSegment? {
    guard case .stream(let reader) = input else { return nil }
    try checkStreamOptions()
    let first = try reader.next()
    if let first {
      try source.check(
        queries: first.description, first.schema, operands[0],
        cutTo: indexes.collections[0].dims)
    }
    return first
  }
}
