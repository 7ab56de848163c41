import Failures
import JSON

/// Settings of low-rank updates, which some weights get in the place of training; names are those of
/// PEFT's `LoraConfig`, shortened as there in `r`.
package struct LoRAConfiguration: Sendable {
  static let keys = [
    "r", "alpha", "dropout", "targets", "modules_to_save", "use_rslora", "adapter",
  ]

  static let defaults: JSON = [
    "r": 8, "alpha": .double(8), "dropout": .double(0), "targets": [], "modules_to_save": [],
    "use_rslora": false, "adapter": .null,
  ]

  /// Largest rank; that of a layer is at most its larger side.
  private static let mostRank = 1 << 16

  package var rank: Int
  package var alpha: Double
  /// Share of an updated layer's inputs that is dropped on the way to A.
  package var dropout: Double
  /// Ends of the names of layers.
  package var targets: [String]
  /// Ends of the names of layers that are trained as a whole.
  package var saved: [String]
  /// Whether the factor falls with the root of the rank (arXiv:2312.03732).
  package var scalesByRoot: Bool

  /// Folder of an adapter that the updates begin with; nil for new ones.
  package var adapter: String?

  /// Reads a mapping; defaults are PEFT's.
  ///
  /// - Throws: 78.
  package init(_ json: JSON, file: String?) throws(Failure) {
    try self.init(ConfigurationReader(json, path: "lora.", file: file, keys: Self.keys))
  }

  /// Defaults are PEFT's.
  init(_ reader: ConfigurationReader) throws(Failure) {
    rank = try reader.integer("r", least: 1, most: Self.mostRank) ?? 8
    alpha = try reader.number("alpha", least: 0) ?? 8
    dropout = try reader.share("dropout") ?? 0
    targets = try reader.strings("targets") ?? []
    if targets.isEmpty { throw reader.failure("targets", expected: "names such as [query, value]") }
    saved = try reader.strings("modules_to_save") ?? []
    scalesByRoot = try reader.bool("use_rslora") ?? false
    adapter = try reader.string("adapter")
  }

  /// Factor of the product.
  var scale: Double { alpha / (scalesByRoot ? Double(rank).squareRoot() : Double(rank)) }

  /// `adapter_config.json` of PEFT.
  var adapterConfig: JSON {
    func list(_ names: [String]) -> JSON { .array(names.map { .string($0) }) }
    return [
      "base_model_name_or_path": .null, "bias": "none", "fan_in_fan_out": false,
      "inference_mode": true, "init_lora_weights": true, "lora_alpha": .double(alpha),
      "lora_dropout": .double(dropout), "modules_to_save": saved.isEmpty ? .null : list(saved),
      "peft_type": "LORA", "r": .integer(rank), "target_modules": list(targets),
      "task_type": .null, "use_dora": false, "use_rslora": .bool(scalesByRoot),
    ]
  }

  /// Whether one of `names` is a layer's name, or its last parts.
  static func names(_ names: [String], _ layer: Substring) -> Bool {
    names.contains { layer == $0 || layer.hasSuffix("." + $0) }
  }
}
