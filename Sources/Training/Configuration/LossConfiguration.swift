import Failures
import JSON

/// Losses by the names and parameters that Lightning IR gives them (`loss/*.py`).
enum LossConfiguration {
  /// Parameters of a loss, and the function that makes the loss of them.
  private struct Recipe {
    /// Defaults of the parameters; null for one that has none.
    var parameters: JSON
    var make: @Sendable (ConfigurationReader) throws(Failure) -> LossTerm.Kind

    var keys: [String] { (parameters.members ?? []).map(\.key) }
  }

  private static let recipes: [String: Recipe] = [
    "RankNet": Recipe(parameters: ["temperature": .double(1)]) { reader throws(Failure) in
      .scoring(RankNet(temperature: try temperature(reader)))
    },
    "ConstantMarginMSE": Recipe(parameters: ["margin": .double(1)]) { reader throws(Failure) in
      .scoring(MarginMSE(margin: .constant(try reader.number("margin") ?? 1)))
    },
    "SupervisedMarginMSE": Recipe(parameters: [:]) { _ throws(Failure) in
      .scoring(MarginMSE(margin: .targets))
    },
    "KLDivergence": Recipe(parameters: [:]) { _ throws(Failure) in .scoring(KLDivergence()) },
    "InfoNCE": Recipe(parameters: ["temperature": .double(1), "scale": .null]) {
      reader throws(Failure) in
      .scoring(InfoNCE(scale: try scale(reader)))
    },
    "PearsonCorrelation": Recipe(parameters: [:]) { _ throws(Failure) in
      .scoring(PearsonCorrelation())
    },
    "ApproxNDCG": Recipe(
      parameters: ["temperature": .double(1), "scale_gains": true]
    ) { reader throws(Failure) in
      .scoring(
        ApproxNDCG(
          temperature: try temperature(reader),
          scalesGains: try reader.bool("scale_gains") ?? true))
    },
    "ApproxMRR": Recipe(parameters: ["temperature": .double(1)]) { reader throws(Failure) in
      .scoring(ApproxMRR(temperature: try temperature(reader)))
    },
    "ApproxRankMSE": Recipe(
      parameters: ["temperature": .double(1), "discount": .null]
    ) { reader throws(Failure) in
      .scoring(
        ApproxRankMSE(
          temperature: try temperature(reader),
          discount: try reader.choice("discount")))
    },
    // The reference takes a temperature, too, and does nothing with it.
    "ContrastiveLocalLoss": Recipe(parameters: [:]) { _ throws(Failure) in
      .views(ContrastiveLocalLoss())
    },
    "InBatchCrossEntropy": Recipe(
      parameters: [
        "pos_sampling_technique": "all", "neg_sampling_technique": "all",
        "max_num_neg_samples": .null, "temperature": .double(1), "scale": .null,
      ]
    ) { reader throws(Failure) in
      .inBatch(InBatchCrossEntropy(try inBatch(reader), scale: try scale(reader)))
    },
    "ScoreBasedInBatchCrossEntropy": Recipe(
      parameters: [
        "min_target_diff": .null, "max_num_neg_samples": .null, "temperature": .double(1),
        "scale": .null,
      ]
    ) { reader throws(Failure) in
      guard let difference = try reader.number("min_target_diff") else {
        throw reader.failure("min_target_diff", expected: "a number")
      }
      return .inBatch(
        InBatchCrossEntropy(
          InBatchSampling(
            leastTargetDifference: difference,
            maximumNegatives: try reader.integer("max_num_neg_samples", least: 1)),
          scale: try scale(reader)))
    },
    "SpaDE": Recipe(
      parameters: [
        "lamb": .double(1), "teaching_ratio": .null, "teaching_start_step": .integer(0),
        "teaching_pool": .null, "topk_start_step": .integer(0), "sparsifying_ratio": .null,
        "sparsifying_step": .integer(3200),
        "sparsifying_start_step": .integer(0), "sparsifying_gradual": true,
      ]
    ) { reader throws(Failure) in
      .dual(try dual(reader))
    },
    "FLOPSRegularization": regularization, "L1Regularization": regularization,
    "L2Regularization": regularization,
  ]

  private static func temperature(_ reader: ConfigurationReader) throws(Failure) -> Double {
    try reader.positive("temperature") ?? 1
  }

  private static func scale(_ reader: ConfigurationReader) throws(Failure) -> LogitScale {
    let temperature = try reader.positive("temperature")
    guard let scale = try reader.positive("scale") else {
      return LogitScale(.temperature, temperature ?? 1)
    }
    guard temperature == nil else {
      throw reader.failure("scale", expected: "none beside temperature, its inverse")
    }
    return LogitScale(.scale, scale)
  }

  private static let regularization = Recipe(
    parameters: ["query_weight": .double(1e-4), "doc_weight": .double(1e-4)]
  ) { reader throws(Failure) in
    guard let kind: Regularization.Kind = try reader.choice("name") else {
      throw reader.failure("name", expected: "a loss")
    }
    return .regularization(
      Regularization(
        kind, queryWeight: try reader.number("query_weight") ?? 1e-4,
        docWeight: try reader.number("doc_weight") ?? 1e-4))
  }

  private static func dual(_ reader: ConfigurationReader) throws(Failure) -> DualEncoderLoss {
    let pruning = try reader.share("sparsifying_ratio").map { ratio throws(Failure) in
      TermPruning(
        ratio: ratio, every: try reader.integer("sparsifying_step", least: 1) ?? 3200,
        start: try reader.integer("sparsifying_start_step", least: 0) ?? 0,
        isGradual: try reader.bool("sparsifying_gradual") ?? true)
    }
    let ratio = try reader.share("teaching_ratio")
    let pool = try reader.integer("teaching_pool", least: 1)
    if pool != nil, ratio == nil {
      throw reader.failure("teaching_ratio", expected: "a share of teaching_pool")
    }
    return DualEncoderLoss(
      lambda: try reader.number("lamb", least: 0) ?? 1, teachingRatio: ratio,
      teachingStart: try reader.integer("teaching_start_step", least: 0) ?? 0, teachingPool: pool,
      masksFrom: try reader.integer("topk_start_step", least: 0) ?? 0, pruning: pruning)
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

  /// Names of all losses.
  static let names: [String] = recipes.keys.sorted()

  /// The terms that the key `losses` lists.
  static func terms(_ top: ConfigurationReader) throws(Failure) -> [LossTerm] {
    var terms: [LossTerm] = []
    let all = Array(Set(recipes.values.flatMap(\.keys))) + ["name", "weight"]
    for (i, loose) in try top.mappings("losses", keys: all).enumerated() {
      guard let name = try loose.string("name") else {
        throw loose.failure("name", expected: "the name of a loss")
      }
      guard let recipe = recipes[name] else {
        let nearest = NearestName.suggest(name, in: names, within: name.count / 2)
        throw .config(
          top.file,
          "losses.\(i).name: there is no loss \(name); there are \(names.joined(separator: ", "))",
          hint: nearest.map { "did you mean \($0)?" })
      }
      // Again, with the keys of this loss alone.
      let reader = try loose.restricted(to: ["name", "weight"] + recipe.keys)
      let weight = try reader.number("weight") ?? 1
      terms.append(LossTerm(unique(name, terms), try recipe.make(reader), weight: weight))
    }
    return terms
  }

  /// The key `losses` with the defaults of every loss.
  static func effective(_ losses: JSON?) -> JSON {
    let all = losses?.array ?? losses.map { [$0] } ?? []
    return .array(
      all.map { loss in
        var own = recipes[loss["name"]?.string ?? ""]?.parameters.members ?? []
        // A scale stands in the place of a temperature.
        if !(loss["scale"]?.isNull ?? true) { own.removeAll { $0.key == "temperature" } }
        let defaults = [JSON.Member("name", .null), JSON.Member("weight", .double(1))] + own
        return TrainingConfiguration.filled(loss, .object(defaults))
      })
  }

  /// A loss that is there twice is told apart in what is logged.
  private static func unique(_ name: String, _ terms: [LossTerm]) -> String {
    let same = terms.count { $0.name == name || $0.name.hasPrefix("\(name)-") }
    return same == 0 ? name : "\(name)-\(same + 1)"
  }
}
