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
    let cache = try options.computation.openCache()
    func load(_ role: Role) throws(Failure) -> LoadedModel {
      try options.modelOptions.load(
        for: role, calibration?.precisions(role) ?? options.computation.layers,
        context.diagnostics, cache)
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
    let queries: EmbeddingSource
    let queryFiles = options.queries.map { [$0] } ?? []
    if let candidates, try TextsOrStream.areStreams(queryFiles) {
      queries = .stored(
        try StoredEmbeddings(
          queryFiles, candidates.queries, role: .query, model: digest,
          called: loaded.model.words, kernels))
    } else {
      let own = options.modelOptions.queryModel == nil ? loaded : try load(.query)
      queries = .texts(try embedder(own, .query))
    }
    if let index = options.index {
      guard case .texts(let embedder) = queries else {
        throw .usage("--index needs --queries as text")
      }
      scorer = try StoredVectorScorer(
        index, embedder, modelDigest: digest, context.pool, kernels)
      return
    }
    let docs: EmbeddingSource
    if let candidates, try TextsOrStream.areStreams(options.docs) {
      docs = .stored(
        try StoredEmbeddings(
          options.docs, candidates.docs, role: .doc, model: digest, called: loaded.model.words,
          kernels))
    } else {
      docs = .texts(try embedder(loaded, .doc))
    }
    scorer = BiEncoderScorer(queries, docs, EmbeddingComparison(loaded.description, kernels))
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
    if options.modelOptions.queryModel != nil { throw .usage("--query-model is for bi-encoders") }
  }
}
