import Failures
import JSON
import Models
import Tokenizers

/// Names of a layer: as the checkpoint has it, and without what transformers puts before a backbone's.
package struct LayerNames: Sendable {
  let full: String
  let bare: String

  /// Names by a weight's.
  init(_ weight: String) {
    full = String(weight[..<(weight.lastIndex(of: ".") ?? weight.endIndex)])
    bare = WeightNaming.withoutPrefix(full)
  }

  private func contains(where matches: (String) -> Bool) -> Bool {
    matches(bare) || (bare != full && matches(full))
  }

  /// Whether a name is the layer's, or its last parts.
  func end(with name: String) -> Bool { contains { $0 == name || $0.hasSuffix("." + name) } }

  /// Whether a name is the layer's, or that of something that holds it.
  func areWithin(_ name: String) -> Bool { ".\(full).".contains(".\(name).") }

  func match(_ regex: Regex) -> Bool { contains(where: regex.isFound) }

  /// Whether the first number in the name, behind what patterns match, is one of some.
  func areOfLayer(_ numbers: [Int], _ patterns: [LayerPattern]) -> Bool {
    contains { name in
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      /// The number that stands behind at least `least` parts, and in front of one.
      func number(_ least: Int, _ fits: (String) -> Bool) -> Int? {
        guard least < parts.count - 1 else { return nil }
        for i in least..<parts.count - 1 {
          guard let number = Int(parts[i]), number >= 0 else { continue }
          if fits(parts[..<i].joined(separator: ".")) { return number }
        }
        return nil
      }
      if patterns.isEmpty { return number(2, { _ in true }).map(numbers.contains) ?? false }
      for pattern in patterns {
        if let number = number(1, pattern.matches) { return numbers.contains(number) }
      }
      return false
    }
  }
}

/// Layers as PEFT chooses them: `target_modules`, `exclude_modules`, `layers_to_transform` and
/// `layers_pattern` (peft 0.21 `tuners/tuners_utils.py`, `check_target_module_exists`).
package struct LayerChoice: Sendable {
  /// A way to name layers.
  package enum Names: Sendable {
    /// Every linear layer but the one that gives a number to each token of the vocabulary.
    case allLinear
    /// A regular expression that whole names match.
    case pattern(String, Regex)
    /// Last parts of names.
    case ends([String])
  }

  package let names: Names
  package let excluded: Names?
  private let layers: [Int]?
  private let patterns: [LayerPattern]

  private static let all = "all-linear"

  init(_ reader: ConfigurationReader) throws(Failure) {
    guard let names = try Self.names("targets", reader, mayBeAll: true) else {
      throw reader.failure(
        "targets", expected: "names such as [query, value], a regular expression or \(Self.all)")
    }
    self.names = names
    excluded = try Self.names("exclude_modules", reader, mayBeAll: false)
    layers = try reader.integers("layers_to_transform")
    patterns = try (reader.strings("layers_pattern") ?? []).map { text throws(Failure) in
      try LayerPattern(text, "lora.layers_pattern", at: reader.file)
    }
    if layers != nil || !patterns.isEmpty, case .ends = names {
    } else if layers != nil {
      throw .config(
        reader.file, "lora.layers_to_transform: targets must be a list of names, as in PEFT")
    }
    if !patterns.isEmpty, layers == nil {
      throw .config(reader.file, "lora.layers_pattern: layers_to_transform is missing")
    }
  }

  /// A text is a regular expression, and one that is plainly a name is a name as well.
  private static func names(
    _ key: String, _ reader: ConfigurationReader, mayBeAll: Bool
  ) throws(Failure) -> Names? {
    guard let list = try reader.strings(key), !list.isEmpty else { return nil }
    guard let text = reader[key]?.string else { return .ends(list) }
    if mayBeAll, text.lowercased() == all { return .allLinear }
    guard text.contains(where: { "*+?[](){}|^$\\".contains($0) }) else { return .ends([text]) }
    return .pattern(text, try LayerPattern.whole(text, "lora.\(key)", at: reader.file))
  }

  /// Whether a layer is chosen, if it can be updated.
  func contains(_ layer: LayerNames) -> Bool {
    if let excluded, Self.contains(excluded, layer) { return false }
    guard Self.contains(names, layer) else { return false }
    return layers.map { $0.isEmpty || layer.areOfLayer($0, patterns) } ?? true
  }

  private static func contains(_ names: Names, _ layer: LayerNames) -> Bool {
    switch names {
    case .allLinear: true
    case .pattern(_, let regex): layer.match(regex)
    case .ends(let names): names.contains { layer.end(with: $0) }
    }
  }

  /// Refuses names that no layer has.
  ///
  /// - Throws: 78.
  func check(_ layers: [LayerNames], _ place: String) throws(Failure) {
    for names in [names, excluded].compactMap({ $0 }) {
      switch names {
      case .allLinear: break
      case .pattern(let text, let regex):
        guard layers.contains(where: { $0.match(regex) }) else {
          throw .config(place, "lora: no layer's whole name matches \(text)")
        }
      case .ends(let ends):
        for name in ends where !layers.contains(where: { $0.end(with: name) }) {
          throw .config(place, "lora: no layer is called \(name)")
        }
      }
    }
  }

  /// The names by which an adapter says what it updates.
  ///
  /// - Parameter updated: Names of the layers that are, in PEFT's model.
  /// - Returns: Fields of `adapter_config.json`.
  func fields(updated: [String]) -> [JSON.Member] {
    func json(_ names: Names?) -> JSON {
      switch names {
      case nil: .null
      case .allLinear: .array(updated.sorted().map { .string($0) })
      case .pattern(let text, _): .string(text)
      case .ends(let names): .array(names.map { .string($0) })
      }
    }
    return [
      .init("exclude_modules", json(excluded)),
      .init("layers_pattern", patterns.isEmpty ? .null : .array(patterns.map { .string($0.text) })),
      .init(
        "layers_to_transform", layers.map { .array($0.map { .integer($0) }) } ?? .null),
      .init("target_modules", json(names)),
    ]
  }
}
