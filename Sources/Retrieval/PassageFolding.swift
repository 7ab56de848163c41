import Failures
import Records

/// How the scores of a document's passages become the document's.
package enum PassageAggregation: String, Sendable, CaseIterable {
  /// The best of them (Dai and Callan, arXiv:1905.09217).
  case maxp
  /// That of the passage that the document begins with.
  case firstp
  /// The sum of all that are found.
  case sump
}

/// Searches an index of passages for documents.
///
/// The best documents are exact: passages are asked for until those that are left cannot change them.
package struct PassageFolding {
  private let index: any SearchableIndex
  private let aggregation: PassageAggregation

  package init(_ index: any SearchableIndex, _ aggregation: PassageAggregation) {
    self.index = index
    self.aggregation = aggregation
  }

  /// The best documents of every query, best first; fewer than `k` only where there are fewer.
  ///
  /// - Throws: As searching does; 65 for a sum that is not a finite number.
  package func search(_ request: SearchRequest) throws(Failure) -> [[FoundDocument]] {
    var request = request
    request.foldsPassages = true
    switch aggregation {
    case .maxp: return try best(request)
    case .firstp:
      request.firstPassages = true
      return try best(request)
    case .sump: return try sums(request)
    }
  }

  // MARK: The best passage

  /// Passages a document that are asked for at first, and how many times as many then.
  private static let usualPassages = 4
  private static let widening = 4

  private func best(_ request: SearchRequest) throws(Failure) -> [[FoundDocument]] {
    var results = [[FoundDocument]](repeating: [], count: request.ids.count)
    var open = Array(request.ids.indices)
    let all = max(index.documents.count, 1)
    var depth = Self.product(request.k, Self.usualPassages, most: all)
    while !open.isEmpty {
      var part = request
      part.ids = open.map { request.ids[$0] }
      part.queries = request.queries.selecting(open)
      part.k = depth
      var left: [Int] = []
      for (query, entries) in zip(open, try index.search(part)) {
        let isAll = entries.count < depth || depth == all
        if let found = documents(entries, request, isAll: isAll) {
          results[query] = found
        } else {
          left.append(query)
        }
      }
      open = left
      depth = Self.product(depth, Self.widening, most: all)
    }
    return results
  }

  private static func product(_ a: Int, _ b: Int, most: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? most : min(product, most)
  }

  /// The `k` best documents among the best passages; nil where other passages may change them.
  private func documents(
    _ passages: [TopDocuments.Entry], _ request: SearchRequest, isAll: Bool
  ) -> [FoundDocument]? {
    let k = request.k
    var seen: Set<[UInt8]> = []
    var found: [FoundDocument] = []
    for passage in passages {
      // Behind the k-th, those of its score may still stand in front of it by their ids.
      if found.count >= k, passage.score < found[k - 1].score { break }
      let ordinal = Int(passage.ordinal)
      let document = PassageID(index.documents.id(ordinal)).document
      guard seen.insert(document).inserted else { continue }
      found.append(
        FoundDocument(id: RecordID(document), score: passage.score, ordinals: [ordinal]))
    }
    guard isAll || (found.count >= k && passages[passages.count - 1].score < found[k - 1].score)
    else { return nil }
    return Array(found.sorted { $0.precedes($1, request.ties) }.prefix(k))
  }

  // MARK: Their sum

  /// Passages whose scores are kept at a time, but for those of one query.
  private static let keptPassages = 1 << 21

  private func sums(_ request: SearchRequest) throws(Failure) -> [[FoundDocument]] {
    var results: [[FoundDocument]] = []
    let all = max(index.documents.count, 1)
    let step = max(1, Self.keptPassages / all)
    for start in stride(from: 0, to: request.ids.count, by: step) {
      let range = start..<min(start + step, request.ids.count)
      var part = request
      part.ids = Array(request.ids[range])
      part.queries = request.queries[range]
      part.k = all
      part.floor = -.infinity
      // All of them are asked for, in the order in which they are summed.
      part.ties = .trec
      for (id, entries) in zip(part.ids, try index.search(part)) {
        let found = try sums(entries, id).filter { $0.score >= request.floor }
        let ranking = found.sorted { $0.precedes($1, request.ties) }
        results.append(Array(ranking.prefix(request.k)))
      }
    }
    return results
  }

  /// The documents of some passages, whose scores are summed in double precision in bytewise order of
  /// their ids: the same bits however the passages are stored.
  private func sums(
    _ passages: [TopDocuments.Entry], _ query: [UInt8]
  ) throws(Failure) -> [FoundDocument] {
    var places: [[UInt8]: Int] = [:]
    var sums: [Double] = []
    var found: [FoundDocument] = []
    let named = passages.map { (id: index.documents.id(Int($0.ordinal)), passage: $0) }
    for (id, passage) in named.sorted(by: { $0.id.lexicographicallyPrecedes($1.id) }) {
      let ordinal = Int(passage.ordinal)
      let document = PassageID(id).document
      if let place = places[document] {
        sums[place] += Double(passage.score)
        found[place].ordinals.append(ordinal)
      } else {
        places[document] = sums.count
        sums.append(Double(passage.score))
        found.append(FoundDocument(id: RecordID(document), score: 0, ordinals: [ordinal]))
      }
    }
    for place in found.indices {
      found[place].score = Float(sums[place])
      guard found[place].score.isFinite else {
        throw .data(
          "query \(String(decoding: query, as: UTF8.self))",
          "the sum of the scores of \(found[place].id) is not a finite number")
      }
    }
    return found
  }
}
