/// Records of validations in the state of a training run.
extension TrainingState {
  /// Takes note of a validation's first measure after the current step.
  ///
  /// - Parameters:
  ///   - value: The measure's value.
  ///   - validation: The validation's place among all.
  ///   - isBetter: Whether the first value is better than the second.
  /// - Returns: Whether the model is the best so far by the first validation, which chooses it.
  package mutating func note(
    _ value: Double, of validation: Int, isBetter: (_ value: Double, _ than: Double) -> Bool
  ) -> Bool {
    let isBest = bests[validation].map { isBetter(value, $0) } ?? true
    waits[validation] = isBest ? 0 : waits[validation] + 1
    guard isBest else { return false }
    bests[validation] = value
    guard validation == 0 else { return false }
    best = Best(value: value, step: step)
    return true
  }

  /// Whether a validation has waited for a better value as often as its patience, of which nil is one
  /// without an end, allows.
  package func isStopped(by patiences: [Int?]) -> Bool {
    zip(waits, patiences).contains { waits, patience in patience.map { waits >= $0 } ?? false }
  }
}
