import Failures
import IndexFormat
import JSON
import Records
import Vectors

/// Several indexes that are searched as one: segments of an index, or of several.
///
/// Each query is answered by every one of them, and the best of all answers are kept. A score does not
/// depend on the other documents, or the type has seen to it that it is that of all; so the result is
/// that of one index of all documents.
package struct SegmentedIndex: SearchableIndex {
  fileprivate let parts: [any SearchableIndex]
  package let documents: SegmentedDocuments
  private let survivors = SurvivorCounts()
  /// The index that each part belongs to.
  private let folders: [String]
  /// Whether they are of several indexes, which may have a document in common by mistake.
  private let areApart: Bool
  /// The parts in the order in which they are searched: large ones find what excludes most in others.
  private let order: [Int]

  /// Joins indexes; one alone is left as it is.
  ///
  /// - Parameters:
  ///   - parts: At least one.
  ///   - segments: What each was opened from.
  /// - Returns: What can score documents that are given, and then say what scores are made of, and give
  ///   vectors, where each of the parts can.
  package static func joining(
    _ parts: [any SearchableIndex], of segments: [IndexSegment]
  ) -> any SearchableIndex {
    precondition(!parts.isEmpty && parts.count == segments.count, "a segment for each part")
    if parts.count == 1 { return parts[0] }
    let index = SegmentedIndex(parts, of: segments)
    guard parts.allSatisfy({ $0 is any RescoringIndex }) else { return index }
    let haveVectors = parts.allSatisfy { $0 is any VectorSource }
    switch (
      parts.allSatisfy { $0 is any ExplainingIndex }, parts.allSatisfy { $0 is any VectorIndex }
    ) {
    case (false, false):
      return haveVectors ? SourceSegments(index: index) : RescoringSegments(index: index)
    case (true, false):
      return haveVectors
        ? ExplainingSourceSegments(index: index) : ExplainingSegments(index: index)
    case (false, true): return VectorSegments(index: index)
    case (true, true): return ExplainingVectorSegments(index: index)
    }
  }

  /// - Parameters:
  ///   - parts: At least one.
  ///   - segments: What each was opened from.
  package init(_ parts: [any SearchableIndex], of segments: [IndexSegment]) {
    self.parts = parts
    folders = segments.map(\.folder)
    areApart = Set(folders).count > 1
    let documents = SegmentedDocuments(parts.map { $0.documents })
    order = parts.indices.sorted { a, b in
      let (x, y) = (parts[a].documents.count, parts[b].documents.count)
      return x != y ? x > y : a < b
    }
    self.documents = documents
  }

  package func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    try search(request) { part, request throws(Failure) in try parts[part].search(request) }
  }

  /// The best documents of every query, where something else than the parts searches them.
  ///
  /// - Parameters:
  ///   - request: The queries, and what may answer them.
  ///   - search: Searches a part by its place.
  /// - Returns: The best documents of all parts, best first.
  /// - Throws: What searching a part throws; 65 where a document is in two indexes.
  package func search(
    _ request: SearchRequest,
    _ search: (Int, SearchRequest) throws(Failure) -> [[TopDocuments.Entry]]
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    var found = [[TopDocuments.Entry]](repeating: [], count: request.ids.count)
    let tally = SurvivorTally()
    defer { if request.survivors == nil { survivors.add(tally) } }
    for part in order {
      let first = documents.firsts[part]
      var own = request
      own.reached = []
      if parts[part].heedsReached {
        own.reached = found.enumerated().map { query, entries in
          let score = entries.count == request.k ? entries.last?.score : nil
          return max(score ?? -.infinity, request.least(of: query))
        }
      }
      own.survivors = request.survivors ?? tally
      own.filter = request.filter?.counted(from: first)
      own.filterOut = request.filterOut?.counted(from: first)
      for (query, entries) in try search(part, own).enumerated() {
        let entries = entries.map { entry in
          var entry = entry
          entry.ordinal += Int32(first)
          return entry
        }
        found[query] = merged(found[query], entries, request)
      }
    }
    if areApart { for entries in found { try checkDistinct(entries) } }
    return found
  }

  /// The best of two rankings.
  private func merged(
    _ a: [TopDocuments.Entry], _ b: [TopDocuments.Entry], _ request: SearchRequest
  ) -> [TopDocuments.Entry] {
    if a.isEmpty { return b }
    let k = request.k
    var result: [TopDocuments.Entry] = []
    result.reserveCapacity(min(k, a.count + b.count))
    var (i, j) = (0, 0)
    while result.count < k, i < a.count || j < b.count {
      if j == b.count || (i < a.count && precedes(a[i], b[j], request.ties)) {
        result.append(a[i])
        i += 1
      } else {
        result.append(b[j])
        j += 1
      }
    }
    return result
  }

  /// Whether `a` stands in front of `b`, which is of another part: by score, then by id.
  private func precedes(
    _ a: TopDocuments.Entry, _ b: TopDocuments.Entry, _ ties: RunTies
  ) -> Bool {
    if a.score != b.score { return a.score > b.score }
    let order = documents.withID(Int(a.ordinal)) { x in
      documents.withID(Int(b.ordinal)) { y in ByteOrder.compare(x, y) }
    }
    return ties == .anserini ? order < 0 : order > 0
  }

  /// - Throws: 65 where a document was found in two parts.
  private func checkDistinct(_ entries: [TopDocuments.Entry]) throws(Failure) {
    var seen: [[UInt8]: Int] = [:]
    for entry in entries {
      let part = documents.place(of: Int(entry.ordinal)).table
      let id = documents.id(Int(entry.ordinal))
      guard let other = seen.updateValue(part, forKey: id) else { continue }
      throw .data(
        folders[max(part, other)],
        "document \(String(decoding: id, as: UTF8.self)) is in \(folders[min(part, other)]), too")
    }
  }

  package var heedsReached: Bool { parts.allSatisfy(\.heedsReached) }

  /// Numbers of the parts added up, and others as the last part has them.
  package var figures: [(name: String, value: String)] {
    var sums = survivors.figures
    for (name, value) in parts.flatMap({ $0.figures }) {
      guard let place = sums.firstIndex(where: { $0.name == name }) else {
        sums.append((name, value))
        continue
      }
      if let a = Int(sums[place].value), let b = Int(value) {
        sums[place].value = String(a + b)
      } else {
        sums[place].value = value
      }
    }
    return sums
  }
}

// MARK: What more the parts can do

/// Segments that can do more than search.
private protocol CapableSegments: SearchableIndex {
  var index: SegmentedIndex { get }
}

extension CapableSegments {
  var documents: SegmentedDocuments { index.documents }
  var figures: [(name: String, value: String)] { index.figures }
  var heedsReached: Bool { index.heedsReached }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    try index.search(request)
  }

  /// Has each part look at its own ones of some documents.
  private func gather<Value>(
    _ ordinals: [Int],
    _ body: (any SearchableIndex, [Int]) throws(Failure) -> [Value]
  ) throws(Failure) -> [Value] {
    var places: [[Int]] = Array(repeating: [], count: index.parts.count)
    var own: [[Int]] = Array(repeating: [], count: index.parts.count)
    for (place, ordinal) in ordinals.enumerated() {
      let (part, ordinal) = documents.place(of: ordinal)
      places[part].append(place)
      own[part].append(ordinal)
    }
    var values = [Value?](repeating: nil, count: ordinals.count)
    for (part, ordinals) in own.enumerated() where !ordinals.isEmpty {
      for (place, value) in zip(places[part], try body(index.parts[part], ordinals)) {
        values[place] = value
      }
    }
    return values.compactMap { $0 }
  }
}

extension CapableSegments where Self: RescoringIndex {
  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    try gather(ordinals) { part, ordinals throws(Failure) in
      try (part as? any RescoringIndex)?.scores(queries, query, of: ordinals) ?? []
    }
  }
}

extension CapableSegments where Self: ExplainingIndex {
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    try gather(ordinals) { part, ordinals throws(Failure) in
      try (part as? any ExplainingIndex)?.explanations(queries, query, of: ordinals, naming: name)
        ?? []
    }
  }
}

extension CapableSegments where Self: VectorIndex {
  var similarity: Similarity { (index.parts[0] as? any VectorIndex)?.similarity ?? .dot }
}

extension CapableSegments where Self: VectorSource {
  func vectors(of ordinals: [Int]) throws(Failure) -> Embeddings {
    guard let first = index.parts[0] as? any VectorSource else { return .dense([], dimension: 1) }
    let vectors: [Embeddings] = try gather(ordinals) {
      (part: any SearchableIndex, ordinals: [Int]) throws(Failure) -> [Embeddings] in
      guard let vectors = try (part as? any VectorSource)?.vectors(of: ordinals) else { return [] }
      return (0..<vectors.count).map { vectors[$0..<$0 + 1] }
    }
    return vectors.reduce(try first.vectors(of: [])) { $0.appending($1) }
  }
}

private struct RescoringSegments: CapableSegments, RescoringIndex {
  let index: SegmentedIndex
}

private struct ExplainingSegments: CapableSegments, RescoringIndex, ExplainingIndex {
  let index: SegmentedIndex
}

private struct SourceSegments: CapableSegments, RescoringIndex, VectorSource {
  let index: SegmentedIndex
}

private struct ExplainingSourceSegments: CapableSegments, RescoringIndex, ExplainingIndex,
  VectorSource
{
  let index: SegmentedIndex
}

private struct VectorSegments: CapableSegments, RescoringIndex, VectorIndex {
  let index: SegmentedIndex
}

private struct ExplainingVectorSegments: CapableSegments, RescoringIndex, ExplainingIndex,
  VectorIndex
{
  let index: SegmentedIndex
}
