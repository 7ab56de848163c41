import JSON
import ToolSupport

/// Weights of a fusion that were found on judged queries, and what they are worth.
package struct FusionTuning: Sendable {
  /// What tuning without one part of the queries gives.
  package struct Fold: Sendable {
    /// The weights that are best for the queries outside of the part.
    package let weights: [Int]
    /// How many queries the part has.
    package let queries: Int
    /// The measure over the queries that were tuned on.
    package let training: Double
    /// The measure over the queries of the part.
    package let heldOut: Double
  }

  /// The measure's name.
  package let measure: String
  /// The weights that are best for all judged queries: whole numbers.
  package let weights: [Int]
  /// The measure over these queries, on which the weights were found.
  package let value: Double
  package let folds: [Fold]
  /// The measure over all judged queries, each with the weights that were found without its part.
  package let heldOut: Double
  /// How many queries of the runs are judged, and how many are not.
  package let queries: Int
  package let unjudged: Int
  /// How many judged queries no run has.
  package var missing = 0
  /// The measure with equal weights.
  package var equal = 0.0
  /// The measure of each run as it is, over the same queries.
  package var alone: [(run: String, value: Double)] = []

  /// The measure over the queries that were tuned on, the mean of all parts.
  package var training: Double {
    folds.reduce(0) { $0 + $1.training } / Double(folds.count)
  }

  init(
    measure: String, weights: [Int], value: Double, folds: [Fold], heldOut: Double, queries: Int,
    unjudged: Int
  ) {
    self.measure = measure
    self.weights = weights
    self.value = value
    self.folds = folds
    self.heldOut = heldOut
    self.queries = queries
    self.unjudged = unjudged
  }

  /// Numbers as `--weights` takes them.
  package static func list(_ weights: [Int]) -> String {
    weights.map(String.init).joined(separator: ",")
  }

  /// What was found, in sentences, the flag to copy last.
  package var lines: [String] {
    var counted = "\(queries) judged queries"
    if unjudged > 0 { counted += ", \(unjudged) without judgements left out" }
    if missing > 0 { counted += ", \(missing) judged ones that no run has left out" }
    var lines = ["\(measure) on \(counted)"]
    for (run, value) in alone { lines.append("\(run) alone: \(Self.text(value))") }
    lines.append("equal weights: \(Self.text(equal))")
    for (number, fold) in folds.enumerated() {
      lines.append(
        "weights \(Self.list(fold.weights)), found without part \(number + 1) of \(folds.count): "
          + "\(Self.text(fold.training)) on training queries, \(Self.text(fold.heldOut)) on "
          + "\(fold.queries) held-out ones")
    }
    lines.append(
      "of all parts: \(Self.text(training)) on training queries, \(Self.text(heldOut)) on "
        + "held-out ones")
    lines.append(
      "weights \(Self.list(weights)), found on all of them: \(Self.text(value)) on training queries"
    )
    return lines + ["--weights \(Self.list(weights))"]
  }

  /// What was found, for provenance.
  package var found: [JSON.Member] {
    [
      JSON.Member("weights", .string(Self.list(weights))),
      JSON.Member("measure", .string(measure)),
      JSON.Member("queries", .integer(queries)),
      JSON.Member("training", .string(Self.text(value))),
      JSON.Member("held-out", .string(Self.text(heldOut))),
      JSON.Member("equal-weights", .string(Self.text(equal))),
    ]
  }

  private static func text(_ value: Double) -> String { ToolContext.fixed(value, 4) }

  /// Fields for the summary line.
  package var summary: [(String, String)] {
    [
      ("weights", Self.list(weights)), ("training", Self.text(value)),
      ("held_out", Self.text(heldOut)), ("equal_weights", Self.text(equal)),
      ("judged", "\(queries)"), ("unjudged", "\(unjudged)"),
    ]
  }
}
