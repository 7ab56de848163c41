import Failures
import IndexFormat
import ModelSupport
import Records
import Reranking
import Streams
import ToolSupport

/// One run of `lir-rerank`: a run in, a run out, a window of queries at a time.
struct RerankJob {
  private let options: Rerank
  private let context: ToolContext
  private let calibration: Calibration?
  private let operands: [String]
  private let opened: [String: ByteReader]

  /// Pairs that are scored together: enough to sort them by length.
  static let windowPairs = 2048
  /// With `--resume` windows are smaller: a kill costs one at most.
  static let resumableWindowPairs = 256

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
    let count = min(run.queries.count, RecordLimit.range(options.shards.limit).upperBound)
    let wanted = try options.shards.selection()?.range(of: count) ?? 0..<count
    let candidates = CandidateIDs(run, queries: wanted, depth: options.depth ?? .max)
    let model = try RerankModel(options, context, candidates, calibration)
    let texts = try CandidateTexts(
      run, candidates, queryFile: options.queries, docFiles: options.docs, model.scorer.needs,
      options: options.records.records(),
      queryOptions: options.queryFields.records(options.records.records()))
    if let failure = texts.firstSkipped { context.diagnostics.warning("\(failure), skipped") }
    context.count(skipped: texts.skipped)
    guard let output = try open(model, run, wanted) else { return }
    var left = wanted
    if let done = output.resumeAfter {
      guard let place = run.queries.find(done), wanted.contains(place) else {
        throw .data(options.output.output, "the partial run ends with query \(done), unknown here")
      }
      left = place + 1..<wanted.upperBound
    }
    var windows = CandidateWindows(
      run, left, depth: candidates.depth,
      pairs: options.resumption.resume ? Self.resumableWindowPairs : Self.windowPairs)
    context.progress.expect(windows.pairs)
    var final = FinalScores(firstShare: options.interpolate)
    while let queries = windows.next() {
      let window = try PairWindow(
        run, queries, depth: candidates.depth, texts, model.scorer.needs)
      let found = try model.scorer.score(window)
      for (i, query) in queries.enumerated() {
        let first = run.entries(of: query).lowerBound
        let documents = try final.documents(
          window.queryIDs[i], window.docIDs[i], found.scores[i], logits: found.logits?[i],
          first: { run.score(first + $0) })
        try output.append(window, i, documents)
      }
      try output.checkpoint()
      context.count(records: window.pairs, truncated: found.truncated)
    }
    try output.finish()
    if let warning = final.steps.warning { context.diagnostics.warning(warning) }
  }

  /// Opens the output; nil where it is there already.
  private func open(
    _ model: RerankModel, _ run: Run, _ wanted: Range<Int>
  ) throws(Failure) -> RunOutput? {
    var inputs = [("model", model.digest)] + (calibration?.inputs ?? [])
    if let queries = options.queries { inputs += try InputDigest.of([queries], name: "queries") }
    inputs += try InputDigest.of(options.docs, name: "docs")
    inputs += try InputDigest.of(options.vectors.ids, name: "ids")
    inputs += try InputDigest.of(options.queryIds.map { [$0] } ?? [], name: "query-ids")
    if let index = options.index {
      inputs.append(("index", try IndexManifest(folder: index).digest))
    }
    let provenance = Provenance(
      tool: Rerank.tool, settings: context.settings,
      inputs: inputs + (try InputDigest.of(operands)), instructionSet: model.instructionSet)
    let names = InputDigest.names(operands).merging(
      InputDigest.names(options.docs, name: "docs")
    ) { $1 }
    let expected = FinishedOutput.ExpectedRun(tag: options.tag, tool: Rerank.tool, provenance)
    if options.resumption.resume {
      let finished = FinishedOutput(
        options.output, shard: options.shards.shard, context.diagnostics)
      let isThere =
        try options.json != nil
        ? finished.isThere(text: provenance.json, calling: names, as: JSONRunForm())
        : finished.isThere(
          run: expected, calling: names,
          answers: { () throws(Failure) in
            wanted.map { query in
              let count = min(run.entries(of: query).count, options.depth ?? .max)
              return FinishedRun.Answer(query: run.queries[query], documents: count)
            }
          })
      if isThere { return nil }
    }
    let work = provenance.work(shard: options.shards.shard, options.output, calling: names)
    return try RunOutput(
      options.output, continuing: options.resumption.resume && options.json == nil ? work : nil,
      tag: expected.tag, provenance: provenance.json, json: options.json,
      shard: try options.shards.recorded(in: options.output))
  }
}

extension RunOutput {
  /// Appends the documents of a window's query, with the texts that the window has.
  func append(
    _ window: PairWindow, _ query: Int, _ documents: [ScoredDocument]
  ) throws(Failure) {
    var documents = documents
    if window.docs[query].count == documents.count {
      for (place, text) in window.docs[query].enumerated() { documents[place].text = text }
    }
    let text = window.queries.isEmpty ? nil : window.queries[query]
    try append(query: window.queryIDs[query], text: text, documents)
  }
}
