import Failures
import Records
import Vectors

/// Searches blocks of queries and writes what they find to a run, from where a killed run ended.
package struct RunSearch {
  private let index: any SearchableIndex
  private let output: RunOutput
  private let options: Options
  private var seen: Set<[UInt8]> = []
  /// The query behind which the work begins; nil once it was met, or where it begins at the start.
  private var skippingTo: [UInt8]?

  /// What holds for all queries.
  package struct Options: Sendable {
    /// Documents a query.
    package var k: Int
    package var dropsSelf: Bool
    package var filter: DocumentFilter?
    /// Where queries come from and where the run goes, for messages.
    package var input: String
    package var target: String

    package init(
      k: Int, dropsSelf: Bool = false, filter: DocumentFilter? = nil, input: String, target: String
    ) {
      self.k = k
      self.dropsSelf = dropsSelf
      self.filter = filter
      self.input = input
      self.target = target
    }
  }

  package init(_ index: any SearchableIndex, _ output: RunOutput, _ options: Options) {
    self.index = index
    self.output = output
    self.options = options
    skippingTo = output.resumeAfter?.bytes
  }

  /// Searches a block of queries, without those that the run has already.
  ///
  /// - Parameters:
  ///   - ids: The queries' ids.
  ///   - queries: The queries.
  ///   - texts: Their texts, for a run of JSON lines; none where they are not known.
  /// - Returns: How many were searched.
  /// - Throws: 65 where a query occurs twice, and what searching and writing throw.
  package mutating func search(
    ids: [[UInt8]], _ queries: Embeddings, texts: [[UInt8]] = []
  ) throws(Failure) -> Int {
    for id in ids where !seen.insert(id).inserted {
      throw .data(options.input, "query \(String(decoding: id, as: UTF8.self)) occurs twice")
    }
    var first = 0
    if let target = skippingTo {
      guard let place = ids.firstIndex(of: target) else { return 0 }
      skippingTo = nil
      first = place + 1
    }
    if first == ids.count { return 0 }
    let request = SearchRequest(
      ids: Array(ids[first...]), queries: queries[first..<ids.count], k: options.k,
      dropsSelf: options.dropsSelf, filter: options.filter)
    for (i, (id, entries)) in zip(request.ids, try index.search(request)).enumerated() {
      let documents = entries.map {
        ScoredDocument(id: RecordID(index.documents.id(Int($0.ordinal))), score: $0.score)
      }
      let text = texts.isEmpty ? nil : texts[first + i]
      try output.append(query: RecordID(id), text: text, documents)
    }
    try output.checkpoint()
    return request.ids.count
  }

  /// Checks that the place from which a resumed run goes on was met.
  ///
  /// - Throws: 65 where it was not.
  package func finish() throws(Failure) {
    guard let target = skippingTo else { return }
    throw .data(
      options.target,
      "the partial run ends with query \(String(decoding: target, as: UTF8.self)), unknown here")
  }
}
