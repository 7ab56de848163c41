/// A number that says how well a ranking keeps preferences.
package struct PreferenceMeasure: Sendable {
  /// trec_eval's name.
  package let name: String
  /// One line of explanation.
  package let summary: String
  /// Whether it is a count, to be summed.
  package let isCount: Bool
  let value: @Sendable (PreferenceCounts) -> Double

  init(
    _ name: String, _ summary: String, isCount: Bool = false,
    _ value: @escaping @Sendable (PreferenceCounts) -> Double
  ) {
    self.name = name
    self.summary = summary
    self.isCount = isCount
    self.value = value
  }
}

/// Which preferences count.
enum PreferenceScope: Sendable {
  /// Those between retrieved documents.
  case retrieved
  /// And those with one retrieved document.
  case implied
  /// And those without.
  case all

  func fulfilled(_ judge: PreferenceCounts.Judge) -> Int {
    judge.fulfilledRetrieved + (self == .retrieved ? 0 : judge.fulfilledImplied)
  }

  func possible(_ judge: PreferenceCounts.Judge) -> Int {
    judge.possibleRetrieved + (self == .retrieved ? 0 : judge.possibleImplied)
      + (self == .all ? judge.absent : 0)
  }
}

/// The measures of preferences that exist, after trec_eval's `prefs_*`.
package enum PreferenceMeasures {
  /// All of them, in trec_eval's order.
  package static let all: [PreferenceMeasure] = [
    .init("prefs_num_prefs_poss", "number of preferences", isCount: true) { counts in
      Double(counts.judges.reduce(0) { $0 + PreferenceScope.all.possible($1) })
    },
    .init("prefs_num_prefs_ful", "number of fulfilled preferences", isCount: true) { counts in
      Double(counts.judges.reduce(0) { $0 + PreferenceScope.all.fulfilled($1) })
    },
    .init(
      "prefs_num_prefs_ful_ret", "number of fulfilled preferences between retrieved documents",
      isCount: true
    ) { counts in
      Double(counts.judges.reduce(0) { $0 + PreferenceScope.retrieved.fulfilled($1) })
    },
    .init("prefs_simp", "share of fulfilled preferences") { ratio($0, .all) },
    .init("prefs_pair", "share of fulfilled preferences, averaged over pairs of documents") {
      pairRatio($0, .all)
    },
    .init("prefs_avgjg", "share of fulfilled preferences, averaged over judges") {
      judgeRatio($0, .all)
    },
    .init("prefs_avgjg_Rnonrel", "prefs_avgjg with as many non-relevant documents as relevant") {
      balancedRatio($0, .all)
    },
    .init("prefs_simp_ret", "prefs_simp between retrieved documents") { ratio($0, .retrieved) },
    .init("prefs_pair_ret", "prefs_pair between retrieved documents") {
      pairRatio($0, .retrieved)
    },
    .init("prefs_avgjg_ret", "prefs_avgjg between retrieved documents") {
      judgeRatio($0, .retrieved)
    },
    .init("prefs_avgjg_Rnonrel_ret", "prefs_avgjg_Rnonrel between retrieved documents") {
      balancedRatio($0, .retrieved)
    },
    .init("prefs_simp_imp", "prefs_simp with at least one retrieved document") {
      ratio($0, .implied)
    },
    .init("prefs_pair_imp", "prefs_pair with at least one retrieved document") {
      pairRatio($0, .implied)
    },
    .init("prefs_avgjg_imp", "prefs_avgjg with at least one retrieved document") {
      judgeRatio($0, .implied)
    },
  ]

  /// The measure with this name; nil if there is none.
  package static func find(_ name: String) -> PreferenceMeasure? { all.first { $0.name == name } }

  private static func ratio(_ counts: PreferenceCounts, _ scope: PreferenceScope) -> Double {
    let possible = counts.judges.reduce(0) { $0 + scope.possible($1) }
    let fulfilled = counts.judges.reduce(0) { $0 + scope.fulfilled($1) }
    return possible == 0 ? 0 : Double(fulfilled) / Double(possible)
  }

  private static func judgeRatio(_ counts: PreferenceCounts, _ scope: PreferenceScope) -> Double {
    var sum = 0.0
    for judge in counts.judges where scope.possible(judge) > 0 {
      sum += Double(scope.fulfilled(judge)) / Double(scope.possible(judge))
    }
    return sum > 0 ? sum / Double(counts.judges.count) : 0
  }

  private static func pairRatio(_ counts: PreferenceCounts, _ scope: PreferenceScope) -> Double {
    let n = counts.documents
    var (sum, pairs) = (0.0, 0)
    func add(_ i: Int, _ j: Int, scores: Bool) {
      let (kept, broken) = (Int(counts.judgesFor[i * n + j]), Int(counts.judgesFor[j * n + i]))
      if kept + broken == 0 { return }
      pairs += 1
      if scores { sum += Double(kept) / Double(kept + broken) }
    }
    // The order in which trec_eval adds.
    let retrieved = counts.retrieved
    for i in 0..<retrieved {
      for j in (i + 1)..<max(i + 1, retrieved) { add(i, j, scores: true) }
    }
    if scope != .retrieved {
      for i in 0..<retrieved {
        for j in retrieved..<n { add(i, j, scores: true) }
      }
    }
    if scope == .all {
      for i in retrieved..<n {
        for j in (i + 1)..<max(i + 1, n) { add(i, j, scores: false) }
      }
    }
    return pairs == 0 ? 0 : sum / Double(pairs)
  }
}
