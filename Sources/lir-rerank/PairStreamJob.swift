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
      options.interpolate == nil, options.shards.shard == nil, !options.resumption.resume,
      options.shards.limit == nil, options.maxLength == nil, options.prompt == nil, !options.markEnd
    else {
      throw .usage(
        "--queries, --docs, --index, --depth, --interpolate, --shard, --resume, --limit, "
          + "--max-length, --prompt and --mark-end are for runs, the input is a token stream")
    }
    try BatchTokens.check(options.batchTokens)
    self.options = options
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
      tokenizer: try TokenizerDigest.of(loaded.tokenizer), pairs: RerankJob.windowPairs)
  }

  func run() throws(Failure) {
    // What made the pairs is known with the first of them.
    var window = try reader.next()
    let output = try open()
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
      context.count(records: pairs.tokens.count)
      window = try reader.next()
    }
    try output.finish()
    if let warning = final.steps.warning { context.diagnostics.warning(warning) }
  }

  private func open() throws(Failure) -> RunOutput {
    let provenance = Provenance(
      tool: Rerank.tool, settings: context.settings,
      inputs: [("model", digest)] + (calibration?.inputs ?? []),
      instructionSet: instructionSet, earlier: reader.description?.by)
    return try RunOutput(
      options.output, tag: options.tag ?? provenance.runTag(Rerank.tool),
      provenance: provenance.json, json: options.json)
  }
}
