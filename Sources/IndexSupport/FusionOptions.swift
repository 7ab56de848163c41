import ArgumentParser
import Failures
import Retrieval

/// How rankings are fused.
package struct FusionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Weights of the rankings, in their order, separated by commas. (default: 1 each)",
      valueName: "list"))
  package var weights: String?

  @Option(help: ArgumentHelp("What rrf adds to ranks.", valueName: "n"))
  package var rrfK: Double = 60

  @Option(help: "What mnz normalises by: minmax, zscore or none. (default: minmax)")
  package var normalize: ScoreNormalization?

  package init() {}

  /// Whether anything was said.
  package var isSaid: Bool { weights != nil || rrfK != 60 || normalize != nil }

  /// What the options ask for.
  ///
  /// - Parameters:
  ///   - method: How.
  ///   - flag: The option that says so, for messages.
  ///   - rankings: How many are fused.
  ///   - word: What one is called, for messages.
  /// - Returns: What fuses.
  /// - Throws: 64 for values that make no sense.
  package func fusion(
    _ method: FusionMethod, flag: String, of rankings: Int, called word: String
  ) throws(Failure) -> RunFusion {
    guard rrfK.isFinite, rrfK >= 0 else {
      throw .usage("--rrf-k: expected a number from 0 up, found \(rrfK)")
    }
    if normalize != nil, method != .mnz { throw .usage("--normalize is for \(flag) mnz") }
    var fusion = RunFusion()
    fusion.method = method
    fusion.weights = try parsedWeights(rankings, word)
    fusion.k = rrfK
    fusion.normalization = normalize ?? .minmax
    return fusion
  }

  private func parsedWeights(_ rankings: Int, _ word: String) throws(Failure) -> [Double] {
    guard let weights else { return [] }
    var numbers: [Double] = []
    for part in weights.split(separator: ",", omittingEmptySubsequences: false) {
      guard let number = Double(part), number.isFinite, number >= 0 else {
        throw .usage("--weights: expected numbers from 0 up, found '\(part)'")
      }
      numbers.append(number)
    }
    guard numbers.count == rankings else {
      throw .usage("--weights: expected one \(word), \(rankings), found \(numbers.count)")
    }
    guard numbers.contains(where: { $0 > 0 }) else {
      throw .usage("--weights: expected one above 0, found none")
    }
    return numbers
  }
}

extension FusionMethod: ExpressibleByArgument {}
extension ScoreNormalization: ExpressibleByArgument {}
extension SearchPreset: ExpressibleByArgument {}
