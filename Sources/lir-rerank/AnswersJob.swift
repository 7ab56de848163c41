import Failures
import ModelSupport
import Records
import Reranking
import Streams
import ToolSupport

/// `lir-rerank --mark-end`: one answer of a search after the other, each scored as soon as it is there.
struct AnswersJob {
  private let options: Rerank
  private let context: ToolContext
  private let calibration: Calibration?
  private let bytes: ByteReader

  init(
    _ options: Rerank, _ context: ToolContext, _ calibration: Calibration?,
    _ opened: [(String, ByteReader)]
  ) throws(Failure) {
    guard opened.count == 1 else {
      throw .usage("--mark-end: expected one input, found \(opened.count)")
    }
    guard options.docs.isEmpty, options.shards.shard == nil, !options.resumption.resume,
      options.shards.limit == nil
    else {
      throw .usage(
        "--docs, --shard, --limit and --resume go without --mark-end",
        hint: "lir-search --format jsonl --docs FILE puts the texts into its lines")
    }
    self.options = options
    self.context = context
    self.calibration = calibration
    bytes = opened[0].1
  }

  func run() throws(Failure) {
    let model = try RerankModel(options, context, nil, calibration)
    let provenance = Provenance(
      tool: Rerank.tool, settings: context.settings,
      inputs: [("model", model.digest)] + (calibration?.inputs ?? []),
      instructionSet: model.instructionSet)
    let output = try RunOutput(
      options.output, tag: options.tag ?? provenance.runTag(Rerank.tool),
      provenance: provenance.json, json: options.json, marksEnds: true)
    var answers = RunAnswers(bytes)
    var final = FinalScores(firstShare: options.interpolate)
    while let answer = try answers.next() {
      if answer.run.count > 0 { try score(answer.run, model, &final, output) }
      // A query without documents is answered, too.
      if let query = answer.query, answer.run.queries.find(query) == nil {
        try output.append(query: query, [])
      }
    }
    try output.finish()
    if let warning = final.steps.warning { context.diagnostics.warning(warning) }
  }

  private func score(
    _ run: Run, _ model: RerankModel, _ final: inout FinalScores, _ output: RunOutput
  ) throws(Failure) {
    let queries = 0..<run.queries.count
    let candidates = CandidateIDs(run, queries: queries, depth: options.depth ?? .max)
    let texts = try CandidateTexts(
      run, candidates, queryFile: options.queries, docFiles: [], model.scorer.needs,
      options: options.records.records(),
      queryOptions: options.queryFields.records(options.records.records()))
    let window = try PairWindow(
      run, queries, depth: candidates.depth, texts, model.scorer.needs)
    let found = try model.scorer.score(window)
    for query in queries {
      let first = run.entries(of: query).lowerBound
      let documents = try final.documents(
        window.queryIDs[query], window.docIDs[query], found.scores[query],
        logits: found.logits?[query], first: { run.score(first + $0) })
      try output.append(window, query, documents)
    }
    context.count(records: window.pairs, truncated: found.truncated)
  }
}
