/// Finds what somebody probably meant.
package enum NearestName {
  /// The first candidate with the smallest edit distance, upper and lower case being the same.
  ///
  /// Nil where that is more than `limit`, which is a third of the name unless it is said.
  package static func find(
    _ name: String, in candidates: some Collection<String>, within limit: Int? = nil
  ) -> String? {
    let wanted = Array(name.lowercased().utf8)
    let distances = candidates.map { (distance(wanted, Array($0.lowercased().utf8)), $0) }
    guard let best = distances.min(by: { $0.0 < $1.0 }),
      best.0 <= max(1, limit ?? name.utf8.count / 3)
    else { return nil }
    return best.1
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
