import Failures
import JSON

/// Settings of a validation during training.
package struct ValidationConfiguration: Sendable {
  package var name: String
  package var data: DataConfiguration
  /// Measures, and `loss`.
  package var measures: [String]
  /// Steps between two.
  package var every: Int
  /// Whether the model is measured before the first step, too.
  package var atStart: Bool
  /// Validations without a better first measure after which training ends; nil for never.
  package var patience: Int?

  /// Whether the model is measured after a step, of which 0 is the start.
  package func isDue(_ step: Int) -> Bool { step == 0 ? atStart : step % every == 0 }

  static func read(_ top: ConfigurationReader) throws(Failure) -> [ValidationConfiguration] {
    var all: [ValidationConfiguration] = []
    let own = ["name", "measures", "every", "at_start", "patience"]
    for (i, reader) in try top.mappings("validate", keys: DataConfiguration.keys + own).enumerated()
    {
      let data = try DataConfiguration(reader, isTraining: false)
      let standard = data.tuples.isEmpty ? ["nDCG@10"] : ["loss"]
      let measures = try reader.strings("measures") ?? standard
      if measures.isEmpty { throw reader.failure("measures", expected: "at least one measure") }
      if data.tuples.isEmpty, measures.contains("loss"), data.targets == nil {
        throw .config(top.file, "validate.\(i): the loss on a run needs targets")
      }
      let name = try reader.string("name") ?? "validate.\(i)"
      if all.contains(where: { $0.name == name }) {
        throw .config(top.file, "validate.\(i).name: \(name) is there twice")
      }
      all.append(
        ValidationConfiguration(
          name: name, data: data, measures: measures,
          every: try reader.integer("every", least: 1) ?? 1000,
          atStart: try reader.bool("at_start") ?? true,
          patience: try reader.integer("patience", least: 1)))
    }
    return all
  }

  /// The list with defaults.
  static func effective(_ json: JSON?, _ all: [ValidationConfiguration]) -> JSON {
    let given = json?.array ?? json.map { [$0] } ?? []
    return .array(
      zip(given, all).map { json, read in
        TrainingConfiguration.filled(
          json,
          [
            "name": .string(read.name), "measures": .array(read.measures.map { .string($0) }),
            "every": .integer(read.every), "at_start": true, "patience": .null,
          ])
      })
  }
}
