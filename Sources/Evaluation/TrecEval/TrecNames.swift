import Failures

/// trec_eval's names for measures of ours: `ndcg_cut_10`, as it prints them, or `ndcg_cut.10,20`, as it
/// takes them.
enum TrecNames {
  /// The measures that a name of trec_eval's stands for; nil where it has no such name.
  ///
  /// - Throws: 64 for a name whose values are of no measure, or parameters that make no sense.
  static func measures(_ text: String) throws(Failure) -> [MeasureName]? {
    if let nickname = TrecMeasure.nicknames.first(where: { $0.name == text }) {
      var names: [MeasureName] = []
      for member in nickname.members where member != "runid" && member != "relstring" {
        names += try measures(member) ?? []
      }
      return names
    }
    // P_IA is a name of ours, and no P with the parameter IA.
    let isOurs = MeasureRegistry.all.contains { $0.description.name == text }
    let isTrecEvals = TrecMeasure.all.contains { $0.name == text }
    guard !text.contains(where: { "@(:".contains($0) }), isTrecEvals || !isOurs,
      let (measure, parameters) = split(text)
    else { return nil }
    guard measure.subject == .qrels || measure.name == "num_q", measure.name != "relstring" else {
      throw .usage(
        "measure '\(text)': trec_eval's \(measure.name) is no measure of a run and one list of "
          + "judgements", hint: "lir-eval trec_eval -m \(measure.name) prints it")
    }
    let builder = TrecColumnBuilder(level: 1, documents: 0)
    return try builder.columns(measure, parameters).compactMap { column in
      column.measureName.map(short)
    }
  }

  /// A name of trec_eval's, and what stands behind it: the longest that fits.
  private static func split(_ text: String) -> (measure: TrecMeasure, parameters: String?)? {
    var found: (measure: TrecMeasure, parameters: String?)?
    for measure in TrecMeasure.all {
      if measure.name == text { return (measure, nil) }
      guard let mark = text.dropFirst(measure.name.count).first, "._".contains(mark),
        text.hasPrefix(measure.name), takes(measure.parameters),
        measure.name.count > found?.measure.name.count ?? 0
      else { continue }
      found = (measure, String(text.dropFirst(measure.name.count + 1)))
    }
    return found
  }

  private static func takes(_ parameters: TrecMeasure.Parameters) -> Bool {
    if case .none = parameters { false } else { true }
  }

  /// The name without what it has by default.
  private static func short(_ name: MeasureName) -> MeasureName {
    var name = name
    name.provider = nil
    name.parameters.removeAll {
      $0.key == "docs" || ($0.key == "rel" && $0.value == .integer(1) && name.name != "NumRet")
    }
    name.cutoff = name.cutoff.map { $0.hasSuffix(".0") ? String($0.dropLast(2)) : $0 }
    return name
  }
}
