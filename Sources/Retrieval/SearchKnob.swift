/// A parameter of searching that trades time for recall, with values worth trying.
///
/// A type declares its knobs in its row (`IndexType.knobs`): tests try their values one after the other,
/// and find with the last ones nearly what exact search gives.
package struct SearchKnob: Sendable {
  /// The parameter, which the type declares for searching.
  package var name: String
  /// Values as a user would write them: the cheapest first, the widest last.
  package var values: [String]
  /// Whether a wider value never lowers the recall of a query; else that holds of means.
  package var isMonotone: Bool

  package init(_ name: String, _ values: [String], isMonotone: Bool) {
    precondition(!values.isEmpty, "a knob without values")
    self.name = name
    self.values = values
    self.isMonotone = isMonotone
  }

  /// Every combination of the values of some knobs; one of nothing where there are none.
  package static func combinations(of knobs: [SearchKnob]) -> [[IndexArguments.Given]] {
    knobs.reduce([[]]) { settings, knob in
      settings.flatMap { setting in knob.values.map { setting + [(knob.name, $0)] } }
    }
  }
}

/// How much time a search may take for its recall: a name for settings that each type chooses.
package enum SearchPreset: String, CaseIterable, Sendable {
  case fast, balanced, accurate
}

extension IndexType {
  /// The parameters that a preset stands for, with those that were said, which come last and count.
  ///
  /// - Parameters:
  ///   - preset: The preset; nil for none.
  ///   - given: Parameters of searching that were said.
  /// - Returns: Both.
  package static func settings(
    _ preset: SearchPreset?, _ given: [IndexArguments.Given]
  ) -> [IndexArguments.Given] {
    (preset.map { self.preset($0, beside: given) } ?? []) + given
  }
}
