import Failures
import JSON
import Models

/// Settings of low-rank updates, which some weights get in the place of training; names are those of
/// PEFT's `LoraConfig` (0.21), some of which may be shortened as there in `r`.
package struct LoRAConfiguration: Sendable {
  package var rank: Int
  package var alpha: Double
  /// Share of an updated layer's inputs that is dropped on the way to A.
  package var dropout: Double
  /// The layers that are updated.
  package var targets: LayerChoice
  /// Names of layers that are trained as a whole, or of what holds them.
  package var saved: [String]
  /// Ranks and numerators of factors of some layers.
  package var ranks: [(layers: LayerPattern, value: Int)]
  package var alphas: [(layers: LayerPattern, value: Double)]
  /// Whether the factor falls with the root of the rank (arXiv:2312.03732).
  package var scalesByRoot: Bool
  /// Whether the rows of updated weights have lengths of their own (arXiv:2402.09353).
  package var usesLengths: Bool
  /// Biases of the model that are trained.
  package var biases: Biases
  /// Whether B has a bias.
  package var hasBias: Bool
  package var start: LowRankStart
  /// PEFT's kind of model: nothing but a classifier's last layer depends on it.
  package var task: String?
  /// Folder of an adapter that the updates begin with; nil for new ones.
  package var adapter: String?

  /// Biases of the model that are trained.
  package enum Biases: String, CaseIterable, Sendable {
    case none, all
    /// Those of updated layers.
    case updated = "lora_only"
  }

  static let defaults: JSON = [
    "r": 8, "alpha": .double(8), "dropout": .double(0), "targets": [], "exclude_modules": .null,
    "layers_to_transform": .null, "layers_pattern": .null, "rank_pattern": [:],
    "alpha_pattern": [:], "use_rslora": false, "use_dora": false, "bias": "none",
    "lora_bias": false, "init_lora_weights": true, "modules_to_save": [], "task_type": .null,
    "adapter": .null,
  ]

  /// Names that PEFT has for some of them.
  private static let longNames = [
    "lora_alpha": "alpha", "lora_dropout": "dropout", "target_modules": "targets",
  ]
  /// Fields of an `adapter_config.json` that decide nothing here.
  private static let ignored = [
    "auto_mapping", "base_model_name_or_path", "inference_mode", "megatron_core", "peft_version",
    "qalora_group_size", "revision", "runtime_config",
  ]
  /// Fields that ask for what is not done here, unless they are empty.
  private static let refused = [
    "alora_invocation_tokens", "arrow_config", "corda_config", "ensure_weight_tying", "eva_config",
    "fan_in_fan_out", "kasa_config", "layer_replication", "loftq_config", "lora_ga_config",
    "megatron_config", "monteclora_config", "target_parameters", "trainable_token_indices",
    "use_bdlora", "use_qalora", "velora_config",
  ]
  private static let tasks = [
    "CAUSAL_LM", "FEATURE_EXTRACTION", "SEQ_2_SEQ_LM", "SEQ_CLS",
  ]
  /// Layers that PEFT trains as a whole where the task is to classify.
  private static let classifiers = ["classifier", "score"]

  /// Largest rank; that of a layer is at most its larger side.
  private static let mostRank = 1 << 16

  /// Reads a mapping; defaults are PEFT's.
  ///
  /// - Parameters:
  ///   - json: The mapping.
  ///   - file: Where it stands.
  /// - Throws: 78 for what does not exist, does not fit, or is not done here.
  package init(_ json: JSON, file: String?) throws(Failure) {
    let keys = (Self.defaults.members ?? []).map(\.key)
    let all = keys + Self.longNames.keys + Self.ignored + Self.refused + ["peft_type"]
    let given = try ConfigurationReader(json, path: "lora.", file: file, keys: all)
    try Self.refuse(given)
    let reader = try ConfigurationReader(
      Self.shortened(json), path: "lora.", file: file, keys: keys)
    rank = try reader.integer("r", least: 1, most: Self.mostRank) ?? 8
    alpha = try reader.number("alpha", least: 0) ?? 8
    dropout = try reader.share("dropout") ?? 0
    targets = try LayerChoice(reader)
    saved = try reader.strings("modules_to_save") ?? []
    ranks = try reader.pattern("rank_pattern") { reader, key throws(Failure) in
      try reader.integer(key, least: 1, most: Self.mostRank)
    }
    alphas = try reader.pattern("alpha_pattern") { reader, key throws(Failure) in
      try reader.number(key, least: 0)
    }
    scalesByRoot = try reader.bool("use_rslora") ?? false
    usesLengths = try reader.bool("use_dora") ?? false
    biases = try reader.choice("bias") ?? .none
    hasBias = try reader.bool("lora_bias") ?? false
    start = try LowRankStart(reader)
    task = try reader.string("task_type")
    if let task, !Self.tasks.contains(task) {
      throw reader.failure("task_type", expected: "null, " + Self.tasks.joined(separator: ", "))
    }
    adapter = try reader.string("adapter")
    try checkTogether(file)
  }

  /// Refuses fields that ask for more than is done here.
  private static func refuse(_ given: ConfigurationReader) throws(Failure) {
    for (long, short) in longNames where given[long] != nil && given[short] != nil {
      throw .config(given.file, "lora: \(long) and \(short) are one setting")
    }
    if let type = given["peft_type"], type.string != "LORA" {
      throw given.failure("peft_type", expected: "LORA")
    }
    for key in refused {
      guard let value = given[key], value.bool != false, value.members?.isEmpty != true,
        value.array?.isEmpty != true
      else { continue }
      throw .config(given.file, "lora: \(key) is not supported")
    }
  }

  /// Refuses settings that exclude each other.
  private func checkTogether(_ file: String?) throws(Failure) {
    func refuse(_ one: String, _ other: String) -> Failure {
      .config(file, "lora: \(one) is not supported with \(other)")
    }
    if hasBias {
      if usesLengths { throw refuse("lora_bias", "use_dora") }
      guard start == .zero || start == .random else {
        throw refuse("lora_bias", "init_lora_weights \(start.rawValue)")
      }
    }
    guard start.changesWeights else { return }
    if usesLengths { throw refuse("use_dora", "init_lora_weights \(start.rawValue)") }
    if adapter != nil { throw refuse("adapter", "init_lora_weights \(start.rawValue)") }
    if alpha == 0 || alphas.contains(where: { $0.value == 0 }) {
      throw refuse("alpha 0", "init_lora_weights \(start.rawValue)")
    }
  }

  /// A mapping with the short names.
  private static func shortened(_ json: JSON) -> JSON {
    let keys = (defaults.members ?? []).map(\.key)
    return .object(
      (json.members ?? []).map { JSON.Member(longNames[$0.key] ?? $0.key, $0.value) }
        .filter { keys.contains($0.key) && !$0.value.isNull })
  }

  /// What a mapping says, with the short names and the defaults.
  static func effective(_ json: JSON) -> JSON {
    TrainingConfiguration.filled(shortened(json), defaults)
  }

  /// Layers that are trained as a whole.
  ///
  /// - Parameter layers: Names of the model's layers.
  /// - Returns: `saved`, and a classifier's last layer where the task is to classify.
  func saved(among layers: [LayerNames]) -> [String] {
    guard task == "SEQ_CLS" else { return saved }
    return saved
      + Self.classifiers.filter { name in
        !saved.contains(name) && layers.contains { $0.areWithin(name) }
      }
  }

  /// Rank and factor of the update of a layer.
  func settings(_ layer: LayerNames) -> (rank: Int, scale: Double) {
    let rank = ranks.first { $0.layers.matches(layer.bare) }?.value ?? rank
    let alpha = alphas.first { $0.layers.matches(layer.bare) }?.value ?? alpha
    return (rank, alpha / (scalesByRoot ? Double(rank).squareRoot() : Double(rank)))
  }
}
