import Failures
import Indexes
import Records
import Retrieval
import TestSupport
import Testing
import Vectors

/// Documents by their passages: compared with folding all passages' scores.
@Suite struct PassageFoldingTests {
  private let folder: TemporaryFolder
  private let index: any RescoringIndex
  private static let width = 3

  /// Documents of many and of few passages, one that is no passage, and ids whose order is not that
  /// of their passages' ids (`!` stands in front of `#`).
  private static let ids: [String] = {
    var ids = ["whole", "d#", "d#x"]
    for (document, passages) in [("a", 40), ("a!b", 3), ("b", 1), ("c", 7), ("d", 2), ("e#1", 2)] {
      ids += (0..<passages).map { "\(document)#\($0)" }
    }
    // A document without its first passage.
    return ids + ["f#1", "f#2"]
  }()

  init() throws {
    folder = try TemporaryFolder()
    let records = Self.ids.enumerated().map { row, id in
      let values = (0..<Self.width).map { Float((row * 7 + $0 * 5) % 4 - 1) }
      return (Array(id.utf8), 1, [bytes(values)])
    }
    try writeStream(folder("s"), .dense(.f32, dimension: Self.width), dimension: 3, records)
    try buildIndex(folder("i"), streams: [folder("s")])
    index = try openIndex(folder("i"))
  }

  private func request(_ queries: [Float], k: Int) -> SearchRequest {
    let count = queries.count / Self.width
    return SearchRequest(
      ids: (0..<count).map { Array("q\($0)".utf8) },
      queries: .dense(queries, dimension: Self.width), k: k)
  }

  private struct Scored: Equatable {
    var id: String
    var score: Float
  }

  /// Folds all passages, the way that the issue of every aggregation says.
  private func expected(
    _ passages: [TopDocuments.Entry], _ how: PassageAggregation, k: Int
  ) -> [Scored] {
    var scores: [String: [(place: Int, score: Float)]] = [:]
    for entry in passages {
      let id = String(decoding: index.documents.id(Int(entry.ordinal)), as: UTF8.self)
      let parts = id.split(separator: "#", omittingEmptySubsequences: false)
      let place = parts.count > 1 ? Int(parts[parts.count - 1]) : nil
      let document = place == nil ? id : parts.dropLast().joined(separator: "#")
      scores[document, default: []].append((place ?? 0, entry.score))
    }
    var found: [Scored] = []
    for (id, list) in scores {
      switch how {
      case .maxp: found.append(Scored(id: id, score: list.map(\.score).max() ?? 0))
      case .firstp:
        if let first = list.first(where: { $0.place == 0 }) {
          found.append(Scored(id: id, score: first.score))
        }
      case .sump: found.append(Scored(id: id, score: list.reduce(0) { $0 + $1.score }))
      }
    }
    found.sort {
      $0.score != $1.score
        ? $0.score > $1.score : Array($1.id.utf8).lexicographicallyPrecedes(Array($0.id.utf8))
    }
    return Array(found.prefix(k))
  }

  /// The last query gives all passages one score: all of them are in a tie.
  private static let queries: [Float] = [1, 0, 0, 0.5, -1, 2, -3, 1, 0.25, 0, 0, 0]

  @Test(arguments: PassageAggregation.allCases, [1, 2, 3, 5, 100])
  func documents(how: PassageAggregation, k: Int) throws {
    let all = try index.search(request(Self.queries, k: 1000))
    let found = try PassageFolding(index, how).search(request(Self.queries, k: k))
    #expect(found.count == all.count)
    for (found, all) in zip(found, all) {
      #expect(found.map { Scored(id: "\($0.id)", score: $0.score) } == expected(all, how, k: k))
    }
  }

  /// A filter of documents is one of their passages; a query's own document is left out with all of
  /// its passages.
  @Test(arguments: PassageAggregation.allCases)
  func limits(how: PassageAggregation) throws {
    try write(folder("filter"), "a\nc#2\nd\nwhole\nnowhere\n")
    var request = request([1, 0.5, 0.25], k: 100)
    let filter = try DocumentFilter(folder("filter"), index.documents, foldingPassages: true)
    #expect(filter.unknown == 1)
    request.filter = filter
    let passages = try index.search(request)[0]
    let found = try PassageFolding(index, how).search(request)[0]
    #expect(Set(found.map { "\($0.id)" }).isSubset(of: ["a", "c", "d", "whole"]))
    #expect(found.contains { "\($0.id)" == "c" } == (how != .firstp))
    #expect(passages.count == 40 + 1 + 2 + 1)
    request.dropsSelf = true
    request.ids = [Array("a".utf8)]
    let others = try PassageFolding(index, how).search(request)[0]
    #expect(others.map(\.id) == found.map(\.id).filter { "\($0)" != "a" })
    request.floor = others[1].score
    let best = try PassageFolding(index, how).search(request)[0]
    #expect(best.map(\.id) == others.filter { $0.score >= request.floor }.map(\.id))
  }

  @Test func ids() {
    func parts(_ id: String) -> (String, Int?) {
      let id = PassageID(Array(id.utf8))
      return (String(decoding: id.document, as: UTF8.self), id.place)
    }
    #expect(parts("d#0") == ("d", 0))
    #expect(parts("a#1#27") == ("a#1", 27))
    for id in ["d", "d#", "#1", "d#1x", "d#-1", "d#99999999999999999999"] {
      #expect(parts(id) == (id, nil))
    }
  }
}
