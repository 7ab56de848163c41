import ArgumentParser
import Evaluation
import Failures
import Records
import Retrieval
import ToolSupport

/// How weights of a fusion are found.
package struct WeightTuningOptions: ParsableArguments, OptionsWithoutEffect {
  package static let withoutEffect = ["tune-weights"]

  @Option(
    help: ArgumentHelp(
      "Find the weights on the queries that this file judges.", valueName: "qrels"))
  package var tuneWeights: String?

  @Option(
    help: ArgumentHelp(
      "What --tune-weights makes largest, as lir-eval names it. (default: nDCG@10)",
      valueName: "name"))
  package var measure: String?

  @Option(
    help: ArgumentHelp(
      """
      Parts of the judged queries, each held out once from tuning to say what weights are worth on \
      other queries. (default: 5)
      """, valueName: "n"))
  package var folds: Int?

  package init() {}

  /// What the options ask for; nil where no weights are to be found.
  ///
  /// - Parameters:
  ///   - fusing: The options beside these.
  ///   - operands: The runs.
  ///   - seed: What deals queries into parts.
  /// - Returns: How to find weights.
  /// - Throws: 64 for values that make no sense, or for a measure that there is none of; 65 and 66 for
  ///   the judgements.
  package func tuner(
    _ fusing: FusionOptions, _ operands: [String], seed: UInt64
  ) throws(Failure) -> FusionTuner? {
    guard let path = tuneWeights else {
      if measure != nil { throw .usage("--measure is for --tune-weights") }
      if folds != nil { throw .usage("--folds is for --tune-weights") }
      return nil
    }
    guard fusing.weights == nil else {
      throw .usage("--weights and --tune-weights: expected one of them")
    }
    guard path != "-" || !operands.contains("-") else {
      throw .usage("expected - once, found it twice")
    }
    let folds = folds ?? 5
    guard folds >= 2 else { throw .usage("--folds: expected at least 2, found \(folds)") }
    let measures = try MeasureRegistry.measures([measure ?? "nDCG@10"], judged: false)
    guard measures.count == 1 else {
      throw .usage("--measure: expected one, found \(measures.count)")
    }
    let qrels = try Qrels.read(
      [path], repeated: measures[0].measure.needs.contains(.subtopics) ? .subtopics : .agreeing,
      allowsFractions: true)
    guard qrels.count > 0 else {
      throw .data(path, "expected judgements, found no line of one")
    }
    return FusionTuner(qrels: qrels, measure: measures[0], folds: folds, seed: seed)
  }
}
