import Failures
import JSON

/// Settings of the optimizer; names and defaults are torch's, except for the learning rate.
package struct OptimizerConfiguration: Sendable {
  static let keys = [
    "name", "lr", "betas", "eps", "weight_decay", "no_decay", "lr_factors", "momentum", "nesterov",
  ]

  private enum Name: String, CaseIterable {
    case adamW = "AdamW"
    case adam = "Adam"
    case sgd = "SGD"
  }

  package var kind: OptimizerKind
  package var learningRate: Double
  private let weightDecay: Double
  /// Parts of the names of weights without decay.
  package let noDecay: [String]
  /// Parts of the names of weights whose learning rate is multiplied, with the factors.
  package let rateFactors: [(part: String, factor: Double)]

  init(_ reader: ConfigurationReader) throws(Failure) {
    let name: Name = try reader.choice("name") ?? .adamW
    for key in name == .sgd ? ["betas", "eps"] : ["momentum", "nesterov"] where reader[key] != nil {
      throw .config(reader.file, "optimizer.\(key) is not one of \(name.rawValue)'s")
    }
    let given = reader["betas"]
    let betas = given == nil ? [0.9, 0.999] : given?.array?.compactMap(\.double) ?? []
    guard betas.count == 2, given?.array?.count ?? 2 == 2,
      betas.allSatisfy({ 0 <= $0 && $0 < 1 })
    else {
      throw reader.failure("betas", expected: "two numbers from 0 to below 1")
    }
    let adam = OptimizerKind.AdamSettings(
      betas: (betas[0], betas[1]), epsilon: try reader.number("eps", least: 0) ?? 1e-8)
    switch name {
    case .adamW: kind = .adamW(adam)
    case .adam: kind = .adam(adam)
    case .sgd:
      let momentum = try reader.number("momentum", least: 0) ?? 0
      let nesterov = try reader.bool("nesterov") ?? false
      if nesterov, momentum == 0 {
        throw reader.failure("nesterov", expected: "a momentum with it")
      }
      kind = .sgd(momentum: momentum, nesterov: nesterov)
    }
    learningRate = try reader.number("lr", least: 0) ?? 1e-5
    weightDecay = try reader.number("weight_decay", least: 0) ?? (name == .adamW ? 0.01 : 0)
    noDecay = try reader.strings("no_decay") ?? []
    let parts = reader["lr_factors"] ?? [:]
    guard let parts = parts.members?.map(\.key) else {
      throw reader.failure("lr_factors", expected: "a mapping from parts of names to factors")
    }
    let factors = try reader.mapping("lr_factors", keys: parts)
    var all: [(String, Double)] = []
    for part in parts {
      guard let factor = try factors.number(part, least: 0) else {
        throw factors.failure(part, expected: "a number from 0 to 3.4e38")
      }
      all.append((part, factor))
    }
    rateFactors = all
  }

  /// The mapping with defaults.
  static func effective(_ json: JSON?) -> JSON {
    let name = json?["name"]?.string ?? Name.adamW.rawValue
    let own: JSON =
      name == Name.sgd.rawValue
      ? ["momentum": .double(0), "nesterov": false]
      : ["betas": [.double(0.9), .double(0.999)], "eps": .double(1e-8)]
    let defaults: [JSON.Member] =
      [JSON.Member("name", .string(name)), JSON.Member("lr", .double(1e-5))] + (own.members ?? [])
      + [
        JSON.Member("weight_decay", .double(name == Name.adamW.rawValue ? 0.01 : 0)),
        JSON.Member("no_decay", []), JSON.Member("lr_factors", [:]),
      ]
    return TrainingConfiguration.filled(json ?? [:], .object(defaults))
  }

  /// The decay of the weight of a name.
  package func weightDecay(_ name: String) -> Double {
    noDecay.contains { name.contains($0) } ? 0 : weightDecay
  }
}

extension OptimizerConfiguration {
  /// The factor of the learning rate of the weight of a name: that of the first part that it has.
  package func rateFactor(_ name: String) -> Double {
    rateFactors.first { name.contains($0.part) }?.factor ?? 1
  }
}

/// Settings of the schedule of a value over the steps.
package struct ScheduleConfiguration: Sendable {
  static let keys = ["name", "warmup", "delay", "final"]

  private let shape: Schedule.Shape
  private let warmup: Int
  private let delay: Int
  private let final: Double
  private let file: String?

  init(_ reader: ConfigurationReader) throws(Failure) {
    shape = try reader.choice("name") ?? .constant
    warmup = try reader.integer("warmup") ?? 0
    delay = try reader.integer("delay") ?? 0
    final = try reader.number("final", least: 0) ?? 0
    file = reader.file
  }

  static let defaults: JSON = [
    "name": "constant", "warmup": 0, "delay": 0, "final": .double(0),
  ]

  /// Whether the values before the last step depend on how many steps there are.
  var dependsOnSteps: Bool { shape == .linear || shape == .cosine }
  /// Whether a value is multiplied by 0 at some step, counted from 1.
  var reachesZero: Bool { delay > 0 || (dependsOnSteps && final == 0) }

  /// The schedule of a run of `steps` steps.
  package func schedule(steps: Int) throws(Failure) -> Schedule {
    try Schedule(shape, steps: steps, warmup: warmup, delay: delay, final: final, place: file)
  }
}
