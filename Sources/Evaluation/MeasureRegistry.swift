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
    GeometricMeanAP.self, GeometricMeanBpref.self, RPrecisionMultiple.self, Utility.self,
    ElevenPointAverage.self, BinaryG.self, GMeasure.self, DCG.self, IdealDCG.self,
    NDCGAtRelevant.self, RNDCG.self, RelativePrecision.self, NonRelevantCount.self, YAAP.self,
    TrecRBP.self, TrecRBPResidual.self, Unjudged.self,
  ]

  /// Providers whose definitions the measures here follow.
  private static let providers: Set<String> = ["trec", "pytrec_eval"]

  /// The kind of measure that a name means.
  ///
  /// Exit 64 where there is none, with the nearest name.
  static func type(of name: MeasureName) throws(Failure) -> any Measure.Type {
    let found = all.first {
      $0.description.name == name.name || $0.description.aliases.contains(name.name)
    }
    if let found { return found }
    let names = all.flatMap { [$0.description.name] + $0.description.aliases }
    let nearest = NearestName.find(name.name, in: names)
    throw .usage(
      "no measure is called '\(name.name)'",
      hint: nearest.map { "did you mean \($0)?" }
        ?? "there are \(all.map { $0.description.name }.joined(separator: ", "))")
  }

  /// The measure with this name.
  ///
  /// Exit 64 where there is none, with the nearest name; or where a parameter makes no sense.
  package static func measure(_ text: String) throws(Failure) -> NamedMeasure {
    try measure(MeasureName(parsing: text))
  }

  /// The measure with this name.
  package static func measure(_ name: MeasureName) throws(Failure) -> NamedMeasure {
    let type = try type(of: name)
    if let provider = name.provider, !providers.contains(provider) {
      throw .usage(
        "measure '\(name)': no provider is called '\(provider)'",
        hint: "there are trec, trec_eval 10, and pytrec_eval, trec_eval 9, which is the default")
    }
    let arguments = try MeasureArguments(name, type.description)
    return NamedMeasure(
      name: name.description, measure: try type.init(arguments), description: type.description)
  }
}

/// A measure under the name that the user gave it.
package struct NamedMeasure: Sendable {
  /// The name in its normal form: `AP(rel=2)@1000`.
  package let name: String
  /// The measure.
  package let measure: any Measure
  /// What it is.
  package let description: MeasureDescription
}

/// Which known name a misspelt one is nearest to.
package enum NearestName {
  /// The nearest of `names`; nil if none is near.
  package static func find(_ name: String, in names: [String]) -> String? {
    let distances = names.map { ($0, distance(name.lowercased(), $0.lowercased())) }
    guard let best = distances.min(by: { $0.1 < $1.1 }), best.1 <= max(1, name.count / 2) else {
      return nil
    }
    return best.0
  }

  /// Number of insertions, deletions and replacements from one text to another (Levenshtein).
  static func distance(_ left: String, _ right: String) -> Int {
    let (l, r) = (Array(left.utf8), Array(right.utf8))
    var row = Array(0...r.count)
    for i in 0..<l.count {
      var diagonal = row[0]
      row[0] = i + 1
      for j in 0..<r.count {
        let above = row[j + 1]
        row[j + 1] = min(diagonal + (l[i] == r[j] ? 0 : 1), above + 1, row[j] + 1)
        diagonal = above
      }
    }
    return row[r.count]
  }
}
