import Failures

extension MeasureRegistry {
  /// The measures of some names, each once.
  ///
  /// - Parameters:
  ///   - names: In ir-measures' notation.
  ///   - judged: Whether Judged stands beside each, at its cutoff.
  /// - Returns: The measures in their order.
  /// - Throws: 64 for a name that no measure has.
  package static func measures(
    _ names: [String], judged: Bool
  ) throws(Failure) -> [NamedMeasure] {
    var measures: [NamedMeasure] = []
    func add(_ measure: NamedMeasure) {
      if !measures.contains(where: { $0.name == measure.name }) { measures.append(measure) }
    }
    for name in names {
      let measure = try measure(name)
      add(measure)
      guard judged else { continue }
      add(try self.measure(MeasureName("Judged", cutoff: measure.cutoff.map { "\($0)" })))
    }
    return measures
  }
}
