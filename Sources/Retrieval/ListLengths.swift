import JSON

/// How the lists that a search reads differ in length: postings by term, documents by cluster.
package enum ListLengths {
  /// What `info` says of them; nil where there are none.
  ///
  /// - Parameter lengths: Entries of each list; empty lists do not count.
  /// - Returns: Lists and their entries, the mean, median, 99th percentile and longest length, and the
  ///   share of the entries that the longest hundredth of the lists has.
  package static func figures(_ lengths: [Int]) -> JSON? {
    let sorted = lengths.filter { $0 > 0 }.sorted()
    guard let longest = sorted.last else { return nil }
    let entries = sorted.reduce(0, +)
    let hundredth = sorted.suffix((sorted.count + 99) / 100).reduce(0, +)
    func quantile(_ share: Double) -> JSON {
      .integer(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
    }
    func rounded(_ number: Double) -> JSON { .double((number * 1000).rounded() / 1000) }
    return .object([
      JSON.Member("lists", .integer(sorted.count)), JSON.Member("entries", .integer(entries)),
      JSON.Member("mean", rounded(Double(entries) / Double(sorted.count))),
      JSON.Member("median", quantile(0.5)), JSON.Member("p99", quantile(0.99)),
      JSON.Member("longest", .integer(longest)),
      JSON.Member("longest_percent_share", rounded(Double(hundredth) / Double(entries))),
    ])
  }
}
