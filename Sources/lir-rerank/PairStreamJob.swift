import Failures
import ModelSupport
import Models
import Records
import Streams
import Tensors
import Tokenizers
import ToolSupport

/// `lir-rerank` on a token stream of pairs, as `lir-tokenize --pairs` writes it: the scores of a
/// cross-encoder as a run.
///
/// The pairs of a query stand together.
struct PairStreamJob {
  private let options: Rerank
  private let context: ToolContext
  private let calibration: Calibration?
  private let operand: String
  private let reader: TensorStreamReader
  private let encoder: BatchEncoder
  private let scoring: PairScoring
  private let digest: String
  private let instructionSet: String?

  /// Pairs from which on a window is scored; a query is never cut.
  private static let windowPairs = 2048

  init(
    _ options: Rerank, _ context: ToolContext, _ calibration: Calibration?, _ operand: String,
    _ bytes: ByteReader
  ) throws(Failure) {
    guard options.queries == nil, options.docs.isEmpty, options.index == nil, options.depth == nil,
      options.interpolate == nil, options.shards.shard == nil, !options.resumption.resume
    else {
      throw .usage(
        "--queries, --docs, --index, --depth, --interpolate, --shard and --resume are for runs, "
          + "the input is a token stream")
    }
    guard options.batchTokens >= 1 else { throw .usage("--batch-tokens: expected at least 1") }
    self.options = options
    self.context = context
    self.calibration = calibration
    self.operand = operand
    reader = TensorStreamReader(bytes)
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
    scoring = try options.pairScoring(loaded.description)
    digest = try options.modelOptions.digest(cache)
  }

  /// Pairs of whole queries.
  private struct Window {
    var queries: [RecordID] = []
    var docs: [[RecordID]] = []
    var tokens = TokenWindow()

    mutating func append(_ query: RecordID, _ doc: RecordID, _ tokens: TokenWindow) {
      if queries.last != query {
        queries.append(query)
        docs.append([])
      }
      docs[docs.count - 1].append(doc)
      self.tokens.append(tokens)
    }
  }

  func run() throws(Failure) {
    var output: RunOutput?
    var window = Window()
    var seen: Set<RecordID> = []
    while let segment = try reader.next() {
      try check(segment)
      if output == nil { output = try open(segment) }
      let records = InputWindow(segment)
      for index in 0..<segment.records {
        let (query, doc) = try pair(records.ids[index], segment.first + index)
        if window.queries.last != query {
          if window.tokens.count >= Self.windowPairs { try score(&window, output) }
          guard seen.insert(query).inserted else {
            throw .data(
              "\(operand): record \(segment.first + index)",
              "the pairs of query \(query) do not stand together")
          }
        }
        window.append(query, doc, records.tokens.selecting(index))
      }
    }
    try score(&window, output)
    if output == nil { output = try open(nil) }
    try output?.finish()
  }

  private func check(_ segment: TensorSegment) throws(Failure) {
    guard segment.schema.kind == .tokens, segment.description.role == .pair else {
      throw .config(
        operand,
        "expected tokens of pairs, found kind \(segment.schema.kind.rawValue) of role "
          + segment.description.role.rawValue, hint: "lir-tokenize --pairs makes them")
    }
    if let model = segment.description.model, model != digest {
      throw .config(operand, "the tokens were made for model \(model), --model is \(digest)")
    }
  }

  private func pair(
    _ id: [UInt8], _ record: Int
  ) throws(Failure) -> (query: RecordID, doc: RecordID) {
    let parts = id.split(separator: 0x09, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw .data(
        "\(operand): record \(record)", "expected an id of a query, a tab, and a document")
    }
    return (RecordID(Array(parts[0])), RecordID(Array(parts[1])))
  }

  private func open(_ segment: TensorSegment?) throws(Failure) -> RunOutput {
    let provenance = Provenance(
      tool: "lir-rerank", settings: context.settings,
      inputs: [("model", digest)] + (calibration?.inputs ?? []),
      instructionSet: instructionSet, earlier: segment?.description.by)
    return try RunOutput(
      options.output, resume: false, work: provenance.digest,
      tag: options.tag ?? provenance.runTag("lir-rerank"), provenance: provenance.json)
  }

  private func score(_ window: inout Window, _ output: RunOutput?) throws(Failure) {
    let scores = try scoring.score(
      window.tokens, queries: window.queries, counts: window.docs.map(\.count), encoder)
    for (i, list) in grouped(scores, like: window.docs).enumerated() {
      var documents: [ScoredDocument] = []
      for (doc, score) in zip(window.docs[i], list) {
        guard score.isFinite else {
          throw .data(
            "query \(window.queries[i]), document \(doc)", "the score is not a finite number")
        }
        documents.append(ScoredDocument(id: doc, score: score))
      }
      try output?.append(query: window.queries[i], documents)
    }
    context.count(records: window.tokens.count)
    window = Window()
  }
}
