import Encoding
import Failures
import Kernels
import ModelSupport
import Models
import Records
import Reranking
import Tensors
import ToolSupport

/// `--calibrate` on pairs of a query and a document, which a cross-encoder reads together and a
/// bi-encoder apart.
struct PairCalibration {
  private let options: Rerank
  private let context: ToolContext
  private let kernels: Kernels

  init(_ options: Rerank, _ context: ToolContext) throws(Failure) {
    self.options = options
    self.context = context
    kernels = try options.modelOptions.instructions.kernels()
  }

  /// What `--calibrate` finds; nil where it is not said.
  func run() throws(Failure) -> Calibration? {
    try Calibration.ask(
      options.computation, batchTokens: options.batchTokens, operands: options.inputs,
      others: [
        ("--shard", options.shards.shard != nil), ("--resume", options.resumption.resume),
      ], context.diagnostics
    ) { file throws(Failure) in try Calibration(file) { () throws(Failure) in try parts(file) } }
  }

  private func parts(_ file: String) throws(Failure) -> [Calibration.Part] {
    let loaded = try load(.doc)
    if loaded.description.isCrossEncoder {
      let encoder = BatchEncoder(
        loaded.model, context.pool, kernels, batchTokens: options.batchTokens)
      let scorer = try CrossEncoderScorer(
        loaded, encoder, context.pool, options.scoring(loaded.description))
      try read(file) { window throws(Failure) in _ = try scorer.score(window) }
      return [Calibration.Part(nil, [encoder.agreements()])]
    }
    let hasTwo = try options.modelOptions.hasQueryModel(beside: loaded.description.folder)
    let queries = try embedder(hasTwo ? load(.query) : loaded, .query)
    let docs = try embedder(loaded, .doc)
    try read(file) { window throws(Failure) in
      _ = try queries.embed(window.queries)
      _ = try docs.embed(window.docs.flatMap { $0 })
    }
    let (ofQueries, ofDocs) = (queries.encoder.agreements(), docs.encoder.agreements())
    return hasTwo
      ? [Calibration.Part(.query, [ofQueries]), Calibration.Part(.doc, [ofDocs])]
      : [Calibration.Part(nil, [ofQueries, ofDocs])]
  }

  private func load(_ role: Role) throws(Failure) -> LoadedModel {
    try options.modelOptions.load(for: role, LayerPrecisions.calibrating, context.diagnostics)
  }

  private func embedder(_ loaded: LoadedModel, _ role: Role) throws(Failure) -> TextEmbedder {
    try TextEmbedder(loaded, role, context.pool, kernels, batchTokens: options.batchTokens)
  }

  private func read(
    _ file: String, _ body: (PairWindow) throws(Failure) -> Void
  ) throws(Failure) {
    let reader = try TextRecordReader([file], options: options.records.records(.pairs))
    while let batch = try reader.next() {
      if let failure = batch.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
      try body(PairWindow(batch))
    }
  }
}
