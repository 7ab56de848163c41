extension PreferenceMeasures {
  /// The share of fulfilled preferences with as many non-relevant documents as relevant ones.
  ///
  /// It is averaged over judges. Of more non-relevant documents only the first count, of fewer the
  /// missing ones count as ranked last. After trec_eval's `prefs_avgjg_Rnonrel` and its `_ret`.
  static func balancedRatio(_ counts: PreferenceCounts, _ scope: PreferenceScope) -> Double {
    let onlyRetrieved = scope == .retrieved
    var sum = 0.0
    for judge in counts.judges {
      let relevant = onlyRetrieved ? judge.relevantRetrieved : judge.relevant
      let nonRelevant = onlyRetrieved ? judge.nonRelevantRetrieved : judge.nonRelevant
      if relevant >= nonRelevant {
        let missing = relevant - nonRelevant
        let fulfilled = scope.fulfilled(judge) + judge.relevantRetrieved * missing
        let possible = scope.possible(judge) + judge.relevant * missing
        sum += Double(fulfilled) / Double(possible)
      } else {
        let (fulfilled, broken) = recount(
          judge, first: relevant, retrieved: counts.retrieved, onlyRetrieved: onlyRetrieved)
        sum += Double(fulfilled) / Double(fulfilled + broken)
      }
    }
    // Not so where a judge had nothing to compare: trec_eval then prints 0 for the query.
    return sum > 0 ? sum / Double(counts.judges.count) : 0
  }

  /// Counts preferences again, with the `first` of the non-relevant documents alone.
  private static func recount(
    _ judge: PreferenceCounts.Judge, first: Int, retrieved: Int, onlyRetrieved: Bool
  ) -> (fulfilled: Int, broken: Int) {
    var (fulfilled, broken) = (0, 0)
    func count(_ better: Int, _ worse: Int) {
      if onlyRetrieved, better >= retrieved || worse >= retrieved { return }
      if better < worse, better < retrieved { fulfilled += 1 } else { broken += 1 }
    }
    switch judge.order {
    case .classes(let classes):
      guard let last = classes.last else { return (0, 0) }
      for (i, upper) in classes.enumerated() {
        for lower in classes.dropLast().dropFirst(i + 1) {
          for better in upper.documents {
            for worse in lower.documents { count(better, worse) }
          }
        }
      }
      // trec_eval compares the last class with its own beginning, too.
      for better in classes.flatMap(\.documents) {
        for worse in last.documents.prefix(first) { count(better, worse) }
      }
    case .partial(_, let levels):
      let limit = onlyRetrieved ? retrieved : levels.count
      let discarded = discardedStart(levels.prefix(limit), keeping: judge.relevant)
      func isDiscarded(_ document: Int) -> Bool { document >= discarded && levels[document] == 0 }
      judge.order.forEachPreference { better, worse in
        if !isDiscarded(better), !isDiscarded(worse) { count(better, worse) }
      }
    }
    return (fulfilled, broken)
  }

  /// The first non-relevant document behind so many others.
  private static func discardedStart(_ levels: ArraySlice<Double>, keeping count: Int) -> Int {
    var seen = 0
    for (document, level) in levels.enumerated() where level == 0 {
      seen += 1
      if seen == count + 1 { return document }
    }
    return levels.count
  }
}
