import Failures
import ModelSupport
import Records
import Reranking
import ToolSupport

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
    window.append(
      query: RecordID("query"), text: Array(options.inputs[0].utf8),
      docIDs: docs.indices.map { RecordID("\($0)") }, docs: docs)
    let found = try model.scorer.score(window)
    var steps = ScoreSteps()
    let scores = steps.separate(found.scores[0], logits: found.logits?[0])
    if let warning = steps.warning { context.diagnostics.warning(warning) }
    var final = FinalScores()
    let scored = try final.documents(
      RecordID("query"), docs.indices.map { RecordID("\($0 + 1)") }, scores)
    try StandardOutput.write(scored.map { "\($0.score)\n" }.joined())
  }
}
