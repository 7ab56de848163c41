import Failures
import JSON

/// A field of `config.json` that changes what a model computes, and has one value here: every other
/// one is refused by name.
package struct LimitedField: Sendable {
  package let name: String
  /// The value, for messages.
  private let expected: String
  private let isSupported: @Sendable (JSON, ModelFolder) -> Bool

  /// - Parameters:
  ///   - name: The field's.
  ///   - expected: The value, for messages.
  ///   - isSupported: Whether a value of a folder, which is not null, is the one.
  package init(
    _ name: String, _ expected: String,
    _ isSupported: @escaping @Sendable (JSON, ModelFolder) -> Bool
  ) {
    self.name = name
    self.expected = expected
    self.isSupported = isSupported
  }

  /// A field that has to be true, or false.
  package init(_ name: String, _ expected: Bool) {
    self.init(name, "\(expected)") { value, _ in value.bool == expected }
  }

  /// A field that has to be absent or null.
  package init(absent name: String) {
    self.init(name, "null") { _, _ in false }
  }

  /// - Throws: 78 where a folder has another value.
  func check(_ folder: ModelFolder) throws(Failure) {
    guard let value = folder.config[name], !value.isNull, !isSupported(value, folder) else {
      return
    }
    throw folder.invalid(name, expected: expected)
  }
}

extension LimitedField {
  /// Those that transformers has for every model: heads that were cut out of layers, weights that are
  /// stored in fewer bits, and layers with settings of their own, which one family has.
  package static let all = [
    LimitedField("pruned_heads", "null or {}") { value, _ in value.members?.isEmpty == true },
    LimitedField(absent: "quantization_config"), LimitedField(absent: "compression_config"),
    LimitedField(absent: "per_layer_config"),
  ]

  /// Kinds of attention of layers, of which there is one.
  static let wholeLayers = LimitedField("layer_types", "full_attention for each layer") {
    value, folder in
    value.array?.count == folder.config["num_hidden_layers"]?.integer
      && value.array?.allSatisfy { $0.string == "full_attention" } == true
  }

  /// Those of rotary positions that ModernBERT's class reads beside its own fields.
  static let modernBert = [
    LimitedField("partial_rotary_factor", "1") { value, _ in value.double == 1 },
    LimitedField("head_dim", "the hidden size over the number of heads") { value, folder in
      guard let width = folder.config["hidden_size"]?.integer, let own = value.integer,
        let heads = folder.config["num_attention_heads"]?.integer, heads > 0
      else { return false }
      return own == width / heads
    },
    LimitedField("sliding_window", "half of local_attention") { value, folder in
      value.integer == (folder.config["local_attention"]?.integer ?? 128) / 2
    },
  ]
}
