import Failures
import JSON

/// Losses by the names and parameters that Lightning IR gives them (`loss/*.py`).
enum LossConfiguration {
  /// What a loss is made of: its own parameters, and how they become one.
  private struct Recipe {
    var parameters: [String]
    var make: @Sendable (ConfigurationReader) throws(Failure) -> LossTerm.Kind
  }

  private static let recipes: [String: Recipe] = [
    "RankNet": Recipe(parameters: ["temperature"]) { reader throws(Failure) in
      .scoring(RankNet(temperature: try reader.number("temperature") ?? 1))
    },
    "ConstantMarginMSE": Recipe(parameters: ["margin"]) { reader throws(Failure) in
      .scoring(MarginMSE(margin: .constant(try reader.number("margin") ?? 1)))
    },
    "SupervisedMarginMSE": Recipe(parameters: []) { _ throws(Failure) in
      .scoring(MarginMSE(margin: .targets))
    },
    "KLDivergence": Recipe(parameters: []) { _ throws(Failure) in .scoring(KLDivergence()) },
    "InfoNCE": Recipe(parameters: []) { _ throws(Failure) in .scoring(InfoNCE()) },
    "PearsonCorrelation": Recipe(parameters: []) { _ throws(Failure) in
      .scoring(PearsonCorrelation())
    },
    "ApproxNDCG": Recipe(parameters: ["temperature", "scale_gains"]) { reader throws(Failure) in
      .scoring(
        ApproxNDCG(
          temperature: try reader.number("temperature") ?? 1,
          scalesGains: try reader.bool("scale_gains") ?? true))
    },
    "ApproxMRR": Recipe(parameters: ["temperature"]) { reader throws(Failure) in
      .scoring(ApproxMRR(temperature: try reader.number("temperature") ?? 1))
    },
    "ApproxRankMSE": Recipe(parameters: ["temperature", "discount"]) { reader throws(Failure) in
      .scoring(
        ApproxRankMSE(
          temperature: try reader.number("temperature") ?? 1,
          discount: try reader.choice("discount")))
    },
    // The reference takes a temperature, too, and does nothing with it.
    "ContrastiveLocalLoss": Recipe(parameters: []) { _ throws(Failure) in
      .views(ContrastiveLocalLoss())
    },
    "InBatchCrossEntropy": Recipe(
      parameters: ["pos_sampling_technique", "neg_sampling_technique", "max_num_neg_samples"]
    ) { reader throws(Failure) in .inBatch(InBatchCrossEntropy(try inBatch(reader))) },
    "ScoreBasedInBatchCrossEntropy": Recipe(
      parameters: ["min_target_diff", "max_num_neg_samples"]
    ) { reader throws(Failure) in
      guard let difference = try reader.number("min_target_diff") else {
        throw reader.failure("min_target_diff", expected: "a number")
      }
      return .inBatch(
        InBatchCrossEntropy(
          InBatchSampling(
            leastTargetDifference: difference,
            maximumNegatives: try reader.integer("max_num_neg_samples", least: 1))))
    },
    "FLOPSRegularization": regularization, "L1Regularization": regularization,
    "L2Regularization": regularization,
  ]

  private static let regularization = Recipe(
    parameters: ["query_weight", "doc_weight"]
  ) { reader throws(Failure) in
    guard let kind: Regularization.Kind = try reader.choice("name") else {
      throw reader.failure("name", expected: "a loss")
    }
    return .regularization(
      Regularization(
        kind, queryWeight: try reader.number("query_weight") ?? 1e-4,
        docWeight: try reader.number("doc_weight") ?? 1e-4))
  }

  private static func inBatch(_ reader: ConfigurationReader) throws(Failure) -> InBatchSampling {
    let positives: InBatchSampling.Positives = try reader.choice("pos_sampling_technique") ?? .all
    let negatives: InBatchSampling.Negatives = try reader.choice("neg_sampling_technique") ?? .all
    guard negatives != .allAndNonFirst || positives == .first else {
      throw reader.failure(
        "neg_sampling_technique", expected: "all or first unless pos_sampling_technique is first")
    }
    return InBatchSampling(
      positives: positives, negatives: negatives,
      maximumNegatives: try reader.integer("max_num_neg_samples", least: 1))
  }

  /// The terms that the key `losses` lists.
  static func terms(_ top: ConfigurationReader) throws(Failure) -> [LossTerm] {
    var terms: [LossTerm] = []
    let all = Array(Set(recipes.values.flatMap(\.parameters))) + ["name", "weight"]
    for (i, loose) in try top.mappings("losses", keys: all).enumerated() {
      guard let name = try loose.string("name") else {
        throw loose.failure("name", expected: "the name of a loss")
      }
      guard let recipe = recipes[name] else {
        throw .config(
          top.file, "losses.\(i).name: there is no loss \(name)",
          hint: NearestName.find(name, in: Array(recipes.keys).sorted(), within: name.count / 2)
            .map { "did you mean \($0)?" })
      }
      // Again, with the keys of this loss alone.
      let reader = try loose.restricted(to: ["name", "weight"] + recipe.parameters)
      let weight = try reader.number("weight") ?? 1
      terms.append(LossTerm(unique(name, terms), try recipe.make(reader), weight: weight))
    }
    return terms
  }

  /// A loss that is there twice is told apart in what is logged.
  private static func unique(_ name: String, _ terms: [LossTerm]) -> String {
    let same = terms.count { $0.name == name || $0.name.hasPrefix("\(name)-") }
    return same == 0 ? name : "\(name)-\(same + 1)"
  }
}

/// A value of the configuration that changes from step to step.
package struct ValueScheduleConfiguration: Sendable {
  /// Place of the loss, and which of its numbers.
  package var loss: Int
  package var value: Value
  package var schedule: ScheduleConfiguration

  package enum Value: String, Sendable, CaseIterable {
    case weight
    case queryWeight = "query_weight"
    case docWeight = "doc_weight"
  }

  static func read(
    _ top: ConfigurationReader, _ losses: [LossTerm]
  ) throws(Failure) -> [ValueScheduleConfiguration] {
    var schedules: [ValueScheduleConfiguration] = []
    let keys = ["key"] + ScheduleConfiguration.keys
    for reader in try top.mappings("value_schedules", keys: keys) {
      for key in try reader.strings("key") ?? [] {
        let parts = key.split(separator: ".").map { String($0) }
        guard parts.count == 3, parts[0] == "losses", let loss = Int(parts[1]),
          losses.indices.contains(loss), let value = Value(rawValue: parts[2])
        else {
          throw reader.failure("key", expected: "such as losses.1.query_weight")
        }
        if value != .weight {
          guard case .regularization = losses[loss].kind else {
            throw reader.failure("key", expected: "a loss that has a \(parts[2])")
          }
        }
        schedules.append(
          .init(loss: loss, value: value, schedule: try ScheduleConfiguration(reader)))
      }
      if reader["key"] == nil { throw reader.failure("key", expected: "a key") }
    }
    return schedules
  }

  /// Multiplies the value in `terms`.
  func apply(_ factor: Double, to terms: inout [LossTerm]) {
    switch (value, terms[loss].kind) {
    case (.weight, _): terms[loss].weight *= factor
    case (.queryWeight, .regularization(var regularization)):
      regularization.queryWeight *= factor
      terms[loss].kind = .regularization(regularization)
    case (.docWeight, .regularization(var regularization)):
      regularization.docWeight *= factor
      terms[loss].kind = .regularization(regularization)
    default: break
    }
  }
}
