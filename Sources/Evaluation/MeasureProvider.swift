import Failures

/// A program whose measures differ from others' of the name, at least in the order of ties.
struct MeasureProvider: Sendable {
  /// Its name in ir-measures.
  let name: String
  /// The measures that it has; none for all.
  let measures: [String]
  /// Which of several documents with one score it ranks first.
  let ties: TieOrder

  /// All of them.
  static let all: [MeasureProvider] = [
    MeasureProvider(name: "trec", measures: [], ties: .trec),
    MeasureProvider(name: "pytrec_eval", measures: [], ties: .trec),
    MeasureProvider(name: "gdeval", measures: ["ERR", "nDCG"], ties: .descending),
    MeasureProvider(name: "msmarco", measures: ["RR"], ties: .ascending),
    MeasureProvider(name: "judged", measures: ["Judged"], ties: .ascending),
    MeasureProvider(name: "compat", measures: ["Compat"], ties: .ascending),
    MeasureProvider(name: "accuracy", measures: ["Accuracy"], ties: .input),
    MeasureProvider(
      name: "cwl_eval",
      measures: [
        "RBP", "BPM", "SDCG", "NERR8", "NERR9", "NERR10", "NERR11", "INST", "INSQ",
      ], ties: .input),
    MeasureProvider(
      name: "pyndeval",
      measures: [
        "alpha_DCG", "alpha_nDCG", "ERR_IA", "nERR_IA", "NRBP", "nNRBP", "AP_IA", "P_IA",
        "StRecall",
      ], ties: .ascending),
  ]

  /// The provider that a measure's name asks for; trec_eval where it asks for none.
  ///
  /// - Throws: 64 where there is none of the name, or it does not have the measure.
  static func find(_ name: MeasureName, _ measure: String) throws(Failure) -> MeasureProvider {
    guard let wanted = name.provider else { return all[0] }
    guard let provider = all.first(where: { $0.name == wanted }) else {
      throw .usage(
        "measure '\(name)': no provider is called '\(wanted)'",
        hint: "there are " + all.map(\.name).joined(separator: ", "))
    }
    guard provider.measures.isEmpty || provider.measures.contains(measure) else {
      throw .usage(
        "measure '\(name)': \(wanted) has no \(measure)",
        hint: "it has " + provider.measures.joined(separator: ", "))
    }
    return provider
  }
}
