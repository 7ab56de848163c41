import Failures

/// The measures that exist.
package enum MeasureRegistry {
  /// All of them, in the order of their listing.
  package static let all: [any Measure.Type] = [
    NDCG.self, ReciprocalRank.self, AveragePrecision.self, Precision.self, Recall.self,
    RPrecision.self, InterpolatedPrecision.self, Success.self, BinaryPreference.self,
    InferredAP.self, SetPrecision.self, SetRecall.self, SetFMeasure.self,
    SetAveragePrecision.self, Judged.self, QueryCount.self, RetrievedCount.self,
    RelevantCount.self,
    ExpectedReciprocalRank.self, RankBiasedPrecision.self, Compatibility.self, Accuracy.self,
    INST.self, INSQ.self, BejeweledPlayer.self, ScaledDCG.self, NERR8.self, NERR9.self,
    NERR10.self, NERR11.self, GeometricMeanAP.self, GeometricMeanBpref.self,
    RPrecisionMultiple.self, Utility.self,
    ElevenPointAverage.self, BinaryG.self, GMeasure.self, DCG.self, IdealDCG.self,
    NDCGAtRelevant.self, RNDCG.self, RelativePrecision.self, NonRelevantCount.self, YAAP.self,
    TrecRBP.self, TrecRBPResidual.self, Unjudged.self, AlphaNDCG.self, AlphaDCG.self,
    IntentAwareERR.self, NormalizedIntentAwareERR.self, NoveltyRBP.self,
    NormalizedNoveltyRBP.self, IntentAwareAP.self, IntentAwarePrecision.self, SubtopicRecall.self,
  ]

  /// What ir-measures has as a name of its own for a measure with a parameter.
  static func written(out name: MeasureName) -> MeasureName {
    let long: [String: (String, String, MeasureName.Value)] = [
      "SetRelP": ("SetP", "relative", .boolean(true)), "NumRelRet": ("NumRet", "rel", .integer(1)),
    ]
    guard let (measure, key, value) = long[name.name] else { return name }
    var name = name
    name.name = measure
    if !name.parameters.contains(where: { $0.key == key }) {
      name.parameters.append(MeasureName.Parameter(key: key, value: value))
      name.parameters.sort { $0.key < $1.key }
    }
    return name
  }

  /// The kind of measure that a name means.
  ///
  /// - Throws: 64 where there is none, with the nearest name.
  static func type(of name: MeasureName) throws(Failure) -> any Measure.Type {
    let found = all.first {
      $0.description.name == name.name || $0.description.aliases.contains(name.name)
    }
    if let found { return found }
    if let here = habit(name) {
      throw .usage("no measure is called '\(name.name)'", hint: "did you mean \(here)?")
    }
    let names = all.flatMap { [$0.description.name] + $0.description.aliases }
    let nearest = NearestName.find(name.name, in: names, within: name.name.count / 2)
    throw .usage(
      "no measure is called '\(name.name)'",
      hint: nearest.map { "did you mean \($0)?" }
        ?? "there are \(all.map { $0.description.name }.joined(separator: ", "))")
  }

  /// What other programs call a measure, with a cutoff behind the name or not: `mrr_10`, `hit@5`; nil for
  /// other names.
  private static func habit(_ name: MeasureName) -> String? {
    let here = [
      "mrr": "RR", "reciprocalrank": "RR", "ndcg": "nDCG", "map": "AP", "recall": "R",
      "precision": "P", "prec": "P", "hit": "Success", "hits": "Success", "hr": "Success",
      "hitrate": "Success", "hitratio": "Success", "f1": "SetF", "fscore": "SetF",
      "fmeasure": "SetF",
    ]
    let lower = name.name.lowercased()
    if let known = here[lower] { return known + (name.cutoff.map { "@\($0)" } ?? "") }
    let digits = lower.reversed().prefix { $0.isASCII && $0.isNumber }.count
    let word = lower.dropLast(digits).filter { $0 != "_" && $0 != "." && $0 != "-" }
    guard let known = here[String(word)] else { return nil }
    let cutoff = name.cutoff ?? (digits > 0 ? String(lower.suffix(digits)) : nil)
    return known + (cutoff.map { "@\($0)" } ?? "")
  }

  /// The measure with this name.
  package static func measure(_ name: MeasureName) throws(Failure) -> NamedMeasure {
    let name = written(out: name)
    let type = try type(of: name)
    let provider = try MeasureProvider.find(name, type.description.name)
    let arguments = try MeasureArguments(name, type.description)
    return NamedMeasure(
      name: name.description, measure: try type.init(arguments), description: type.description,
      ties: provider.ties)
  }
}

/// A measure under the name that the user gave it.
package struct NamedMeasure: Sendable {
  /// The name in its normal form: `AP(rel=2)@1000`.
  package let name: String
  /// The measure with its parameters, ready to be evaluated.
  package let measure: any Measure
  /// What it is.
  package let description: MeasureDescription
  /// The order of ties that its provider has.
  package var ties = TieOrder.trec
  /// The rank that it looks at, for a measure with a cutoff.
  package var cutoff: Int? {
    switch description.cutoff {
    case .required, .optional:
      name.split(separator: "@").dropFirst().last.flatMap { Int($0) }
    default: nil
    }
  }
}
