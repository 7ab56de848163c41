import Encoding
import Failures
import ModelSupport
import Models
import Records
import Reranking
import Streams
import Tensors
import ToolSupport

/// `lir-rerank` on a token stream of pairs: the scores of a cross-encoder as a run.
struct PairStreamJob {
  private let options: Rerank
  private let context: ToolContext
  private let calibration: Calibration?
  private let operand: String
  private let reader: PairTokenReader
  private let encoder: BatchEncoder
  private let scoring: CrossEncoderScoring
  private let digest: String
  private let instructionSet: String?

  init(
    _ options: Rerank, _ context: ToolContext, _ calibration: Calibration?, _ operand: String,
    _ bytes: ByteReader
  ) throws(Failure) {
    guard options.queries == nil, options.docs.isEmpty, options.index == nil, options.depth == nil,
      options.interpolate == nil, options.shards.shard == nil, options.shards.limit == nil,
      options.maxLength == nil, options.prompt == nil, !options.markEnd
    else {
      throw .usage(
        "--queries, --docs, --index, --depth, --interpolate, --shard, --limit, "
          + "--max-length, --prompt and --mark-end are for runs, the input is a token stream")
    }
    try options.resumption.check(inputs: [operand], output: options.output)
    try BatchTokens.check(options.batchTokens)
    self.options = options
    self.operand = operand
    self.context = context
    self.calibration = calibration
    let cache = try options.computation.openCache()
    let loaded = try options.modelOptions.load(
      for: .pair, calibration?.precisions(.pair) ?? options.computation.layers,
      context.diagnostics, cache)
    guard loaded.description.isCrossEncoder else {
      throw .config(
        loaded.description.folder.path,
        "a bi-encoder scores no pairs of tokens", hint: "encode the tokens of each role")
    }
    let kernels = try options.modelOptions.instructions.kernels()
    instructionSet = options.computation.recordedInstructionSet(kernels)
    encoder = BatchEncoder(
      loaded.model, context.pool, kernels, batchTokens: options.batchTokens)
    scoring = try options.scoring(loaded.description)
    digest = try options.modelOptions.digest(cache)
    reader = PairTokenReader(
      TensorStreamReader(bytes), operand, model: digest,
      tokenizer: try TokenizerDigest.of(loaded.tokenizer),
      pairs: options.resumption.resume ? RerankJob.resumableWindowPairs : RerankJob.windowPairs)
  }

  func run() throws(Failure) {
    // What made the pairs is known with the first of them.
    var window = try reader.next()
    guard let output = try open() else { return }
    if let done = output.resumeAfter { try pass(done, &window) }
    var final = FinalScores()
    while let pairs = window {
      let scores = try scoring.score(
        pairs.tokens, queries: pairs.queries, counts: pairs.docs.map(\.count), encoder)
      let found = WindowScores(scores, like: pairs.docs)
      for i in pairs.queries.indices {
        let documents = try final.documents(
          pairs.queries[i], pairs.docs[i], found.scores[i], logits: found.logits?[i])
        try output.append(query: pairs.queries[i], documents)
      }
      try output.checkpoint()
      context.count(records: pairs.tokens.count)
      window = try reader.next()
    }
    try output.finish()
    if let warning = final.steps.warning { context.diagnostics.warning(warning) }
  }

  /// Passes over the pairs up to those of a query that is done.
  private func pass(_ done: RecordID, _ window: inout PairTokenReader.Window?) throws(Failure) {
    while let pairs = window {
      if let place = pairs.queries.firstIndex(of: done) {
        let left = pairs.dropping(queries: place + 1)
        window = left.queries.isEmpty ? try reader.next() : left
        return
      }
      window = try reader.next()
    }
    throw .data(options.output.output, "the partial run ends with query \(done), unknown here")
  }

  /// Opens the output; nil where it is there already.
  private func open() throws(Failure) -> RunOutput? {
    let provenance = Provenance(
      tool: Rerank.tool, settings: context.settings,
      inputs: [("model", digest)] + (calibration?.inputs ?? []),
      instructionSet: instructionSet, earlier: reader.description?.by)
    let expected = FinishedOutput.ExpectedRun(tag: options.tag, tool: Rerank.tool, provenance)
    let resumes = options.resumption.resume
    if resumes {
      let finished = FinishedOutput(options.output, shard: nil, context.diagnostics)
      // Joined parts of a stream say the same of themselves as the whole, and lines of JSON no more.
      let isThere =
        try options.json != nil
        ? finished.isThere(text: nil, calling: [:])
        : finished.isThere(
          run: expected, calling: [:],
          answers: { () throws(Failure) in try PairTokenReader.answers(in: operand) })
      if isThere { return nil }
    }
    return try RunOutput(
      options.output,
      continuing: resumes && options.json == nil
        ? provenance.work(shard: nil, options.output, calling: [:]) : nil,
      tag: expected.tag, provenance: provenance.json, json: options.json)
  }
}
