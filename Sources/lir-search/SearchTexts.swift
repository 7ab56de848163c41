import Encoding
import Failures
import IndexFormat
import Kernels
import ModelSupport
import Models
import Records
import Retrieval
import Tensors
import ToolSupport

/// What a search does with texts: queries become vectors, documents stand beside what was found.
struct SearchTexts {
  let options: LirSearch
  let context: ToolContext
  /// What the indexes were made from whose queries are texts.
  let sources: [IndexSource]
  let kernels: Kernels
  let calibration: Calibration?

  /// What turns the texts of queries into vectors like the indexes'; nil for indexes of texts.
  ///
  /// - Parameter place: Where the queries come from, for messages.
  /// - Returns: The model of queries.
  /// - Throws: 64 without a model, 78 for another one than the index's.
  func embedder(_ place: String) throws(Failure) -> TextEmbedder? {
    let sources = sources.filter { $0.schema != nil }
    if sources.isEmpty { return nil }
    guard options.modelOptions.model != nil else {
      throw .usage(
        "the queries are text: --model is missing", hint: "name the model that made the index")
    }
    let cache = try options.computation.openCache()
    let digest = try options.modelOptions.digest(cache, for: .query, prompt: options.prompt)
    for source in sources { try source.check(queryModel: digest, place, modelWords) }
    return try TextEmbedder(
      options.modelOptions.load(
        for: .query, calibration?.precisions(.query) ?? options.computation.layers,
        context.diagnostics, cache, prompt: options.prompt), .query,
      context.pool, kernels, batchTokens: options.batchTokens,
      maxLength: options.maxLength, prompt: options.prompt)
  }

  /// Lets explanations have the texts of the model's tokens.
  func nameTerms(of embedder: TextEmbedder?, in search: inout any QuerySink) {
    guard options.explain, let tokenizer = embedder?.tokenizer.tokenizer else { return }
    search.nameTerms { tokenizer.token(of: $0) }
  }

  /// Lets explanations have the texts of a vocabulary's terms.
  ///
  /// - Throws: As reading it does.
  func nameTerms(of claims: VectorClaims, in search: inout any QuerySink) throws(Failure) {
    guard options.explain else { return }
    let said = try claims.vocabulary.map { path throws(Failure) in try TermVocabulary(path) }
    guard let vocabulary = said ?? claims.terms else { return }
    search.nameTerms { term in
      vocabulary.text(Int(term)).map { String(decoding: $0, as: UTF8.self) }
    }
  }

  /// What the model of the queries is, for a message.
  private var modelWords: String {
    let loaded = try? options.modelOptions.load(
      for: .query, options.computation.layers, context.diagnostics)
    return loaded?.model.words ?? options.modelOptions.model ?? ""
  }

  /// The texts of the indexes' documents, for JSON lines; nil where nobody names them.
  func documents(of indexes: SearchedIndexes) throws(Failure) -> TextStore? {
    if options.docs.isEmpty { return nil }
    let temporary = options.tmpDir ?? ShardSelection.variable("TMPDIR") ?? "/tmp"
    let texts = try TextStore(
      "document", options.docs, options.records.records(), scratchFolder: temporary
    ) { id in
      indexes.collections.contains { $0.index.documents.ordinal(id.bytes) != nil }
    }
    if let failure = texts.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
    context.count(skipped: texts.skipped)
    return texts
  }
}
