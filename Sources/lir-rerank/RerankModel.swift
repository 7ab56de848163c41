import Encoding
import Failures
import Kernels
import ModelSupport
import Models
import Reranking
import Tensors
import ToolSupport
import Vectors

/// The model of a re-ranking run, with everything that scoring needs.
struct RerankModel {
  let scorer: any PairScorer
  let digest: String
  /// The instruction set to be recorded; nil where scores do not depend on it.
  let instructionSet: String?

  /// - Parameters:
  ///   - options: The command.
  ///   - context: The command's.
  ///   - candidates: What the run names; nil where the texts are given.
  ///   - calibration: What `--calibrate` found.
  /// - Throws: 64 for options that the model cannot have; as loading it does.
  init(
    _ options: Rerank, _ context: ToolContext, _ candidates: CandidateIDs?,
    _ calibration: Calibration?
  ) throws(Failure) {
    try BatchTokens.check(options.batchTokens)
    if let found = try Self.ofVectors(options, context, candidates) {
      (scorer, digest, instructionSet) = (found.scorer, found.digest, nil)
      return
    }
    let cache = try options.computation.openCache()
    func load(_ role: Role) throws(Failure) -> LoadedModel {
      try options.modelOptions.load(
        for: role, calibration?.precisions(role) ?? options.computation.layers,
        context.diagnostics, cache, prompt: role == .query ? options.prompt : nil)
    }
    let loaded = try load(.doc)
    let kernels = try options.modelOptions.instructions.kernels()
    digest = try options.modelOptions.digest(cache)
    instructionSet = options.computation.recordedInstructionSet(kernels)
    if loaded.description.isCrossEncoder {
      try Self.checkCrossEncoder(options)
      scorer = try Self.crossEncoder(options, context, loaded, kernels)
      return
    }
    try Self.checkBiEncoder(options)
    func embedder(_ loaded: LoadedModel, _ role: Role) throws(Failure) -> TextEmbedder {
      // Nearly all the time goes into the documents.
      try TextEmbedder(
        loaded, role, context.pool, kernels, batchTokens: options.batchTokens,
        maxLength: options.maxLength, prompt: role == .query ? options.prompt : nil,
        watch: role == .doc ? context.progress.watch : nil)
    }
    let inputs = try VectorFiles(options)
    let model = (digest: digest, words: loaded.model.words)
    let queries: EmbeddingSource
    if let candidates, let files = inputs.queries {
      queries = .stored(
        try inputs.stored(files, candidates.queries, .query, model, kernels, context))
    } else {
      let isOwn = try options.modelOptions.hasQueryModel(beside: loaded.description.folder)
      queries = .texts(try embedder(isOwn ? load(.query) : loaded, .query))
    }
    if let index = options.index {
      scorer = try Self.ofIndex(index, queries, loaded.model, digest, context, kernels)
      return
    }
    let docs: EmbeddingSource
    if let candidates, let files = inputs.docs {
      docs = .stored(try inputs.stored(files, candidates.docs, .doc, model, kernels, context))
    } else {
      docs = .texts(try embedder(loaded, .doc))
    }
    scorer = BiEncoderScorer(queries, docs, EmbeddingComparison(loaded.model, kernels))
  }

  /// What scores the vectors of an index.
  private static func ofIndex(
    _ index: String, _ queries: EmbeddingSource, _ model: Model, _ digest: String,
    _ context: ToolContext, _ kernels: Kernels
  ) throws(Failure) -> StoredVectorScorer {
    let learned = LearnedModelScore(model, kernels)
    switch queries {
    case .texts(let embedder):
      return try StoredVectorScorer(
        index, embedder, modelDigest: digest, learned: learned, context.pool, kernels)
    case .stored(let stored):
      return try StoredVectorScorer(
        index, stored: stored, learned: learned, context.pool, kernels)
    }
  }

  /// What scores vectors that are there on both sides, without a model; nil where texts are to be
  /// embedded.
  private static func ofVectors(
    _ options: Rerank, _ context: ToolContext, _ candidates: CandidateIDs?
  ) throws(Failure) -> (scorer: any PairScorer, digest: String)? {
    guard options.modelOptions.model == nil, let candidates else { return nil }
    let inputs = try VectorFiles(options)
    guard let queryFiles = inputs.queries, inputs.docs != nil || options.index != nil else {
      return nil
    }
    try checkBiEncoder(options)
    if options.maxLength != nil || options.prompt != nil {
      throw .usage("--max-length and --prompt are for texts, not for vectors")
    }
    let kernels = try options.modelOptions.instructions.kernels()
    let queries = try inputs.stored(
      queryFiles, candidates.queries, .query, nil, kernels, context)
    let digest = queries.origin?.description.model ?? "unknown"
    if let index = options.index {
      return (try StoredVectorScorer(index, stored: queries, context.pool, kernels), digest)
    }
    guard let docFiles = inputs.docs else { return nil }
    let docs = try inputs.stored(docFiles, candidates.docs, .doc, nil, kernels, context)
    return (try BiEncoderScorer(stored: queries, docs, kernels), digest)
  }

  private static func crossEncoder(
    _ options: Rerank, _ context: ToolContext, _ loaded: LoadedModel, _ kernels: Kernels
  ) throws(Failure) -> CrossEncoderScorer {
    let encoder = BatchEncoder(
      loaded.model, context.pool, kernels, batchTokens: options.batchTokens,
      watch: context.progress.watch)
    return try CrossEncoderScorer(
      loaded, encoder, context.pool, options.scoring(loaded.description),
      maxLength: options.maxLength, prompt: options.prompt)
  }

  private static func checkBiEncoder(_ options: Rerank) throws(Failure) {
    if options.score != .model { throw .usage("--score is for cross-encoders") }
    if options.sampleMissingDocs { throw .usage("--sample-missing-docs is for set-encoders") }
  }

  private static func checkCrossEncoder(_ options: Rerank) throws(Failure) {
    if options.index != nil { throw .usage("--index is for bi-encoders") }
    if let flag = try options.vectors.claims().flags.first {
      throw .usage("\(flag) is for bi-encoders")
    }
    if options.modelOptions.queryModel != nil { throw .usage("--query-model is for bi-encoders") }
  }
}
