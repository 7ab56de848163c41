import Failures
import Glibc
import Records

/// An effectiveness measure with its parameters: a number for a query's ranking.
package protocol Measure: Sendable {
  /// What the measure is.
  static var description: MeasureDescription { get }

  /// The measure with the parameters that its name gave.
  init(_ arguments: MeasureArguments) throws(Failure)

  /// Refuses judgements that the measure cannot use (65).
  func check(_ qrels: Qrels) throws(Failure)

  /// Whether grades that are no whole numbers make sense to it.
  var takesFractions: Bool { get }

  /// What the measure looks at besides grades.
  var needs: RankingNeeds { get }

  /// The measure's value for one query; NaN where it has none.
  func value(_ ranking: JudgedRanking) -> Double

  /// What the order of tied documents does to it.
  var tieEffect: TieEffect { get }

  /// The mean of its values over all orders of tied documents; nil where no formula is known.
  func expectation(_ ranking: JudgedRanking) -> Double?

  /// What documents that were not judged could add at most; nil where that is not known.
  func residual(_ ranking: JudgedRanking) -> Double?
}

extension Measure {
  package func check(_ qrels: Qrels) throws(Failure) {}
  package var takesFractions: Bool { false }
  package var needs: RankingNeeds { [] }
  package var tieEffect: TieEffect { .any }
  package func expectation(_ ranking: JudgedRanking) -> Double? { nil }
  package func residual(_ ranking: JudgedRanking) -> Double? { nil }
}

/// What a measure is, for the list of measures and for those who ask what one means.
package struct MeasureDescription: Sendable {
  /// Its name in the ir-measures notation.
  package var name: String
  /// Other names for it.
  package var aliases: [String] = []
  /// One line of explanation.
  package var summary: String
  /// The formula, in plain text.
  package var formula: String
  /// Who proposed it, or which program defines it.
  package var source: String
  /// The names of its parameters with their defaults and meanings.
  package var parameters: [MeasureParameter] = []
  /// What may stand behind the `@`.
  package var cutoff: MeasureCutoff = .none
  /// How the values of queries become one.
  package var aggregation: MeasureAggregation = .mean

  /// The whole explanation, several lines.
  package var help: String {
    var lines = ["\(name): \(summary)", "", "  \(formula)", ""]
    for parameter in parameters {
      lines.append("  \(parameter.name)  \(parameter.meaning) (default \(parameter.value))")
    }
    if cutoff != .none { lines.append("  @\(cutoff.rawValue)") }
    lines.append("Source: \(source)")
    return lines.joined(separator: "\n")
  }
}

/// One parameter of a measure.
package struct MeasureParameter: Sendable {
  /// The name before the `=`, as in `AP(rel=2)`.
  package var name: String
  /// The value where a measure's name does not give the parameter.
  package var value: String
  /// The parameter's meaning, for the help text.
  package var meaning: String

  /// The lowest grade that counts as relevant.
  static let rel = MeasureParameter(
    name: "rel", value: "1", meaning: "lowest grade that counts as relevant")
  /// The gain of each grade.
  static let gains = MeasureParameter(
    name: "gains", value: "the grades", meaning: "gain of each grade, {1:1,2:3}")
  /// Whether documents without a judgement are taken out first.
  static let judgedOnly = MeasureParameter(
    name: "judged_only", value: "False", meaning: "leave unjudged documents out of the ranking")
}

/// What may stand behind the `@` of a measure's name.
package enum MeasureCutoff: String, Sendable {
  /// Nothing.
  case none = ""
  /// A number of documents, or nothing for all of them.
  case optional = "k looks at the first k documents (default: all)"
  /// A number of documents.
  case required = "k looks at the first k documents"
  /// A recall between 0 and 1.
  case recall = "recall, between 0 and 1"
  /// A multiple of the number of relevant documents.
  case multiple = "x times the number of relevant documents"
}

/// How a measure's values for queries become one.
package enum MeasureAggregation: Sendable {
  /// Their arithmetic mean.
  case mean
  /// Their sum: counts.
  case sum
  /// The arithmetic mean of those that there are; NaN where there is none.
  case definedMean
  /// Their geometric mean; values below `geometricFloor` count as that.
  case geometricMean

  /// trec_eval's MIN_GEO_MEAN.
  package static let geometricFloor = 0.00001

  /// The one value of several queries' values.
  package func aggregate(_ values: [Double]) -> Double {
    switch self {
    case .mean: return values.reduce(0, +) / Double(values.count)
    case .sum: return values.reduce(0, +)
    case .definedMean:
      let defined = values.filter { !$0.isNaN }
      return defined.reduce(0, +) / Double(defined.count)
    case .geometricMean:
      return Self.exponential(
        values.reduce(0) { $0 + Self.floorLog($1) } / Double(values.count))
    }
  }

  /// The logarithm of what is not below the floor.
  static func floorLog(_ value: Double) -> Double { log(max(value, geometricFloor)) }

  /// The inverse of the logarithm.
  static func exponential(_ value: Double) -> Double { exp(value) }
}
