import Failures
import IndexFormat
import Kernels
import ModelSupport
import Models
import Records
import Streams
import Tensors
import Tokenizers
import ToolSupport

/// One run of `lir-rerank`: a run in, a run out, a window of queries at a time.
struct RerankJob {
  private let options: Rerank
  private let context: ToolContext
  private let calibration: Calibration?
  private let operands: [String]
  private let opened: [String: ByteReader]

  /// Pairs that are scored together: enough to sort them by length.
  private static let windowPairs = 2048
  /// With `--resume` windows are smaller: a kill costs one at most.
  private static let resumableWindowPairs = 256

  init(
    _ options: Rerank, _ context: ToolContext, _ calibration: Calibration?, _ operands: [String],
    _ opened: [String: ByteReader]
  ) throws(Failure) {
    self.options = options
    self.context = context
    self.calibration = calibration
    self.operands = operands
    self.opened = opened
    if let depth = options.depth, depth < 1 { throw .usage("--depth: expected at least 1") }
    if let share = options.interpolate, !(0...1).contains(share) {
      throw .usage("--interpolate: expected 0 to 1, found \(share)")
    }
    try options.resumption.check(
      inputs: operands + options.docs + (options.queries.map { [$0] } ?? []),
      output: options.output)
    _ = try options.shards.selection()
  }

  func run() throws(Failure) {
    let run = try RunReader.read(
      operands, format: options.runFormat, keeping: [.texts], opened: opened)
    let depth = options.depth ?? Int.max
    let wanted =
      try options.shards.selection()?.range(of: run.queries.count)
      ?? 0..<run.queries.count
    let candidates = Candidates(run, queries: wanted, depth: depth)
    let model = try RerankModel(options, context, candidates, calibration)
    let texts = try CandidateTexts(
      run, candidates, queryFile: options.queries, docFiles: options.docs,
      needsQueries: model.readsQueries, needsDocs: model.readsDocs,
      options: options.records.records())
    if let failure = texts.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
    context.count(skipped: texts.skipped)
    let provenance = try provenance(model)
    let output = try RunOutput(
      options.output, resume: options.resumption.resume,
      work: provenance.digest + (options.shards.shard ?? ""),
      tag: options.tag ?? provenance.runTag("lir-rerank"), provenance: provenance.json)
    var start = wanted.lowerBound
    if let done = output.resumeAfter {
      guard let place = run.queries.find(done), wanted.contains(place) else {
        throw .data(options.output.output, "the partial run ends with query \(done), unknown here")
      }
      start = place + 1
    }
    context.progress.expect(
      (start..<wanted.upperBound).reduce(0) { $0 + min(depth, run.entries(of: $1).count) })
    while start < wanted.upperBound {
      let end = windowEnd(run, from: start, to: wanted.upperBound, depth)
      try rerank(run, start..<end, depth, texts, model, output)
      start = end
    }
    try output.finish()
  }

  /// Queries up to which a window is filled.
  private func windowEnd(_ run: Run, from start: Int, to limit: Int, _ depth: Int) -> Int {
    var end = start
    var pairs = 0
    let full = options.resumption.resume ? Self.resumableWindowPairs : Self.windowPairs
    while end < limit, pairs < full {
      pairs += min(depth, run.entries(of: end).count)
      end += 1
    }
    return end
  }

  private func rerank(
    _ run: Run, _ queries: Range<Int>, _ depth: Int, _ texts: CandidateTexts,
    _ model: RerankModel, _ output: RunOutput
  ) throws(Failure) {
    var window = PairWindow()
    for query in queries {
      var docs: [[UInt8]] = []
      let entries = run.entries(of: query).prefix(depth)
      for entry in entries where model.readsDocs { docs.append(try texts.doc(entry)) }
      if model.readsQueries { window.queries.append(try texts.query(query)) }
      window.queryIDs.append(run.queries[query])
      window.docs.append(docs)
      window.docIDs.append(entries.map { run.doc($0) })
    }
    let (scores, truncated) = try model.scorer.score(window)
    for (i, query) in queries.enumerated() {
      var documents: [ScoredDocument] = []
      for (j, entry) in run.entries(of: query).prefix(depth).enumerated() {
        let score = mixed(scores[i][j], first: run.score(entry))
        guard score.isFinite else {
          throw .data(
            "query \(run.queries[query]), document \(run.doc(entry))",
            "the score is not a finite number")
        }
        documents.append(ScoredDocument(id: window.docIDs[i][j], score: score))
      }
      try output.append(query: run.queries[query], documents)
    }
    try output.checkpoint()
    context.count(records: window.pairs, truncated: truncated)
  }

  private func mixed(_ score: Float, first: Float) -> Float {
    guard let share = options.interpolate else { return score }
    return (1 - share) * score + share * first
  }

  private func provenance(_ model: RerankModel) throws(Failure) -> Provenance {
    var inputs = [("model", model.digest)] + (calibration?.inputs ?? [])
    if let queries = options.queries { inputs += try InputDigest.of([queries], name: "queries") }
    inputs += try InputDigest.of(options.docs, name: "docs")
    if let index = options.index {
      inputs.append(("index", try IndexManifest(folder: index).digest))
    }
    return Provenance(
      tool: "lir-rerank", settings: context.settings,
      inputs: inputs + (try InputDigest.of(operands)), instructionSet: model.instructionSet)
  }
}

/// `lir-rerank --text QUERY DOC…`: one score a line.
struct TextScoring {
  private let options: Rerank
  private let context: ToolContext
  private let calibration: Calibration?

  init(_ options: Rerank, _ context: ToolContext, _ calibration: Calibration?) {
    self.options = options
    self.context = context
    self.calibration = calibration
  }

  func run() throws(Failure) {
    guard options.inputs.count >= 2 else {
      throw .usage("--text: expected a query and at least one document")
    }
    guard options.index == nil else { throw .usage("--text goes without --index") }
    let model = try RerankModel(options, context, nil, calibration)
    let docs = options.inputs.dropFirst().map { Array($0.utf8) }
    var window = PairWindow()
    window.queries = [Array(options.inputs[0].utf8)]
    window.queryIDs = [RecordID("query")]
    window.docs = [docs]
    window.docIDs = [docs.indices.map { RecordID("\($0)") }]
    let scores = try model.scorer.score(window).scores[0]
    try StandardOutput.write(scores.map { "\($0)\n" }.joined())
  }
}
