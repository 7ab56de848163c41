import Evaluation
import Failures
import Records
import Streams
import ToolSupport

extension EvaluationJob {
  /// Evaluates a run, and shows it to the report.
  ///
  /// - Throws: 65 for a run without a line, 64 where nothing says what is relevant; as reading does.
  func evaluation(
    of operand: String, called name: String, _ qrels: Qrels?, _ report: inout ReportJob
  ) throws(Failure) -> Evaluation {
    let run = try RunReader.read(
      operand, format: command.runFormat,
      keeping: command.report.report == nil ? details : details.union(.texts),
      pool: context.pool)
    guard run.count > 0 || EmptyInputs.areAllowed else {
      throw .data(operand, "expected a run, found no line of one")
    }
    guard let judgements = qrels ?? run.relevance else {
      throw .usage(
        "--qrels is missing, and \(operand) brings no grades",
        hint: "JSONL runs with a \"relevance\" in their lines need none")
    }
    let evaluator = Evaluator(
      qrels: judgements, measures: measures, droppingSelf: command.dropSelf,
      pool: context.pool)
    var evaluation = try evaluate(run, evaluator)
    evaluation.run = name
    try say(evaluation.counts, of: operand)
    warnOfDepth(run, evaluation)
    context.count(records: evaluation.queries.count)
    try report.add(run, judgements, name: name)
    return evaluation
  }
}
