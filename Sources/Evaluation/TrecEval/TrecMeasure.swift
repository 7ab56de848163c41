import Failures

/// A measure under trec_eval's name, as it is listed, parameterised and printed there.
package struct TrecMeasure: Sendable {
  /// How the parameters behind a name's point are read.
  package enum Parameters: Sendable {
    /// There are none.
    case none
    /// Ranks; a value each.
    case ranks([Int])
    /// Fractions; a value each.
    case fractions([Double])
    /// Numbers that all go into one value.
    case numbers
    /// `1=3.5,2=9`.
    case pairs
  }

  /// What the measure looks at.
  package enum Subject: Sendable {
    /// Judgements.
    case qrels
    /// Judgements of several judges.
    case groups
    /// Preferences.
    case preferences
    /// Nothing but the run.
    case run
  }

  /// trec_eval's name.
  package let name: String
  let parameters: Parameters
  let subject: Subject
  /// Our name for the same, and how its parameters are called.
  let measure: String
  let keys: [String]

  init(
    _ name: String, _ measure: String, _ parameters: Parameters = .none,
    keys: [String] = [], of subject: Subject = .qrels
  ) {
    self.name = name
    self.measure = measure
    self.parameters = parameters
    self.keys = keys
    self.subject = subject
  }

  private static let ranks = Parameters.ranks([5, 10, 15, 20, 30, 100, 200, 500, 1000])
  private static let recalls = Parameters.fractions(
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
  private static let multiples = Parameters.fractions(
    [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0])

  /// All of them, in the order in which trec_eval prints them.
  package static let all: [TrecMeasure] = ofJudgements + preferences + others

  private static let ofJudgements: [TrecMeasure] = [
    .init("runid", "runid", of: .run), .init("num_q", "NumQ", of: .run),
    .init("num_ret", "NumRet"), .init("num_rel", "NumRel"), .init("num_rel_ret", "NumRet"),
    .init("map", "AP"), .init("gm_map", "gm_map"), .init("Rprec", "Rprec"),
    .init("bpref", "Bpref"), .init("recip_rank", "RR"),
    .init("iprec_at_recall", "IPrec", recalls), .init("P", "P", ranks),
    .init("relstring", "relstring", .numbers), .init("recall", "R", ranks),
    .init("infAP", "infAP"), .init("gm_bpref", "gm_bpref"),
    .init("Rprec_mult", "Rprec_mult", multiples),
    .init("utility", "utility", .numbers, keys: ["a", "b", "c", "d"]),
    .init("11pt_avg", "11pt_avg", .numbers, keys: ["recalls"]), .init("binG", "binG"),
    .init("G", "G", .pairs), .init("dcg", "dcg", .pairs), .init("ideal_dcg", "ideal_dcg", .pairs),
    .init("ndcg", "nDCG", .pairs), .init("ndcg_rel", "ndcg_rel", .pairs),
    .init("Rndcg", "Rndcg", .pairs), .init("ndcg_cut", "nDCG", ranks),
    .init("map_cut", "AP", ranks), .init("relative_P", "relative_P", ranks),
    .init("success", "Success", .ranks([1, 5, 10])), .init("set_P", "SetP"),
    .init("set_relative_P", "SetP"), .init("set_recall", "SetR"), .init("set_map", "SetAP"),
    .init("set_F", "SetF", .numbers, keys: ["beta"]),
    .init("num_nonrel_judged_ret", "num_nonrel_judged_ret"),
  ]

  private static let others: [TrecMeasure] = [
    .init("map_avgjg", "AP", of: .groups), .init("P_avgjg", "P", ranks, of: .groups),
    .init("Rprec_mult_avgjg", "Rprec_mult", multiples, of: .groups), .init("yaap", "yaap"),
    .init("rbp", "rbp", .pairs), .init("rbp_resid", "rbp_resid", .pairs),
    .init("unj", "unj", .ranks([5, 10, 20])),
  ]

  private static let preferences = PreferenceMeasures.all.map {
    TrecMeasure($0.name, $0.name, of: .preferences)
  }

  /// Names that stand for several measures.
  package static let nicknames: [(name: String, members: [String])] = {
    let counts = ["runid", "num_q", "num_ret", "num_rel", "num_rel_ret"]
    let official =
      counts + ["map", "gm_map", "Rprec", "bpref", "recip_rank", "iprec_at_recall", "P"]
    let sets = ["set_P", "set_recall", "set_relative_P", "set_map", "set_F"]
    let excluded = ["dcg", "ideal_dcg", "yaap"]
    let trec = all.filter { measure in
      switch measure.subject {
      case .run, .qrels: !excluded.contains(measure.name)
      case .groups, .preferences: false
      }
    }
    let simple = [
      "prefs_num_prefs_poss", "prefs_num_prefs_ful", "prefs_num_prefs_ful_ret", "prefs_simp",
      "prefs_pair", "prefs_avgjg",
    ]
    return [
      ("official", official), ("set", counts + ["utility"] + sets),
      ("all_trec", trec.map(\.name)),
      ("all_prefs", ["runid", "num_q"] + preferences.map(\.name)),
      ("prefs", ["runid", "num_q"] + simple),
      ("qrels_jg", ["runid", "num_q", "map_avgjg", "P_avgjg", "Rprec_mult_avgjg"]),
    ]
  }()
}

extension TrecMeasure {
  /// The measures that requests ask for, in the order of printing; each with its parameters.
  ///
  /// Of several requests for a measure the first with parameters gives them, as in trec_eval.
  package static func resolve(
    _ requests: [TrecOptions.Request]
  ) throws(Failure) -> [(measure: TrecMeasure, parameters: String?)] {
    var wanted: Set<String> = []
    for request in requests {
      let nickname = nicknames.first { $0.name == request.name }
      guard nickname != nil || all.contains(where: { $0.name == request.name }) else {
        let nearest = NearestName.find(
          request.name, in: all.map(\.name) + nicknames.map(\.name),
          within: request.name.count / 2)
        throw .usage(
          "trec_eval: illegal measure '\(request.name)'",
          hint: nearest.map { "did you mean \($0)?" })
      }
      if request.parameters == "" {
        throw .usage("trec_eval: expected parameters behind the point of '\(request.name).'")
      }
      wanted.formUnion(nickname?.members ?? [request.name])
    }
    return all.filter { wanted.contains($0.name) }.map { measure in
      (measure, requests.first { $0.name == measure.name && $0.parameters != nil }?.parameters)
    }
  }
}

extension TrecMeasure {
  /// What the measure is.
  package var explanation: String {
    get throws(Failure) {
      if name == "runid" { return "tag of the run" }
      if name == "relstring" { return "grades of the first documents, a character each" }
      if let found = PreferenceMeasures.find(name) { return found.summary }
      let description = try MeasureRegistry.type(of: MeasureName(measure)).description
      let over = subject == .groups ? "; mean over judges" : ""
      return "\(description.summary)\(over)\n  \(description.formula)"
    }
  }
}
