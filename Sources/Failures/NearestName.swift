/// Finds what somebody probably meant.
package enum NearestName {
  /// The candidate with the smallest edit distance, of several the first by name.
  ///
  /// Upper and lower case count only between candidates as near. Nil where the distance is more than
  /// `limit`, which is a third of the name unless it is said.
  package static func find(
    _ name: String, in candidates: some Collection<String>, within limit: Int? = nil
  ) -> String? {
    let wanted = Array(name.lowercased().utf8)
    let distances = candidates.map { candidate in
      (
        distance(wanted, Array(candidate.lowercased().utf8)),
        distance(Array(name.utf8), Array(candidate.utf8)), candidate
      )
    }
    guard let best = distances.min(by: <),
      best.0 <= max(1, limit ?? name.utf8.count / 3)
    else { return nil }
    return best.2
  }

  /// The nearest candidate, or else the shortest one that the name abbreviates: `batch` for
  /// `batch-tokens`, `InBatchCE` for `InBatchCrossEntropy`.
  package static func suggest(
    _ name: String, in candidates: some Collection<String>, within limit: Int? = nil
  ) -> String? {
    if let nearest = find(name, in: candidates, within: limit) { return nearest }
    let short = Array(name.lowercased().utf8)
    guard short.count >= 3 else { return nil }
    return candidates.filter { abbreviates(short, Array($0.lowercased().utf8)) }
      .min { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
  }

  /// Whether a text begins as another one does, and has its other letters in the other's order; the
  /// other may be three times as long.
  private static func abbreviates(_ short: [UInt8], _ long: [UInt8]) -> Bool {
    guard short.first == long.first, 3 * short.count >= long.count else { return false }
    var rest = long[...]
    for letter in short {
      guard let place = rest.firstIndex(of: letter) else { return false }
      rest = rest[(place + 1)...]
    }
    return true
  }

  /// Number of insertions, deletions, replacements and exchanges of neighbours from one text to
  /// another (Damerau and Levenshtein), each place changed at most once.
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var row = [i + 1]
      for (j, y) in b.enumerated() {
        var cost = min(last[j] + (x == y ? 0 : 1), row[j] + 1, last[j + 1] + 1)
        if i > 0, j > 0, x == b[j - 1], a[i - 1] == y { cost = min(cost, beforeLast[j - 1] + 1) }
        row.append(cost)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
