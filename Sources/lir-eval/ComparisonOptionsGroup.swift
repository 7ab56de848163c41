import ArgumentParser
import Evaluation
import Failures

/// How `--compare` compares.
struct ComparisonOptionsGroup: ParsableArguments {
  @Flag(
    help: """
      Compare the runs pair by pair: differences, wins, ties and losses, bootstrap intervals, \
      effect sizes, t-test, Wilcoxon's, randomisation, Tukey's HSD and equivalence, with Holm's \
      and Bonferroni's corrections.
      """)
  var compare = false

  @Option(
    help: ArgumentHelp(
      "Compare the other runs with this one. (default: all pairs)", valueName: "run")
  )
  var baseline: String?

  @Option(help: ArgumentHelp("Random signs and bootstrap samples.", valueName: "n"))
  var resamples: Int = 10_000

  @Option(help: ArgumentHelp("Confidence of the bootstrap's intervals.", valueName: "share"))
  var confidence: Double = 0.95

  @Option(
    help: ArgumentHelp(
      "Difference that does not matter, for the test of equivalence.", valueName: "x"))
  var margin: Double = 0.01

  var isWanted: Bool { compare || baseline != nil }

  func options(seed: UInt64) throws(Failure) -> ComparisonOptions {
    guard (100...100_000_000).contains(resamples) else {
      throw .usage("--resamples: expected at least 100, found \(resamples)")
    }
    guard confidence > 0, confidence < 1 else {
      throw .usage("--confidence: expected a share between 0 and 1, found \(confidence)")
    }
    guard margin > 0, margin.isFinite else {
      throw .usage("--margin: expected a number above 0, found \(margin)")
    }
    var options = ComparisonOptions()
    options.resamples = resamples
    options.confidence = confidence
    options.margin = margin
    options.seed = seed
    options.baseline = baseline
    return options
  }
}
