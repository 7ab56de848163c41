import Failures
import Kernels
import ModelSupport
import Models
import Records
import Streams
import Tensors
import Tokenizers
import ToolSupport
import Vectors

/// The model of a re-ranking run, with everything that scoring needs.
struct RerankModel {
  let scorer: any PairScorer
  let digest: String
  /// To be recorded; nil where scores do not depend on it.
  let instructionSet: String?
  /// Whether the texts are needed.
  let readsQueries: Bool
  let readsDocs: Bool

  /// `candidates`: what the run names; nil where the texts are given.
  init(
    _ options: Rerank, _ context: ToolContext, _ candidates: Candidates?,
    _ calibration: Calibration?
  ) throws(Failure) {
    guard options.batchTokens >= 1 else { throw .usage("--batch-tokens: expected at least 1") }
    let cache = try options.computation.openCache()
    let loaded = try options.modelOptions.load(
      for: .doc, calibration?.precisions(.doc) ?? options.computation.layers, context.diagnostics,
      cache)
    let kernels = try options.modelOptions.instructions.kernels()
    digest = try options.modelOptions.digest(cache)
    instructionSet = options.computation.recordedInstructionSet(kernels)
    if loaded.description.isCrossEncoder {
      if options.index != nil { throw .usage("--index is for bi-encoders") }
      if options.modelOptions.queryModel != nil {
        throw .usage("--query-model is for bi-encoders")
      }
      scorer = try CrossEncoderScorer(
        loaded,
        BatchEncoder(loaded.model, context.pool, kernels, batchTokens: options.batchTokens),
        context.pool, options.pairScoring(loaded.description))
      (readsQueries, readsDocs) = (true, true)
      return
    }
    if options.score != .model { throw .usage("--score is for cross-encoders") }
    if options.sampleMissingDocs {
      throw .usage("--sample-missing-docs is for set-encoders")
    }
    let sources = EmbeddingSources(
      options, context, loaded, calibration, cache, digest: digest, kernels)
    let queries = try sources.queries(candidates)
    if let index = options.index {
      guard case .texts(let embedder) = queries else {
        throw .usage("--index needs --queries as text")
      }
      scorer = try StoredVectorScorer(
        index, embedder, modelDigest: digest, context.pool, kernels)
      (readsQueries, readsDocs) = (true, false)
      return
    }
    let docs = try sources.docs(candidates)
    (readsQueries, readsDocs) = (queries.readsTexts, docs.readsTexts)
    let description = loaded.description
    scorer = BiEncoderScorer(
      queries, docs,
      EmbeddingComparison(
        description.similarity,
        aggregations: description.lateInteraction.map { ($0.queryAggregation, $0.docAggregation) },
        place: description.folder.path, kernels))
  }
}

/// Texts or tensor streams, as the files are.
private struct EmbeddingSources {
  private let options: Rerank
  private let context: ToolContext
  private let loaded: LoadedModel
  private let calibration: Calibration?
  private let cache: ModelCache?
  private let digest: String
  private let kernels: Kernels

  init(
    _ options: Rerank, _ context: ToolContext, _ loaded: LoadedModel,
    _ calibration: Calibration?, _ cache: ModelCache?, digest: String, _ kernels: Kernels
  ) {
    self.options = options
    self.context = context
    self.loaded = loaded
    self.calibration = calibration
    self.cache = cache
    self.digest = digest
    self.kernels = kernels
  }

  func queries(_ candidates: Candidates?) throws(Failure) -> EmbeddingSource {
    let files = options.queries.map { [$0] } ?? []
    if let candidates, try Self.areStreams(files) {
      return .stored(
        try StoredEmbeddings(files, candidates.queries, role: .query, model: digest, kernels))
    }
    let own =
      options.modelOptions.queryModel == nil
      ? loaded
      : try options.modelOptions.load(
        for: .query, calibration?.precisions(.query) ?? options.computation.layers,
        context.diagnostics, cache)
    return .texts(try embedder(own, .query))
  }

  func docs(_ candidates: Candidates?) throws(Failure) -> EmbeddingSource {
    if let candidates, try Self.areStreams(options.docs) {
      return .stored(
        try StoredEmbeddings(options.docs, candidates.docs, role: .doc, model: digest, kernels))
    }
    return .texts(try embedder(loaded, .doc))
  }

  private func embedder(_ loaded: LoadedModel, _ role: Role) throws(Failure) -> TextEmbedder {
    try TextEmbedder(loaded, role, context.pool, kernels, batchTokens: options.batchTokens)
  }

  /// - Throws: 65 where there are both.
  private static func areStreams(_ files: [String]) throws(Failure) -> Bool {
    var streams = 0
    for file in files where WholeFile.isRegular(file) {
      if try TensorStreamReader.recognizes(try ByteReader(file)) { streams += 1 }
    }
    guard streams == 0 || streams == files.count else {
      throw .data(
        files.joined(separator: " "), "expected text records or tensor streams, found both")
    }
    return streams > 0
  }
}
