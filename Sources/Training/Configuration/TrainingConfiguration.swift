import Failures
import JSON
import Models

/// Everything that decides a training run, as `lir-train --config` reads it.
package struct TrainingConfiguration: Sendable {
  package var model: String
  /// Adds to or overrides the model's `config.json`.
  package var modelConfig: JSON?
  package var data: DataConfiguration
  /// Queries a batch.
  package var batchSize: Int
  /// Batches a step.
  package var accumulate: Int
  package var accumulateMean: AccumulateMean
  /// Nil for what `epochs` gives.
  package var maxSteps: Int?
  package var epochs: Int?
  package var losses: [LossTerm]
  package var optimizer: OptimizerConfiguration
  package var schedule: ScheduleConfiguration
  package var valueSchedules: [ValueScheduleConfiguration]
  /// Norm that gradients are scaled down to; nil for any.
  package var clip: Double?
  /// Nil for as the model's configuration says.
  package var dropout: Double?
  package var precision: TrainingPrecision
  /// Parts of the names of weights that stay as they are.
  package var freeze: [String]
  /// Nil where weights are trained as they are.
  package var lora: LoRAConfiguration?
  /// Whether anything may be dropped.
  package var drops: Bool { dropout != 0 || (lora?.dropout ?? 0) > 0 }
  package var recomputesLayers: Bool
  /// Texts that the model runs on at a time; nil for all of a batch.
  package var chunk: Int?
  package var validations: [ValidationConfiguration]
  package var checkpointEvery: Int
  package var checkpointsKept: Int
  package var seed: UInt64
  /// Steps between two lines about them on the standard error; nil for one a minute.
  package var logEvery: Int?
  /// The configuration as it was read, with defaults filled in.
  package var effective: JSON

  /// The value of a configuration without anything said.
  static let defaults: JSON = [
    "model": .null, "model_config": .null, "data": .null, "batch_size": 32,
    "accumulate": 1, "accumulate_mean": "full",
    "max_steps": .null, "epochs": .null, "losses": [],
    "optimizer": .null, "schedule": ScheduleConfiguration.defaults,
    "value_schedules": [], "clip": .null, "dropout": .null, "precision": "f32", "lora": .null,
    "freeze": [], "gradient_checkpointing": false, "gradcache": .null, "validate": [],
    "checkpoint": ["every": 1000, "keep": 2], "log_every": .null, "seed": 42,
  ]

  static let defaultSteps = 100_000
  /// Largest batch, and number of batches a step: what is counted of them fits an integer.
  private static let mostQueries = 1 << 20
  /// Most epochs: of some data the steps of each are counted beforehand.
  private static let mostEpochs = 1_000_000
  /// Texts at a time with `gradcache: true`.
  static let defaultChunk = 32

  /// Reads a configuration.
  ///
  /// - Throws: 78 for a key that does not exist (with the nearest one), a value that does not fit, or
  ///   something that must be there and is not.
  package init(_ json: JSON, file: String?) throws(Failure) {
    let keys = (Self.defaults.members ?? []).map(\.key)
    let top = try ConfigurationReader(json, file: file, keys: keys)
    guard let model = try top.string("model") else {
      throw .config(file, "model is missing", hint: "name a model folder")
    }
    self.model = model
    modelConfig = top["model_config"]
    if let modelConfig, modelConfig.members == nil {
      throw top.failure("model_config", expected: "a mapping")
    }
    data = try DataConfiguration(
      try top.mapping("data", keys: DataConfiguration.keys), isTraining: true)
    batchSize = try top.integer("batch_size", least: 1, most: Self.mostQueries) ?? 32
    accumulate = try top.integer("accumulate", least: 1, most: Self.mostQueries) ?? 1
    accumulateMean = try top.choice("accumulate_mean") ?? .full
    maxSteps = try top.integer("max_steps", least: 1)
    epochs = try top.integer("epochs", least: 1, most: Self.mostEpochs)
    if maxSteps == nil, epochs == nil { maxSteps = Self.defaultSteps }
    losses = try LossConfiguration.terms(top)
    guard !losses.isEmpty else {
      throw .config(file, "losses is empty", hint: "for example: losses: [{name: RankNet}]")
    }
    optimizer = try OptimizerConfiguration(
      try top.mapping("optimizer", keys: OptimizerConfiguration.keys))
    schedule = try ScheduleConfiguration(
      try top.mapping("schedule", keys: ScheduleConfiguration.keys))
    valueSchedules = try ValueScheduleConfiguration.read(top, losses)
    // 0 is none, as in Lightning.
    clip = try top.number("clip", least: 0).flatMap { $0 == 0 ? nil : $0 }
    dropout = try top.share("dropout")
    precision = try top.choice("precision") ?? .f32
    freeze = try top.strings("freeze") ?? []
    lora = try top["lora"].map { json throws(Failure) in
      try LoRAConfiguration(json, file: file)
    }
    if lora != nil, !freeze.isEmpty {
      throw .config(file, "freeze: with lora everything is frozen but lora.modules_to_save")
    }
    recomputesLayers = try top.bool("gradient_checkpointing") ?? false
    chunk =
      switch top["gradcache"] {
      case .bool(let isOn)?: isOn ? Self.defaultChunk : nil
      default: try top.integer("gradcache", least: 1)
      }
    validations = try ValidationConfiguration.read(top)
    let checkpoint = try top.mapping("checkpoint", keys: ["every", "keep"])
    checkpointEvery = try checkpoint.integer("every", least: 1) ?? 1000
    checkpointsKept = try checkpoint.integer("keep", least: 1) ?? 2
    seed = UInt64(try top.integer("seed", most: .max) ?? 42)
    logEvery = try top.integer("log_every", least: 1)
    effective = .null
    effective = effective(of: json)
  }

  /// The configuration as it was read, with the defaults of every part.
  private func effective(of json: JSON) -> JSON {
    func listed(_ json: JSON?, _ defaults: JSON) -> JSON {
      .array((json?.array ?? json.map { [$0] } ?? []).map { Self.filled($0, defaults) })
    }
    let top = Self.filled(json, Self.defaults)
    return .object(
      (top.members ?? []).map { member in
        let value = member.value.isNull ? nil : member.value
        let filled: JSON? =
          switch member.key {
          case "data": Self.filled(value ?? [:], data.defaults)
          case "optimizer": OptimizerConfiguration.effective(value)
          case "losses": LossConfiguration.effective(value)
          case "value_schedules": listed(value, ScheduleConfiguration.defaults)
          case "validate": ValidationConfiguration.effective(value, validations)
          case "lora": value.map(LoRAConfiguration.effective)
          case "max_steps": maxSteps.map { .integer($0) }
          default: value
          }
        return JSON.Member(member.key, filled ?? .null)
      })
  }

  /// `json` with the members of `defaults` that it lacks, level by level; in the order of `defaults`.
  static func filled(_ json: JSON, _ defaults: JSON) -> JSON {
    guard let wanted = defaults.members, let given = json.members else { return json }
    let known = wanted.map { member in
      let given = json[member.key].flatMap { $0.isNull ? nil : $0 }
      return JSON.Member(member.key, given.map { filled($0, member.value) } ?? member.value)
    }
    return .object(known + given.filter { member in !wanted.contains { $0.key == member.key } })
  }

  /// Members that decide the weights after each step, together with the files that they name.
  ///
  /// The number of steps decides nothing unless a schedule depends on it.
  package var decisive: JSON {
    let schedules = [schedule] + valueSchedules.map(\.schedule)
    var others = ["model", "checkpoint", "gradient_checkpointing", "validate", "log_every"]
    if !schedules.contains(where: \.dependsOnSteps) { others += ["max_steps", "epochs"] }
    return .object((effective.members ?? []).filter { !others.contains($0.key) })
  }

  /// What an earlier version of this tool kept as decisive, with the defaults of the keys that it did
  /// not know: they are what it did.
  static func completed(_ decisive: JSON) -> JSON {
    .object(
      (filled(decisive, ["accumulate_mean": "full"]).members ?? []).map { member in
        switch member.key {
        case "losses": JSON.Member(member.key, LossConfiguration.effective(member.value))
        case "data": JSON.Member(member.key, filled(member.value, ["no_duplicates": false]))
        case "lora": JSON.Member(member.key, filled(member.value, LoRAConfiguration.defaults))
        default: member
        }
      })
  }
}

/// What the derivatives of a step's batches are divided by, where an epoch's last step has fewer
/// batches, or smaller ones.
package enum AccumulateMean: String, CaseIterable, Sendable {
  /// By `accumulate`, whatever a step has, as Lightning does: the last step of an epoch is shorter.
  case full
  /// By the number of batches that the step has.
  case batches
  /// Each batch counts by its queries, as in one batch of all of them.
  case queries

  /// The factor of the derivatives of each batch, given the queries of each.
  package func factors(_ queries: [Int], accumulate: Int) -> [Double] {
    switch self {
    case .full: return queries.map { _ in 1 / Double(accumulate) }
    case .batches: return queries.map { _ in 1 / Double(queries.count) }
    case .queries:
      let all = queries.reduce(0, +)
      return queries.map { Double($0) / Double(all) }
    }
  }

  /// What a batch adds to the mean that is reported of a value, given the queries of each batch.
  package func share(of value: Double, _ batch: Int, _ queries: [Int]) -> Double {
    self == .queries
      ? value * Double(queries[batch]) / Double(queries.reduce(0, +))
      : value / Double(queries.count)
  }
}

/// Precision of the products of linear layers in training, both ways.
package enum TrainingPrecision: String, CaseIterable, Sendable {
  case f32
  /// Products of factors rounded to bfloat16, as `Precision.bf16`; weights, their derivatives, the
  /// optimizer's state and all else stay in single precision.
  case bf16

  /// Precisions of the layers of a model.
  package var layers: LayerPrecisions { LayerPrecisions(self == .bf16 ? .bf16 : .f32) }
}
