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

  /// Number of insertions, deletions and replacements from one text to another (Levenshtein).
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let cost = min(diagonal + (x == y ? 0 : 1), row[j] + 1, row[j + 1] + 1)
        diagonal = row[j + 1]
        row[j + 1] = cost
      }
    }
    return row[b.count]
  }
}
